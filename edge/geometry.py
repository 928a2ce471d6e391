"""Plane geometry over arrays: boxes, feet, sides of a line, polygons, homographies. It knows numbers, not cameras or tracks.

Shapes are written as ``(A, 2)``: A points of 2 coordinates. All functions are pure and take float arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]


def iou(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Intersection over union of boxes (A, 4), (B, 4) -> (A, B), in 0..1. Boxes without area overlap nothing."""
    # An axis at a time and in place: four times as fast for two hundred boxes as (A, B, 2) arrays, and the same to the bit.
    inter = np.minimum(a[:, None, 2], b[None, :, 2])
    inter -= np.maximum(a[:, None, 0], b[None, :, 0])
    np.maximum(inter, 0, out=inter)
    height = np.minimum(a[:, None, 3], b[None, :, 3])
    height -= np.maximum(a[:, None, 1], b[None, :, 1])
    inter *= np.maximum(height, 0, out=height)
    union = area(a)[:, None] + area(b)[None, :] - inter
    overlap: NDArray[np.floating] = np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)
    return overlap


def overlaps(a: F64, b: F64) -> tuple[Rows, Rows, F64]:
    """The pairs of boxes (A, 4), (B, 4) that overlap: rows (K,) of `a`, rows (K,) of `b`, and their `iou` (K,), in order of the rows.

    In a crowd few of A x B pairs do, so looking for them first is much cheaper than `iou` of all, and the figures are the same to the bit.
    """
    x1, y1, x2, y2 = np.ascontiguousarray(b.T)
    meet = (a[:, :1] < x2) & (a[:, 2:3] > x1) & (a[:, 1:2] < y2) & (a[:, 3:] > y1)
    # Rows by `take`, and pairs from their flat index: several times as fast as a[i] and as `nonzero` of a matrix.
    flat = meet.ravel().nonzero()[0]
    i, j = flat // len(b), flat % len(b)
    first, second = a.take(i, axis=0), b.take(j, axis=0)
    side = np.minimum(first[:, 2:], second[:, 2:])
    side -= np.maximum(first[:, :2], second[:, :2])
    np.maximum(side, 0, out=side)  # of boxes that are inside out
    inter = side[:, 0] * side[:, 1]
    union = area(a)[i] + area(b)[j] - inter
    return i, j, np.divide(inter, union, out=np.zeros_like(inter), where=union > 0)


def area(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Areas of boxes (A, 4) -> (A,)."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def feet(boxes: NDArray[np.floating]) -> F64:
    """The bottom centre of boxes (A, 4) -> (A, 2): where a person touches the ground."""
    points = boxes[:, 2:].astype(np.float64)
    points[:, 0] += boxes[:, 0]
    points[:, 0] /= 2
    return points


def centers(boxes: NDArray[np.floating]) -> F64:
    """The centre of boxes (A, 4) -> (A, 2)."""
    boxes = boxes.astype(np.float64)
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def signed_distance(points: F64, start: F64, end: F64) -> F64:
    """Distance in px from each point to each infinite line, points (A, 2), lines (L, 2) -> (L, 2): (A, L).

    Positive to the right hand of someone who walks from `start` to `end` (y points down).
    """
    along = end - start
    to = points[:, None, :] - start[None, :, :]
    return (along[None, :, 0] * to[..., 1] - along[None, :, 1] * to[..., 0]) / np.hypot(along[:, 0], along[:, 1])


def meeting(p: F64, q: F64, start: F64, end: F64) -> F64:
    """Where paths p -> q (A, 2) meet segments start -> end (L, 2): the fraction of the path in 0..1, NaN where they do not. (A, L).

    A path that only touches the segment with an end meets it; one that runs along it (parallel) does not.
    """
    move = (q - p)[:, None, :]
    along = (end - start)[None, :, :]
    to = start[None, :, :] - p[:, None, :]
    cross = move[..., 0] * along[..., 1] - move[..., 1] * along[..., 0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        t = (to[..., 0] * along[..., 1] - to[..., 1] * along[..., 0]) / cross
        u = (to[..., 0] * move[..., 1] - to[..., 1] * move[..., 0]) / cross
    meets = (cross != 0) & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
    return np.where(meets, t, np.nan)


def following(ring: F64) -> F64:
    """Of each corner of the polygon `ring` (V, 2) the next one -> (V, 2): together the sides' ends."""
    return np.concatenate([ring[1:], ring[:1]])


def inside(points: F64, ring: F64) -> Bools:
    """Which points (A, 2) lie in the polygon `ring` (V, 2), by the even-odd rule -> (A,). The ring may or may not repeat its first point."""
    a, b = ring, following(ring)
    y = points[:, 1, None]
    spans = (a[None, :, 1] > y) != (b[None, :, 1] > y)
    rise = b[:, 1] - a[:, 1]
    slope = np.divide(b[:, 0] - a[:, 0], rise, out=np.zeros_like(rise), where=rise != 0)
    x = a[None, :, 0] + (y - a[None, :, 1]) * slope[None, :]
    odd: Bools = np.count_nonzero(spans & (points[:, 0, None] < x), axis=1) % 2 == 1
    return odd


def border_distance(points: F64, ring: F64) -> F64:
    """Distance in px from points (A, 2) to the border of the polygon `ring` (V, 2) -> (A,)."""
    a, b = ring, following(ring)
    along = b - a
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    to = points[:, None, :] - a[None, :, :]
    t = np.minimum(np.maximum((to * along[None]).sum(axis=2) / length2[None], 0), 1)
    away = to - t[..., None] * along[None]
    distance: F64 = np.sqrt((away**2).sum(axis=2).min(axis=1))
    return distance


def fit_homography(source: ArrayLike, target: ArrayLike) -> F64:
    """The homography (3, 3) that takes at least four points `source` (K, 2) to `target` (K, 2), by least squares (normalised DLT).

    Raises ValueError when the points do not determine one (fewer than four, or three of four on a line).
    Source: Hartley and Zisserman, Multiple View Geometry, algorithm 4.2.
    """
    p, q = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if len(p) < 4 or p.shape != q.shape:
        raise ValueError(f"a homography needs at least four pairs of points, here are {len(p)} and {len(q)}")

    def normaliser(x: F64) -> F64:
        centre = x.mean(axis=0)
        spread = np.sqrt(((x - centre) ** 2).sum(axis=1)).mean()
        s = np.sqrt(2) / spread if spread > 0 else 1.0
        return np.array([[s, 0, -s * centre[0]], [0, s, -s * centre[1]], [0, 0, 1]])

    tp, tq = normaliser(p), normaliser(q)
    pn, qn = apply_homography(tp, p), apply_homography(tq, q)
    one, zero = np.ones(len(p)), np.zeros((len(p), 3))
    ph = np.column_stack([pn, one])
    rows = np.concatenate([np.hstack([ph, zero, -qn[:, :1] * ph]), np.hstack([zero, ph, -qn[:, 1:] * ph])])
    _, singular, vt = np.linalg.svd(rows)
    # Three points on a line of one side only leave one solution, but it flattens the plane.
    if singular[7] < 1e-9 * singular[0] or np.linalg.cond(vt[-1].reshape(3, 3)) > 1e9:
        raise ValueError("the points do not determine a homography: three of them lie on one line or coincide")
    h: F64 = np.linalg.inv(tq) @ vt[-1].reshape(3, 3) @ tp
    scaled: F64 = h / h[2, 2]
    return scaled


def apply_homography(h: F64, points: ArrayLike) -> F64:
    """Points (A, 2) through the homography `h` (3, 3) -> (A, 2)."""
    p = np.asarray(points, np.float64)
    out: F64 = np.column_stack([p, np.ones(len(p))]) @ h.T
    through: F64 = out[:, :2] / out[:, 2:]
    return through
