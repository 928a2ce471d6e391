"""What a walker looks like: which parts of the body are drawn, in which order and colour. It draws nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from edge.sources.synthetic.figure import INDEX

Colour = tuple[float, float, float]

_SKIN: Final[tuple[Colour, ...]] = ((150, 178, 222), (132, 164, 212), (106, 140, 190), (72, 104, 152), (52, 76, 116))
_HAIR: Final[tuple[Colour, ...]] = ((28, 30, 36), (34, 44, 62), (48, 72, 104), (70, 116, 160), (150, 154, 158), (40, 52, 118))
_TOPS: Final[tuple[Colour, ...]] = (
    (60, 58, 176), (168, 104, 52), (74, 150, 96), (64, 176, 214), (206, 208, 212), (58, 58, 62), (150, 84, 128), (110, 126, 60),
    (118, 158, 196), (92, 62, 46), (52, 112, 196), (170, 158, 96),
)  # fmt: skip
_LEGS: Final[tuple[Colour, ...]] = ((104, 72, 48), (62, 52, 48), (52, 54, 58), (110, 140, 162), (80, 88, 92), (128, 96, 66), (70, 78, 54))
_SHOES: Final[tuple[Colour, ...]] = ((44, 44, 46), (214, 216, 220), (46, 62, 88), (70, 66, 150))
_PACKS: Final[tuple[Colour, ...]] = ((70, 66, 62), (58, 70, 150), (110, 80, 48), (84, 116, 92))


@dataclass(frozen=True, slots=True)
class Part:
    """Hulls of a few spheres each, by their numbers, that share one colour and join without a seam."""

    colour: Colour
    hulls: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Outfit:
    """Somebody's parts by where they go: limbs of a side, trunk, head, and what hangs behind the trunk and head."""

    legs: dict[str, tuple[Part, ...]]
    arms: dict[str, tuple[Part, ...]]
    trunk: tuple[Part, ...]
    pack: tuple[Part, ...]
    face: Part
    hair: Part

    def order(self, left_is_near: bool, facing: bool) -> list[Part]:
        """From back to front, as the camera sees it."""
        far, near = ("_r", "_l") if left_is_near else ("_l", "_r")
        head = [self.hair, self.face] if facing else [self.face, self.hair]
        body = [*self.pack, *self.trunk] if facing else [*self.trunk, *self.pack]
        return [*self.legs[far], *self.arms[far], *self.legs[near], *body, *head, *self.arms[near]]


def _part(colour: Colour, *hulls: str) -> Part:
    return Part(colour, tuple(tuple(INDEX[name] for name in hull.split()) for hull in hulls))


@lru_cache(maxsize=1024)
def outfit(look: int) -> Outfit:
    """The clothes that the number `look` stands for."""
    rng = np.random.default_rng(look)

    def pick(colours: tuple[Colour, ...]) -> Colour:
        base = colours[int(rng.integers(len(colours)))]
        light = rng.uniform(0.86, 1.1)
        return tuple(float(np.clip(c * light * rng.uniform(0.96, 1.04), 0, 255)) for c in base)  # type: ignore[return-value]

    skin, hair, top, trousers, shoes = pick(_SKIN), pick(_HAIR), pick(_TOPS), pick(_LEGS), pick(_SHOES)
    dress, short_sleeves, shorts = rng.random() < 0.22, rng.random() < 0.4, rng.random() < 0.18
    long_hair, coat, carries = rng.random() < (0.9 if dress else 0.3), rng.random() < 0.2, rng.random() < 0.25
    legs: dict[str, tuple[Part, ...]] = {}
    arms: dict[str, tuple[Part, ...]] = {}
    for s in ("_l", "_r"):
        thigh, shank = f"hip{s} knee{s}", f"knee{s} ankle{s}"
        upper, lower = f"shoulder{s} elbow{s}", f"elbow{s} hand{s}"
        shoe = _part(shoes, f"heel{s} toe{s}")
        if dress or shorts:
            legs[s] = (_part(skin, shank), shoe, _part(trousers, thigh))
        else:
            legs[s] = (shoe, _part(trousers, shank, thigh))
        if short_sleeves:
            arms[s] = (_part(skin, lower), _part(top, upper))
        else:
            arms[s] = (_part(skin, f"hand{s}"), _part(top, lower, upper))
    trunk = [_part(skin, "neck face"), _part(trousers, "hip_l hip_r")]
    torso = ("shoulder_l shoulder_r waist_l waist_r", "waist_l waist_r hip_l hip_r")
    trunk.append(_part(top, *torso, "hip_l hip_r hem_l hem_r") if dress or coat else _part(top, *torso))
    pack = (_part(pick(_PACKS), "pack_top pack_low"),) if carries else ()
    locks = ("hair", "hair tail") if long_hair else ("hair",)
    return Outfit(legs, arms, tuple(trunk), pack, _part(skin, "face"), _part(hair, *locks))
