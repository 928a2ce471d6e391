"""TensorRT's own module, and the logger that it speaks to, for the two rooms that call it: `engine` builds with it, `backends.cuda` runs with it.

Importing this loads no vendor library; asking for the module does. What is called of it is in those rooms.
"""

from __future__ import annotations

import importlib
import logging
from collections import deque
from functools import cache
from importlib.util import find_spec
from typing import Any

from edge.errors import DeviceError

log = logging.getLogger(__name__)

MODULES = ("tensorrt", "tensorrt_rtx")
"""TensorRT, and TensorRT for RTX: the same interface under another name."""


def tensorrt_here() -> str:
    """The name of the TensorRT module that can be imported here; '' without one. Imports nothing."""
    return next((name for name in MODULES if find_spec(name)), "")


def tensorrt(module: str = "") -> Any:
    """TensorRT's module: the one that is named, else the first that is here. DeviceError says what is missing."""
    wanted = (module,) if module else MODULES
    for name in wanted:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise DeviceError(f"{name} cannot be loaded ({error}); install it again") from error
        except (ImportError, OSError) as error:  # OSError: a library that it loads by hand
            raise DeviceError(f"{name} cannot be loaded ({error}); its libraries and the driver must belong together") from error
    raise DeviceError(
        f"{' or '.join(wanted)} is not installed here; a Jetson has it from JetPack (make the environment with its system site packages),"
        " elsewhere `pip install tensorrt` or `tensorrt-rtx-cu12`; or choose `backend: cpu`, which does without"
    )


@cache
def logger_of(trt: Any, remarks: int = logging.WARNING) -> Any:
    """TensorRT's logger, one a process as TensorRT wants it: into ours, its newest `errors` kept so that a failure can name them.

    `remarks` is the level of its warnings in our log: a builder has some for every layer, and each is said once.
    """

    class Log(trt.ILogger):  # type: ignore[misc]  # the module is only known when it runs
        def __init__(self) -> None:
            trt.ILogger.__init__(self)  # not super(): the binding looks for this very call
            self.errors: deque[str] = deque(maxlen=3)
            self._said: deque[str] = deque(maxlen=100)

        def log(self, severity: Any, msg: str) -> None:
            text = " ".join(str(msg).split())
            if severity <= trt.ILogger.Severity.ERROR:
                self.errors.append(text[:300])
                log.debug("TensorRT: %s", text)  # what was wrong is said by who called
            elif severity > trt.ILogger.Severity.WARNING:
                log.debug("TensorRT: %s", text)
            elif text not in self._said:
                self._said.append(text)
                log.log(remarks, "TensorRT: %s", text)

    return Log()
