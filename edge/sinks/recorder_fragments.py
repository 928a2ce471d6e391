"""What of a fragmented MP4 file can be played, read from its boxes alone: quickly, and also of a file that a kill cut off. No codec is known here.

The boxes are ISO/IEC 14496-12's: `moov` says in what time is counted, each `moof` which pictures the `mdat` behind it holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from edge.data import Size

_SECOND_NS = 1_000_000_000
_LARGEST_INDEX = 16_000_000
"""Bytes of a `moov` or `moof` that is believed; ours have a few hundred."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The whole fragments of a file: how many pictures, to how many ns after the file's beginning, and up to which byte of it."""

    pictures: int
    length_ns: int
    bytes: int
    size: Size


def whole_part(path: Path) -> Whole:
    """How far `path` plays; nothing of what is no fragmented MP4. OSError where it cannot be read."""
    pictures, ends, scale, whole_bytes, picture = 0, 0, 0, 0, Size(0, 0)
    waiting: tuple[int, int] | None = None  # of a moof whose mdat has not come yet
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= size:
            file.seek(at)
            length, kind = _head(file)
            if length < 8 or at + length > size:
                break
            if kind == b"moov":
                moov = _body(file, length)
                scale, picture = _timescale(moov), _picture_size(moov)
            elif kind == b"moof":
                waiting = _fragment(_body(file, length))
            elif kind == b"mdat" and waiting is not None:
                pictures, ends, waiting = pictures + waiting[0], waiting[1], None
            at += length
            if waiting is None and scale:
                whole_bytes = at
    return Whole(pictures, ends * _SECOND_NS // scale if scale else 0, whole_bytes if pictures else 0, picture)


def _head(file: BinaryIO) -> tuple[int, bytes]:
    length, kind = struct.unpack(">I4s", file.read(8))
    if length == 1:  # the length stands behind, in 64 bits
        large = file.read(8)
        return (struct.unpack(">Q", large)[0] if len(large) == 8 else 0), kind
    return length, kind


def _body(file: BinaryIO, length: int) -> bytes:
    return file.read(min(length - 8, _LARGEST_INDEX))


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length < 8:
            return
        yield kind, data[at + 8 : at + length]
        at += length


def _inside(data: bytes, *path: bytes) -> bytes:
    """The first box along a path of kinds; empty where there is none."""
    for kind in path:
        data = next((body for of, body in _boxes(data) if of == kind), b"")
    return data


def _timescale(moov: bytes) -> int:
    """Ticks a second."""
    mdhd = _inside(moov, b"trak", b"mdia", b"mdhd")
    at = 20 if mdhd[:1] == b"\x01" else 12
    return int.from_bytes(mdhd[at : at + 4], "big")


def _picture_size(moov: bytes) -> Size:
    width, height = struct.unpack(">II", _inside(moov, b"trak", b"tkhd")[-8:].rjust(8, b"\0"))
    return Size(width >> 16, height >> 16)  # 16.16 fixed point


def _fragment(moof: bytes) -> tuple[int, int]:
    """Pictures of a fragment, and the tick at which the last of them ends."""
    traf = _inside(moof, b"traf")
    usual = _usual_duration(_inside(traf, b"tfhd"))
    tfdt = _inside(traf, b"tfdt")
    tick = int.from_bytes(tfdt[4:12] if tfdt[:1] == b"\x01" else tfdt[4:8], "big")
    pictures = 0
    for kind, trun in _boxes(traf):
        if kind == b"trun" and len(trun) >= 8:
            flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
            at = 8 + 4 * bool(flags & 0x001) + 4 * bool(flags & 0x004)
            step = 4 * sum(bool(flags & each) for each in (0x100, 0x200, 0x400, 0x800))
            pictures += count
            for row in range(count):
                own = trun[at + row * step : at + row * step + 4]
                tick += int.from_bytes(own, "big") if flags & 0x100 else usual
    return pictures, tick


def _usual_duration(tfhd: bytes) -> int:
    flags = int.from_bytes(tfhd[1:4], "big")
    if not flags & 0x008:
        return 0
    at = 8 + 8 * bool(flags & 0x001) + 4 * bool(flags & 0x002)
    return int.from_bytes(tfhd[at : at + 4], "big")
