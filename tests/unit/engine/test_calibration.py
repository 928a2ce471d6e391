"""Which pictures calibrate, and how they lie in the file."""

from __future__ import annotations

import numpy as np
import pytest

from edge.data import Size
from edge.engine.calibration import LEAST_PICTURES, gather
from edge.errors import UsageError

NETWORK = Size(64, 32)


def shots(count: int, start: int = 0):
    for number in range(start, start + count):
        picture = np.zeros((36, 64, 3), np.uint8)
        picture[..., 0] = number % 256  # blue
        picture[..., 2] = number // 256
        yield picture


def test_pictures_lie_letterboxed_in_rgb_one_behind_the_other(tmp_path):
    out = tmp_path / "pictures"
    assert gather(shots(400), NETWORK, out, most=350) == 350
    written = np.fromfile(out, np.uint8).reshape(-1, 32, 64, 3)
    assert len(written) == 350
    assert written[260, 16, 32].tolist() == [1, 0, 4]
    assert written[260, 16, 0].tolist() == [114, 114, 114]


def test_too_few_are_refused(tmp_path):
    with pytest.raises(UsageError, match=f"299 different pictures for calibration, and int8 needs {LEAST_PICTURES}"):
        gather(shots(299), NETWORK, tmp_path / "pictures")


def test_the_same_picture_again_is_none(tmp_path):
    with pytest.raises(UsageError, match="200 different pictures"):
        gather((picture for _ in range(3) for picture in shots(200)), NETWORK, tmp_path / "pictures")
