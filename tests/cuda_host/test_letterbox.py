"""letterbox.cu against the CPU's letterbox, byte for byte of the pictures. Where a picture lies is `edge.detect`'s, and tested there."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.backends.cuda.kernels import blocks
from edge.backends.cuda.letterbox import BLOCK, PICTURE, describe
from edge.data import Size
from edge.detect import Letterbox
from edge.detect.letterbox import GREY
from tests.cuda_host.host import HostKernels

LEVEL = 1 / 255
HALF = 2.0**-11  # half a step of FP16 below 1
PICTURES = [Size(1, 1), Size(1, 97), Size(101, 1), Size(37, 53), Size(160, 96), Size(192, 108), Size(333, 217), Size(641, 361)]
NETWORKS = [Size(160, 160), Size(160, 96), Size(32, 64)]
Load = Callable[[str], HostKernels]


def noise(size: Size, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)


def by_cpu(bgr: np.ndarray, network: Size) -> np.ndarray:
    """(3, H, W) float32 as the CPU's detector makes it: OpenCV's bilinear on bytes, grey around it, RGB in 0..1."""
    box = Letterbox.fit(Size(bgr.shape[1], bgr.shape[0]), network)
    canvas = np.full((network.height, network.width, 3), GREY, np.uint8)
    inner = cv2.resize(bgr, (box.inner.width, box.inner.height), interpolation=cv2.INTER_LINEAR)
    canvas[box.top : box.top + box.inner.height, box.left : box.left + box.inner.width] = inner
    return canvas[..., ::-1].transpose(2, 0, 1) * np.float32(LEVEL)


def by_kernel(
    kernels: HostKernels,
    pictures: list[np.ndarray],
    network: Size,
    dtype: type,
    address_of: Callable[[np.ndarray], int] = lambda a: a.ctypes.data,
) -> np.ndarray:
    """(batch, 3, H, W); a picture may have gaps between its rows. `address_of` is where the kernel finds one."""
    table = np.zeros(len(pictures), PICTURE)
    for row, bgr in zip(table, pictures, strict=True):
        describe(row, address_of(bgr), Letterbox.fit(Size(bgr.shape[1], bgr.shape[0]), network), pitch=bgr.strides[0])
    table.flags.writeable = False
    tensor = np.full((len(pictures), 3, network.height, network.width), np.nan, dtype)
    name = "letterbox_f32" if dtype is np.float32 else "letterbox_f16"
    kernels.launch(name, blocks((*network, len(pictures)), BLOCK[:2]), BLOCK, tensor, table, *network)
    return tensor


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("picture", PICTURES, ids=str)
def test_a_picture_becomes_what_the_cpu_makes_of_it(host_kernels: Load, picture: Size, network: Size) -> None:
    bgr = noise(picture)
    wanted = by_cpu(bgr, network)
    tensor = by_kernel(host_kernels("letterbox.cu"), [bgr], network, np.float32)[0]
    assert np.abs(tensor - wanted).max() <= LEVEL * 1.001
    assert (np.abs(tensor - wanted) > 1e-6).mean() < 0.05


def test_whole_steps_are_the_cpus_to_the_bit(host_kernels: Load) -> None:
    """The usual cameras: 16:9 and 4:3 at whole ratios, where no weight needs rounding."""
    for picture, network in ((Size(480, 270), Size(160, 160)), (Size(320, 180), Size(160, 96)), (Size(160, 120), Size(160, 160))):
        bgr = noise(picture, 3)
        np.testing.assert_array_equal(by_kernel(host_kernels("letterbox.cu"), [bgr], network, np.float32)[0], by_cpu(bgr, network))


def test_4k_becomes_what_the_cpu_makes_of_it() -> None:
    bgr = noise(Size(3840, 2160))
    tensor = by_kernel(HostKernels("letterbox.cu"), [bgr], Size(640, 640), np.float32)[0]
    np.testing.assert_array_equal(tensor, by_cpu(bgr, Size(640, 640)))


def test_a_batch_of_pictures_of_any_sizes_is_filled_in_one_launch(host_kernels: Load) -> None:
    network = Size(160, 96)
    wide = noise(Size(200, 90), 7)
    pictures = [noise(Size(320, 180), 1), noise(Size(33, 47), 2), wide[10:61, 20:111], noise(Size(160, 96), 4)]
    for dtype, off in ((np.float32, LEVEL), (np.float16, LEVEL + HALF)):
        tensor = by_kernel(host_kernels("letterbox.cu"), pictures, network, dtype).astype(np.float32)
        for row, bgr in zip(tensor, pictures, strict=True):
            assert np.abs(row - by_cpu(bgr, network)).max() <= off * 1.001


def test_padding_is_grey_to_the_bit_in_both_precisions(host_kernels: Load) -> None:
    bgr = noise(Size(320, 180))
    for dtype in (np.float32, np.float16):
        tensor = by_kernel(host_kernels("letterbox.cu"), [bgr], Size(160, 160), dtype)[0]
        assert (tensor[:, :35] == dtype(np.float32(GREY) * np.float32(LEVEL))).all()
        assert (tensor[:, -35:] == dtype(np.float32(GREY) * np.float32(LEVEL))).all()
        np.testing.assert_allclose(tensor[:, 35:125].astype(np.float32), by_cpu(bgr, Size(160, 160))[:, 35:125], atol=HALF)


@settings(max_examples=25)
@given(st.integers(1, 150), st.integers(1, 150), st.integers(1, 4), st.integers(1, 4))
def test_any_size_fits_into_any_network(width: int, height: int, columns: int, rows: int) -> None:
    bgr, network = noise(Size(width, height)), Size(32 * columns, 32 * rows)
    tensor = by_kernel(HostKernels("letterbox.cu"), [bgr], network, np.float32)[0]
    assert np.abs(tensor - by_cpu(bgr, network)).max() <= LEVEL * 1.001
