"""The page on which a browser sees the cameras: words and places of pictures, as HTML. Who may read it, and what the pictures show, is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

STREAMS = 4
"""So many moving pictures on one page: a browser keeps six connections to a host, and needs one for the words. More cameras are shown as stills."""


@dataclass(frozen=True, slots=True)
class CameraNow:
    """What is said of a camera beside its picture. `lines`: in and out by name; `zones`: who is inside now."""

    state: str
    why: str = ""
    fps: float | None = None
    lines: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    zones: Mapping[str, int] = field(default_factory=dict)


def page_of(device: str, cameras: Mapping[str, CameraNow], nonce: str) -> str:
    """The page. `nonce` is what its own style and script are known by, new for each answer."""
    page = Template((files("edge.sinks") / "view.html").read_text(encoding="utf-8"))
    moving = len(cameras) <= STREAMS
    figures = "\n".join(_figure(name, now, moving=moving) for name, now in cameras.items())
    return page.substitute(device=escape(device), nonce=escape(nonce), cameras=figures)


def _figure(name: str, now: CameraNow, *, moving: bool) -> str:
    at = escape(name)
    picture = f'src="/{at}.mjpg"' if moving else f'src="/{at}.jpg" data-still="/{at}.jpg"'
    return f'<figure><a href="/{at}.mjpg"><img {picture} alt="{at}, now"></a><figcaption id="now-{at}">{_caption(name, now)}</figcaption></figure>'


def _caption(name: str, now: CameraNow) -> str:
    words = [f"<b>{escape(name)}</b>", f'<span class="state {escape(now.state)}">{escape(now.state)}</span>']
    if now.fps is not None:
        words.append(f"{now.fps:.1f} frames/s")
    if now.why:
        words.append(escape(now.why))
    rows = [f"<tr><td>{escape(line)}<td>in {in_}<td>out {out}" for line, (in_, out) in now.lines.items()]
    rows += [f"<tr><td>{escape(zone)}<td>{inside} now<td>" for zone, inside in now.zones.items()]
    return " ".join(words) + (f"<table>{''.join(rows)}</table>" if rows else "")
