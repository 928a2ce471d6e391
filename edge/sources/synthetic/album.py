"""Single pictures of many plazas with everything in them labelled, for training a detector and for measuring one. No network is known here.

A label is the box round the whole of a thing, what hides it left out of account, as far as it lies in the picture: as it is drawn at that moment,
but that somebody on foot is as high as in the scene's own truth, down to where the feet come in a whole stride, because counting asks for feet.
(The truth's boxes are as wide as a whole stride as well; one picture does not tell how wide that is.) `seen` says how much of it nothing nearer hides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.data import F32, I16, U8, Size
from edge.sources.synthetic.lens import spoil
from edge.sources.synthetic.options import PlazaOptions
from edge.sources.synthetic.render import Renderer
from edge.sources.synthetic.scene import Scene
from edge.sources.synthetic.traffic import PERSON
from edge.sources.synthetic.view import WALL_M

TRAINING, CHECKING, HELD_OUT = range(1, 401), range(401, 441), range(601, 681)
"""Plazas to train on, to choose the best of a training by, and never to be trained on. Number 0, the demonstration's, is in none of them."""

NAMES = ("person", "bicycle", "car")
"""The classes by id: the first of COCO's."""

_SIZES = (Size(1280, 720),) * 4 + (Size(640, 360),) * 3 + (Size(960, 540),) * 2 + (Size(384, 216), Size(768, 576), Size(640, 480))
_LEAST_IN_PICTURE = 0.25
CROWD = 35
"""The most people in a picture, where not told otherwise."""
LEAST_SEEN = 0.25
"""The part of somebody that must be seen to ask a detector for them: of who is hidden more, a picture does not tell enough."""
_APART_S = 5.0  # by then most have gone on, and the walks of a scene need not be drawn up anew for each picture


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A picture and what is in it: ``xyxy (N, 4) f32`` px, ``class_id (N,) i16``, ``seen (N,) f32`` in 0..1."""

    picture: U8
    xyxy: F32
    class_id: I16
    seen: F32


def album(
    layouts: Sequence[int], count: int, *, seed: int, a_scene: int = 25, spoilt: bool = True, most_people: int = CROWD
) -> Iterator[Labelled]:
    """`count` pictures from plazas `layouts`, `a_scene` of each crowd, which has up to `most_people`. They follow from the arguments alone.

    `spoilt`: as one of many cameras, most of them poor, would have taken them; else as they are rendered.
    """
    for scene in range(-(-count // a_scene)):
        rng = np.random.default_rng([seed, 0xA1B, scene])
        options = PlazaOptions(
            seed=int(rng.integers(1 << 31)),
            size=_SIZES[int(rng.integers(len(_SIZES)))],
            people=int(rng.integers(0, most_people + 1)),
            layout=int(layouts[int(rng.integers(len(layouts)))]),
            traffic=int(rng.choice([0, 0, 2, 4, 6])),
        )
        renderer = Renderer(Scene(options))
        for k in range(min(a_scene, count - scene * a_scene)):
            yield _take(renderer, k * _APART_S + float(rng.uniform(0, _APART_S)), rng if spoilt else None)


def _take(renderer: Renderer, t_s: float, lens: np.random.Generator | None) -> Labelled:
    scene = renderer.scene
    people = scene.at(t_s)
    people = people[people.share > 0]
    things = renderer.things(people, scene.traffic(t_s))
    seen = renderer.seen(things)
    boxes = np.array([thing.box() for thing in things]).reshape(-1, 4)
    class_id = np.array([thing.class_id for thing in things], np.int16)
    on_foot = np.array([thing.on_foot for thing in things], np.bool_)
    boxes[on_foot, 1::2] = people.box[:, 1::2]  # both from far to near
    indoors = np.array([thing.z > WALL_M for thing in things], np.bool_)
    size = np.array(scene.options.size, np.float64)
    cut = np.clip(boxes, 0, np.tile(size, 2))
    inside = (cut[:, 2:] - cut[:, :2]).prod(axis=1) >= _LEAST_IN_PICTURE * (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    seen = np.where(inside & ~(indoors & (class_id == PERSON)), seen, 0.0)
    there = (cut[:, 2:] > cut[:, :2]).all(axis=1)
    picture = renderer.paint(t_s)
    if lens is not None:
        picture = spoil(picture, lens)
    return Labelled(picture, cut[there].astype(np.float32), class_id[there], seen[there].astype(np.float32))
