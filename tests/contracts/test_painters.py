"""What every Painter promises. Colours are compared by where they lie and how they rise, never with a stored picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from edge.backends.cpu.painter import CpuPainter
from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.painter import CudaPainter
from edge.data import Detections, Frame, HostPixels, Size, Stamp, Warmth
from edge.heat import COLORMAPS, HeatOptions, colormap_table, grid_size
from edge.pipeline import Pipeline, PipelineOptions
from edge.ports import Painter
from edge.shapes import Boxes, Label, Outline, Overlay, Panel, Segment, Shape
from tests.cuda_host.fixtures import host_cuda

__all__ = ["host_cuda"]

S = 1_000_000_000
REFERENCE = Size(640, 360)
NOTHING = Overlay(REFERENCE, ())
SIZES = [REFERENCE, Size(1280, 720), Size(333, 217), Size(320, 240), Size(64, 36)]
Open = Callable[..., AbstractContextManager[Painter]]


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.system), pytest.param("gpu", marks=pytest.mark.device)])
def open_painter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """`open_painter(reference=..., **heat options)` -> a painter that redraws its heat at every frame.

    `cuda` is the GPU's over the stand-in driver, its kernels run by the CPU; `gpu` is the same where there is a GPU.
    """

    def cpu(*, reference: Size = REFERENCE, show_heat: bool = True, **options: object) -> CpuPainter:
        return CpuPainter(HeatOptions(**options), reference, show_heat=show_heat, redraw_s=0)  # type: ignore[arg-type]

    if request.param == "cpu":
        yield cpu
        return
    with Gpu(tmp_path if request.param == "gpu" else request.getfixturevalue("host_cuda").kernels) as gpu:

        def cuda(*, reference: Size = REFERENCE, show_heat: bool = True, **options: object) -> CudaPainter:
            return CudaPainter(gpu, HeatOptions(**options), reference, show_heat=show_heat, redraw_s=0)  # type: ignore[arg-type]

        yield cuda


def noise(size: Size, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)


def frame(picture: np.ndarray, t_ns: int = 0) -> Frame:
    return Frame(stamp(t_ns, Size(picture.shape[1], picture.shape[0])), HostPixels(picture))


def stamp(t_ns: int, size: Size = REFERENCE) -> Stamp:
    return Stamp("a", t_ns // 40_000_000, t_ns, size)


def presence(at: tuple[int, int], seconds: float, options: HeatOptions | None = None, reference: Size = REFERENCE) -> Warmth:
    """Presence at a point of the reference picture."""
    cell = (options or HeatOptions()).cell
    columns = grid_size(reference, cell).width
    return Warmth([at[1] // cell * columns + at[0] // cell], [round(seconds * 1e6)], [0])


def touched(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Which pixels (H, W) differ."""
    return (before != after).any(axis=2)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_where_nobody_was_the_picture_shows_through_to_the_bit(open_painter: Open, size: Size) -> None:
    picture = noise(size)
    with open_painter() as painter:
        np.testing.assert_array_equal(painter.paint(frame(picture), NOTHING), picture)
        painter.warm(stamp(S), presence((160, 90), 10))
        painted = painter.paint(frame(picture, S), NOTHING)
    y, x = np.mgrid[: size.height, : size.width]
    far = np.hypot((x + 0.5) / size.width * 640 - 164, (y + 0.5) / size.height * 360 - 92) > 90
    assert not touched(picture, painted)[far].any()
    assert touched(picture, painted).any()


def test_the_frame_itself_stays_as_it_was(open_painter: Open) -> None:
    picture = noise(REFERENCE)
    kept = picture.copy()
    with open_painter() as painter:
        painter.warm(stamp(0), presence((320, 180), 5))
        painted = painter.paint(frame(picture), Overlay(REFERENCE, tuple(SHAPES)))
    np.testing.assert_array_equal(picture, kept)
    assert not np.shares_memory(painted, picture)
    assert (painted.dtype, painted.shape) == (np.uint8, picture.shape)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_heat_of_somebody_who_stands_is_at_his_feet(open_painter: Open, size: Size) -> None:
    """From boxes through the pipeline to colours, at any resolution of the picture: hottest within a cell or two of his feet."""
    options = HeatOptions()
    pipeline = Pipeline(PipelineOptions(heat=options), REFERENCE)
    scale = np.tile([size.width / 640, size.height / 360], 2)
    box = Detections(np.array([[380, 120, 420, 240]]) * scale, [0.9], [0])
    grey = np.full((size.height, size.width, 3), 128, np.uint8)
    with open_painter() as painter:
        for k in range(50):
            result = pipeline.step(stamp(k * S // 10, size), box)
            painter.warm(result.stamp, result.warmth)
        painted = painter.paint(frame(grey, 5 * S), NOTHING)
    # Jet's heat is red over green: the hottest spot has the most of it.
    red = painted[..., 2].astype(int) - painted[..., 0]
    y, x = np.nonzero(red == red.max())
    assert x.mean() / size.width * 640 == pytest.approx(400, abs=9)
    assert y.mean() / size.height * 360 == pytest.approx(240, abs=9)


def test_colours_rise_with_presence(open_painter: Open) -> None:
    """Five spots, each with more presence than the last: with a map of rising brightness over black each is brighter."""
    black = np.zeros((360, 640, 3), np.uint8)
    with open_painter(colormap="bone", top_s=4.0, blur=4.0, alpha=1.0) as painter:
        for k in range(1, 6):
            painter.warm(stamp(0), presence((100 * k, 180), 4.0 * k))
        painted = painter.paint(frame(black), NOTHING)
    levels = [int(painted[180, 100 * k // 8 * 8 + 4].astype(int).sum()) for k in range(1, 6)]  # in the middle of its cell
    assert levels[0] > 0
    assert (np.diff(levels) >= 0).all()
    assert len(set(levels)) >= 3


def test_painting_is_the_same_every_time(open_painter: Open) -> None:
    def once() -> np.ndarray:
        with open_painter(half_life_s=30.0) as painter:
            for k in range(20):
                painter.warm(stamp(k * S), presence((30 * k, 200), 1))
                painted = painter.paint(frame(noise(REFERENCE, k), k * S), Overlay(REFERENCE, tuple(SHAPES)))
        return painted

    np.testing.assert_array_equal(once(), once())


def test_heat_keeps_growing_past_256_visits_and_past_weeks(open_painter: Open) -> None:
    """A fixed scale, one spot: more is never shown as less (others wrap at 256, or freeze after days)."""
    black = np.zeros((360, 640, 3), np.uint8)
    with open_painter(colormap="bone", top_s=1e4, blur=0.0, alpha=1.0) as painter:
        level = []
        for k in range(600):
            painter.warm(stamp(k * S), presence((320, 180), 20))
            if k % 40 == 39:
                level.append(int(painter.paint(frame(black, k * S), NOTHING)[180, 324].astype(int).sum()))
    assert (np.diff(level) >= 0).all()
    assert level[-1] > level[6] > level[0] > 0


def test_heat_fades_by_half_in_a_half_life(open_painter: Open) -> None:
    black = np.zeros((360, 640, 3), np.uint8)
    with (
        open_painter(colormap="bone", top_s=10.0, blur=0.0, alpha=1.0, half_life_s=60.0) as fading,
        open_painter(colormap="bone", top_s=10.0, blur=0.0, alpha=1.0) as lasting,
    ):
        fading.warm(stamp(0), presence((320, 180), 8))
        lasting.warm(stamp(0), presence((320, 180), 4))
        np.testing.assert_array_equal(fading.paint(frame(black, 60 * S), NOTHING), lasting.paint(frame(black, 60 * S), NOTHING))
        assert not fading.paint(frame(black, 24 * 3600 * S), NOTHING).any()
        assert lasting.paint(frame(black, 24 * 3600 * S), NOTHING).any()


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_every_colour_map_paints_its_own_last_colour_at_full_heat(open_painter: Open, colormap: str) -> None:
    with open_painter(colormap=colormap, top_s=1.0, blur=0.0, alpha=1.0) as painter:
        for x, y in np.ndindex(3, 3):
            painter.warm(stamp(0), presence((312 + 8 * x, 172 + 8 * y), 50))
        painted = painter.paint(frame(np.full((360, 640, 3), 77, np.uint8)), NOTHING)
    last = colormap_table()[COLORMAPS.index(colormap)][255].astype(int)
    assert np.abs(painted[180, 324].astype(int) - last).max() <= 2


def test_without_heat_only_shapes_are_drawn(open_painter: Open) -> None:
    picture = noise(REFERENCE)
    with open_painter(show_heat=False) as painter:
        painter.warm(stamp(0), presence((320, 180), 50))
        np.testing.assert_array_equal(painter.paint(frame(picture), NOTHING), picture)


SHAPES: list[Shape] = [
    Boxes(np.array([[100, 50, 140, 150]], np.float32), np.array([3]), ("person 3",)),
    Segment((100, 200), (500, 200), (60, 190, 255)),
    Outline(((300, 30), (500, 30), (400, 160)), (190, 200, 60)),
    Label("door: in 5 out 1", (500, 200), (60, 190, 255)),
    Label("room: 4 now", (400, 60), (190, 200, 60), centred=True),
    Panel(("12:00:00", "hall"), "bottom right"),
]
FAR: list[Shape] = [
    Boxes(
        np.array([[-5000, -5000, 9000, 9000], [1e6, 1e6, 2e6, 2e6], [-90, -90, -10, -10]], np.float32), np.array([1, 2, 3]), ("a", "b", "")
    ),
    Boxes(np.empty((0, 4), np.float32), np.empty(0, np.int64), ()),
    Segment((-9999, -9999), (99999, 99999), (1, 2, 3)),
    Segment((20, 20), (20.1, 20.1), (1, 2, 3)),
    Outline(((-5000, -5000), (9000, 0), (0, 9000)), (1, 2, 3)),
    Outline(((3000, 3000), (4000, 3000), (3000, 4000)), (1, 2, 3)),
    Label("far to the left and below", (-500, 9000), (1, 2, 3)),
    Label("far to the right and above", (9000, -500), (1, 2, 3), centred=True),
    Panel(("a row that is longer than most small pictures are wide " * 3, "b"), "top right"),
    Panel(tuple("abcdefghijklmnopqrstuvwxyz"), "bottom left"),
]


@pytest.mark.parametrize("size", [*SIZES, Size(17, 9)], ids=str)
@pytest.mark.parametrize("shape", [*SHAPES, *FAR], ids=lambda shape: type(shape).__name__)
def test_any_shape_can_be_drawn_on_any_picture(open_painter: Open, shape: Shape, size: Size) -> None:
    with open_painter() as painter:
        painted = painter.paint(frame(noise(size)), Overlay(REFERENCE, (shape,)))
    assert painted.shape == (size.height, size.width, 3)


@pytest.mark.parametrize("size", [REFERENCE, Size(1280, 720), Size(320, 240)], ids=str)
def test_shapes_lie_where_reference_pixels_say_at_any_resolution(open_painter: Open, size: Size) -> None:
    black = np.zeros((size.height, size.width, 3), np.uint8)
    with open_painter() as painter:
        drawn = touched(
            black,
            painter.paint(frame(black), Overlay(REFERENCE, (Boxes(np.array([[100, 60, 200, 300]], np.float32), np.array([1]), ("",)),))),
        )
    ys, xs = np.nonzero(drawn)
    scale = np.array([size.width / 640, size.height / 360] * 2)
    np.testing.assert_allclose([xs.min(), ys.min(), xs.max(), ys.max()], np.array([100, 60, 200, 300]) * scale, atol=3)


def test_the_arrow_of_a_line_points_to_where_in_leads(open_painter: Open) -> None:
    black = np.zeros((360, 640, 3), np.uint8)
    with open_painter() as painter:
        rightward = touched(black, painter.paint(frame(black), Overlay(REFERENCE, (Segment((100, 200), (500, 200), (255, 255, 255)),))))
        leftward = touched(black, painter.paint(frame(black), Overlay(REFERENCE, (Segment((500, 200), (100, 200), (255, 255, 255)),))))
    assert rightward[205:].sum() > 20  # walked to the right, the right hand is below
    assert rightward[:196].sum() == 0
    assert leftward[:196].sum() > 20
    assert leftward[205:].sum() == 0
