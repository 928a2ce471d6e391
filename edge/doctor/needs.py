"""What a configuration needs of the machine. Whether the machine has it is the probes' business."""

from __future__ import annotations

from dataclasses import dataclass

from edge.config import Config
from edge.sources.address import Address, check_source


@dataclass(frozen=True, slots=True)
class Needs:
    """A configuration, asked for what it cannot do without. Without one, nothing but the package itself is needed."""

    config: Config | None = None

    @property
    def cameras(self) -> dict[str, Address]:
        """Where each camera is."""
        return {} if self.config is None else {name: check_source(camera.source) for name, camera in self.config.cameras.items()}

    @property
    def gpu(self) -> bool:
        """The network can run nowhere else."""
        return self.config is not None and (self.config.backend == "cuda" or self.config.model.endswith(".engine"))

    @property
    def cpu_network(self) -> bool:
        """The network runs by ONNX Runtime, or may have to."""
        return self.config is not None and not self.gpu and self.config.model != "scene"

    @property
    def csi(self) -> bool:
        return any(address.kind == "csi" for address in self.cameras.values())

    @property
    def recorded(self) -> int:
        """How many cameras' videos are kept."""
        if self.config is None or self.config.record is None:
            return 0
        return sum(camera.record for camera in self.config.cameras.values())
