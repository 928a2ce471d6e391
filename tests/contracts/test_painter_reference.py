"""The CPU's fast heat against a plain one: worked out in doubles, with nothing cached and nothing in bytes until the end."""

from __future__ import annotations

import numpy as np
import pytest

from edge.backends.cpu.heat import Tint, blurred, layer_of
from edge.data import Size
from edge.heat import HeatOptions, colormap_table
from edge.shapes import HeatLayer

REFERENCE = Size(640, 360)
SIZES = [REFERENCE, Size(1280, 720), Size(333, 217), Size(320, 240), Size(64, 36)]


def plain(picture: np.ndarray, layer: HeatLayer, reference: Size) -> np.ndarray:
    """The reference: the same layer worked out in doubles, bilinear from quarter size, with nothing cached, rounded once at the end."""
    height, width = picture.shape[:2]
    step = int(np.clip(layer.cell * min(width / reference.width, height / reference.height) / 2, 1, 4))
    ys = (np.arange(-(-height // step)) + 0.5) * step * reference.height / height / layer.cell - 0.5
    xs = (np.arange(-(-width // step)) + 0.5) * step * reference.width / width / layer.cell - 0.5
    level = bilinear(np.clip(layer.seconds.astype(np.float64) / layer.top, 0, 1)[..., None], ys, xs)[..., 0]
    index = np.rint(level * 255).astype(int)
    alpha = np.minimum(np.sqrt(level) * 1.35, 1) * layer.style.alpha
    alpha[index < 2] = 0
    over = colormap_table()[layer.style.colormap][index] * alpha[..., None]
    rows, columns = (np.arange(height) + 0.5) / step - 0.5, (np.arange(width) + 0.5) / step - 0.5
    return np.rint(picture * (1 - bilinear(alpha[..., None], rows, columns)) + bilinear(over, rows, columns))


def bilinear(values: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> np.ndarray:
    """`values` (rows, columns, C) at all (y, x), the border's values beyond it."""
    for axis, at in ((0, ys), (1, xs)):
        at = np.clip(at, 0, values.shape[axis] - 1)
        low = np.minimum(np.floor(at).astype(int), max(values.shape[axis] - 2, 0))
        high = np.minimum(low + 1, values.shape[axis] - 1)
        part = (at - low).reshape(-1, *([1] * (values.ndim - 1 - axis)))
        values = np.take(values, low, axis) * (1 - part) + np.take(values, high, axis) * part
    return values


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("colormap", ["jet", "inferno", "twilight"])
def test_heat_is_within_two_levels_of_the_plain_reference(size: Size, colormap: str) -> None:
    rng = np.random.default_rng(5)
    grid = np.zeros((45, 80), np.float32)
    for _ in range(30):
        grid[rng.integers(45), rng.integers(80)] += rng.exponential(3)
    options = HeatOptions(colormap=colormap)
    seconds = blurred(grid, 2.0)
    layer = layer_of(seconds, 8, options, float(seconds.max()) * 0.8)
    picture = rng.integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)
    painted = Tint().draw(layer, size, REFERENCE).over(picture)
    assert np.abs(painted - plain(picture, layer, REFERENCE)).max() <= 2
