"""Presence becomes microseconds in cells, to the last bit. Pictures of it are the painters' tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data import Size, Warmth
from edge.heat import HeatGrid, HeatOptions, grid_size
from tests.unit.count.seen import S, sights

REFERENCE = Size(320, 180)


def heat(**options: object) -> HeatGrid:
    return HeatGrid(HeatOptions(**options), REFERENCE)  # type: ignore[arg-type]


def total(*parts: Warmth) -> dict[int, int]:
    """Microseconds in each warm cell."""
    cells: dict[int, int] = {}
    for part in parts:
        for cell, us in zip(part.cell.tolist(), part.us.tolist(), strict=True):
            cells[cell] = cells.get(cell, 0) + us
    return cells


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(2, 128))
def test_a_grid_covers_its_picture_and_no_cell_lies_outside(width: int, height: int, cell: int) -> None:
    columns, rows = grid_size(Size(width, height), cell)
    assert (columns - 1) * cell < width <= columns * cell
    assert (rows - 1) * cell < height <= rows * cell


def test_the_first_sight_adds_nothing_and_each_later_one_the_time_since_at_its_own_cell() -> None:
    grid = heat()
    assert len(grid.warm(sights(0, (1, 100, 50)))) == 0
    warmth = grid.warm(sights(S // 10, (1, 100, 50)))
    assert (warmth.cell.tolist(), warmth.us.tolist(), warmth.class_id.tolist()) == ([6 * 40 + 12], [100_000], [0])
    assert total(grid.warm(sights(S // 5, (1, 108, 50)))) == {6 * 40 + 13: 100_000}


def test_a_gap_adds_no_more_than_the_cap() -> None:
    grid = heat(max_gap_s=0.5)
    grid.warm(sights(0, (1, 9, 9)))
    assert sum(total(grid.warm(sights(60 * S, (1, 9, 9)))).values()) == 500_000


def test_who_ended_and_comes_under_the_same_number_is_new() -> None:
    grid = heat()
    grid.warm(sights(0, (1, 9, 9)))
    grid.end(np.array([1]))
    assert len(grid.state()["id"]) == 0
    assert len(grid.warm(sights(S // 2, (1, 9, 9)))) == 0


@pytest.mark.parametrize("point", [(-50, -50), (1e5, 1e5), (320, 180), (-1e-9, 179.999)])
def test_feet_outside_the_picture_warm_the_nearest_cell(point: tuple[float, float]) -> None:
    for footprint in ("feet", "box"):
        grid = heat(footprint=footprint)
        grid.warm(sights(0, (1, *point)))
        cells = total(grid.warm(sights(S, (1, *point))))
        assert sum(cells.values()) == 1_000_000
        assert all(0 <= cell < 40 * 23 for cell in cells)


@given(st.lists(st.integers(1, 900_000_000), min_size=1, max_size=60), st.integers(0, 60), st.sampled_from(["feet", "box"]))
def test_the_parts_of_an_hour_sum_to_the_hour_to_the_last_bit(gaps_ns: list[int], restart: int, footprint: str) -> None:
    """Whatever the frame times, and across a restart: in all, the whole microseconds between the first and the last sight."""
    times = np.cumsum([7, *gaps_ns]).tolist()
    grid, warmths = heat(footprint=footprint), []
    for k, t_ns in enumerate(times):
        if k == restart:
            state = grid.state()
            grid = heat(footprint=footprint)
            grid.restore(state)
        warmths.append(grid.warm(sights(t_ns, (1, 90 + k, 120))))
    assert sum(total(*warmths).values()) == times[-1] // 1000 - times[0] // 1000


def test_ten_and_thirty_frames_a_second_give_the_same_cells_the_same_time() -> None:
    def stand(fps: int) -> dict[int, int]:
        grid = heat()
        return total(*[grid.warm(sights(k * S // fps, (1, 50, 60))) for k in range(fps * 60 + 1)])

    assert stand(10) == stand(30) == {7 * 40 + 6: 60_000_000}


def test_a_box_spreads_evenly_over_its_lower_third() -> None:
    grid = heat(footprint="box")
    grid.warm(sights(0, (1, 100, 150)))
    warmth = grid.warm(sights(S, (1, 100, 150)))  # 50 x 100 px: 75 to 125 across, 116.7 to 150 down
    rows, columns = np.divmod(warmth.cell, 40)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (14, 18, 9, 15)
    assert len(np.unique(warmth.cell)) == len(warmth) == 5 * 7
    assert warmth.us.sum() == 1_000_000
    assert warmth.us.max() - warmth.us.min() <= 1


def test_a_box_by_its_centre_spreads_over_the_same_cells() -> None:
    feet, centre = heat(footprint="box"), HeatGrid(HeatOptions(footprint="box"), REFERENCE, feet_below=0.5)
    for t_ns in (0, S):
        by_feet, by_centre = feet.warm(sights(t_ns, (1, 100, 150))), centre.warm(sights(t_ns, (1, 100, 100)))
    assert total(by_feet) == total(by_centre)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"cell": 1}, "cell is 1, it must be 2 to 128"),
        ({"alpha": 1.5}, "alpha is 1.5"),
        ({"blur": -1}, "blur is -1"),
        ({"max_gap_s": 0}, "max_gap_s is 0"),
        ({"half_life_s": float("inf")}, "half_life_s is inf"),
        ({"top_s": float("nan")}, "top_s is nan"),
        ({"colormap": "jett"}, "did you mean jet"),
        ({"footprint": "shoe"}, "footprint is 'shoe', it must be feet or box"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_by_name(options: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        HeatOptions(**options)
