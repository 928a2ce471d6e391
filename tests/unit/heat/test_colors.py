"""Every spelling of every colour map, and the table against OpenCV's own. Nothing is painted here."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.heat import COLORMAPS, colormap_number, colormap_table


@pytest.mark.parametrize("name", COLORMAPS)
def test_every_usual_spelling_means_opencvs_constant(name: str) -> None:
    number = getattr(cv2, f"COLORMAP_{name.upper()}")
    spellings = [
        name, name.upper(), f"COLORMAP_{name.upper()}", f"cv2.COLORMAP_{name.upper()}", f"cv::COLORMAP_{name.upper()}",
        f" {name} ", str(number), number,
    ]  # fmt: skip
    assert [colormap_number(spelling) for spelling in spellings] == [number] * len(spellings)


def test_the_table_is_what_opencv_paints() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    table = colormap_table()
    assert (table.shape, table.dtype) == ((len(COLORMAPS), 256, 3), np.uint8)
    for number in range(len(COLORMAPS)):
        np.testing.assert_array_equal(table[number], cv2.applyColorMap(ramp, number)[0])
    assert not table.flags.writeable


@pytest.mark.parametrize(
    ("spelling", "hint"),
    [("infernal", "did you mean inferno"), ("22", "choose one of autumn"), (-1, "0 to 21"), ("", "choose one"), ("cv2.", "choose one")],
)
def test_what_is_no_colour_map_is_refused_with_the_nearest(spelling: str | int, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        colormap_number(spelling)
