"""Every call to CUDA goes through `checked`, which turns a vendor's error into one sentence. No resource and no kernel lives here."""

from __future__ import annotations

import ctypes
import warnings
from types import TracebackType
from typing import Any

from edge.errors import DeviceError

_WHAT_TO_DO = {
    "no CUDA-capable device": "no GPU can be used; check that `nvidia-smi` (a Jetson: `tegrastats`) shows one and that the container was started with it",
    "driver version is insufficient": "the driver is older than CUDA's libraries here; update the driver, or install what belongs to it",
    "unsupported toolchain": "the driver is older than the compiler that made the kernels; update the driver, or put an nvcc of its version on PATH",
    "no kernel image": "the kernels were compiled for another GPU or a newer driver; update the driver, or put an nvcc of its version on PATH",
    "device kernel image is invalid": "the kernels were compiled for another GPU or a newer driver; update the driver, or put an nvcc of its version on PATH",
    "out of memory": "use fewer or smaller cameras, a smaller model or batch, or end what else uses the GPU",
}
"""What CUDA says, and what helps. Anything else is a fault of the program or of the hardware."""
_OTHERWISE = "start again, and if it comes back look into the kernel's log (`dmesg`) for what the driver says"


def driver() -> Any:
    """pycuda's driver module. DeviceError says what is missing where it cannot be loaded."""
    try:
        with warnings.catch_warnings():  # pycuda warns, beside the error, where it cannot be loaded
            warnings.simplefilter("ignore")
            import pycuda.driver as cuda
    except ModuleNotFoundError as error:
        raise DeviceError("pycuda is not installed here; install it (scripts/pycuda.sh), or choose `backend: cpu`") from error
    except ImportError as error:
        if not driver_is_here():
            raise DeviceError(
                "there is no CUDA driver here (libcuda.so.1 cannot be loaded); install NVIDIA's driver, or choose `backend: cpu`"
            ) from error
        raise DeviceError(f"pycuda cannot be loaded ({error}); build it again for this machine (scripts/pycuda.sh)") from error
    return cuda


def driver_is_here() -> bool:
    """Whether NVIDIA's driver is installed, whatever else is."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


class checked:  # noqa: N801  it is read as a verb: `with checked("uploading")`
    """Errors of CUDA inside become a DeviceError: "`doing` failed: what CUDA said; what to do"."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._vendor = driver().Error

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, self._vendor):
            # The frames that it came through hold pycuda's objects, and would keep them past their end, and for another thread to drop.
            del trace
            raise DeviceError(f"{self._doing} failed: {error}; {_advice(str(error))}") from error.with_traceback(None)


def _advice(said: str) -> str:
    return next((advice for words, advice in _WHAT_TO_DO.items() if words in said), _OTHERWISE)
