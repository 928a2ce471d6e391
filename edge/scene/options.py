"""What a camera's owner may say about when it counts as blind or moved. Nothing is looked at here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SightOptions:
    """When a camera that gives pictures is said not to see. All seconds are of frames' own time."""

    blind_s: float = 4.0
    """Seconds without light, or without a sharp edge (a covered, fogged or unfocused lens), until the camera is called blind."""
    frozen_s: float = 8.0
    """Seconds of the very same picture, to the last bit, until a camera whose pictures are otherwise never the same is called blind."""
    still_s: float = 60.0
    """The same for one whose pictures hardly differ when nothing moves: little noise, or an encoder that leaves out what it takes for noise."""
    moved: bool = True
    """Whether the scene is watched for having shifted; false for a camera that is meant to turn."""
    moved_s: float = 5.0
    """Seconds in which the known scene is found in another place until the camera is called moved."""
    hidden_s: float = 30.0
    """Seconds in which it is found nowhere (turned, zoomed, or all but hidden) until the camera is called moved."""
    least_shift: float = 0.02
    """Share of the picture's width by which the scene must shift to have moved."""

    def __post_init__(self) -> None:
        for name in ("blind_s", "frozen_s", "still_s", "moved_s", "hidden_s"):
            if not 1 <= getattr(self, name) <= 3600:
                raise ValueError(f"{name} is {getattr(self, name):g}, it must be 1 to 3600 seconds")
        if not 0.01 <= self.least_shift <= 0.5:
            raise ValueError(f"least_shift is {self.least_shift:g}, it must be 0.01 to 0.5, a share of the picture's width")
