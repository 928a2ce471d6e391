"""What is read from a .cu file: its kernels and their arguments; and how many blocks a launch takes. Nothing is compiled or launched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.backends.cuda.kernels import HERE, blocks, signatures


def test_a_signature_is_read_as_it_stands() -> None:
    source = """
    // extern "C" __global__ void commented(int a) {}
    /* extern "C" __global__ void also(int a) {} */
    static __device__ int helper(float x) { return 1; }
    extern "C" __global__ void none() {}
    extern "C" __global__ void __launch_bounds__(256) many(
        float *__restrict__ to, const unsigned char* from,  // a comment in between
        int n, unsigned m, unsigned int k, float x, double y, long long big, unsigned long long huge, const float scale) {}
    """
    assert signatures(source) == {"none": "", "many": "PPiIIfdqQf"}


def test_an_argument_that_cannot_be_passed_is_named() -> None:
    with pytest.raises(ValueError, match="kernel bad takes `short x`; it must be a pointer or one of int"):
        signatures('extern "C" __global__ void bad(int n, short x) {}')


@pytest.mark.parametrize("path", sorted(HERE.glob("*.cu")), ids=lambda path: path.name)
def test_every_file_of_the_room_has_kernels(path: object) -> None:
    assert signatures(path.read_text())  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 1024)), min_size=1, max_size=3))
def test_blocks_cover_the_extent_and_no_more(sides: list[tuple[int, int]]) -> None:
    grid = blocks([extent for extent, _ in sides], [block for _, block in sides])
    assert len(grid) == 3
    for count, (extent, block) in zip(grid, sides, strict=False):
        assert (count - 1) * block < extent <= count * block
    assert all(count == 1 for count in grid[len(sides) :])
