"""Every error that leaves a room of this package; what a vendor raises is translated here-ward, once, at the room's edge.

Each message is one sentence a user can act on: what was wrong, where, what would be right::

    EdgeError                   exit code 1
    ├── UsageError              exit code 2: what the user wrote cannot be meant (also a ValueError)
    │   └── ConfigError         ... in the configuration file, with line and key path
    ├── SourceError             a camera, file or URL cannot be opened or read
    │   ├── SourceTimeout       ... it is silent (also a TimeoutError)
    │   └── SourceHeld          ... a call into its driver has not come back and holds it; a new process may be the only way out
    ├── ModelError              a model file is missing, broken, or no YOLO detector
    │   └── EngineRefused       ... TensorRT does not load it on this GPU
    ├── StoreError              the database cannot be opened or written
    │   ├── StoreNewer          ... a newer version of edge wrote it
    │   └── DiskFull            ... there is no room left
    ├── RecorderError           video cannot be written
    ├── BrokerError             the MQTT broker cannot be used
    │   └── BrokerRefused       ... it answered, and said no
    ├── RequestError            another device was asked over MQTT: it is not there, says nothing, or says no
    └── DeviceError             an accelerator call failed
"""

from __future__ import annotations


class EdgeError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(EdgeError, ValueError):
    exit_code = 2


class ConfigError(UsageError):
    pass


class SourceError(EdgeError):
    pass


class SourceTimeout(SourceError, TimeoutError):
    pass


class SourceHeld(SourceError):
    pass


class ModelError(EdgeError):
    pass


class EngineRefused(ModelError):
    pass


class StoreError(EdgeError):
    pass


class StoreNewer(StoreError):
    pass


class DiskFull(StoreError):
    pass


class RecorderError(EdgeError):
    pass


class BrokerError(EdgeError):
    pass


class BrokerRefused(BrokerError):
    pass


class RequestError(EdgeError):
    pass


class DeviceError(EdgeError):
    pass


def first_line(error: Exception) -> str:
    """The first line of what a vendor's error says; its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
