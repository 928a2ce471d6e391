"""`edge snapshot`: a device somewhere is asked for its heat, over MQTT."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.errors import UsageError

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/x-npz": "npz"}
_LONGEST_S = 86_400
_FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".npz": "npz"}


def add(commands: Any) -> None:
    parser = commands.add_parser(
        "snapshot",
        help="ask a device for its heat, over MQTT, from anywhere",
        description="Asks a running device for where people were in a span, and writes the picture or the raw grid.",
    )
    parser.add_argument("--broker", required=True, metavar="URL", help="mqtt://host:port, or mqtts:// for TLS")
    parser.add_argument("--device", required=True, help="the device's name")
    parser.add_argument("--camera", required=True, help="the camera's name")
    parser.add_argument("--what", choices=["heat", "grid", "floor", "overlay"], default="heat", help="heat over the empty scene, the raw grid as NPZ, heat on the floor plan, or over the present picture (heat)")  # fmt: skip
    parser.add_argument("--from", dest="from_", metavar="ISO", help="beginning, as in 2026-11-24T09:00:00Z (all that is kept)")
    parser.add_argument("--to", metavar="ISO", help="end (now)")
    parser.add_argument("--format", choices=["jpeg", "png", "webp"], help="of a picture (by the ending of FILE, else jpeg)")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where it goes (CAMERA-WHAT.jpg here)")
    parser.add_argument("--max-bytes", type=int, default=120_000, metavar="N", help="largest message; more comes in parts (120000)")
    parser.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds in which something must come (20)")
    parser.add_argument("--prefix", default="edge", help="of the device's topics (edge)")
    parser.add_argument("--protocol", choices=["5", "3.1.1"], default="5", help="version of MQTT (5)")
    parser.add_argument("--username", help="who the broker takes you for")
    parser.add_argument("--password-env", metavar="NAME", help="an environment variable that holds the password")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="a file that holds the password")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="certificates (PEM) of who may sign the broker's (the system's)")
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="your own certificate (PEM), for a broker that asks for one")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key (PEM), where it stands in another file")
    parser.set_defaults(command=_snapshot)


def _snapshot(given: argparse.Namespace) -> int:
    from edge.sinks.mqtt_ask import ask

    if not 0 < given.timeout <= _LONGEST_S:
        raise UsageError(f"--timeout: {given.timeout:g} is no time to wait; write seconds, more than 0 and at most {_LONGEST_S}")
    request = _request(given)
    with _progress(given.camera) as on_parts:
        answer = ask(_options(given), given.device, "snapshot", request, timeout_s=given.timeout, on_parts=on_parts)
    data, head = answer.whole(), answer.head or {}
    out = given.out or Path(f"{given.camera}-{given.what}.{_ENDINGS.get(str(head.get('content_type')), 'bin')}")
    try:
        out.write_bytes(data)
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error.strerror}); choose another place by -o") from error
    covered = f"{head.get('from')} to {head.get('to')}" if head.get("from") else "nothing is kept of that span"
    print(f"{out}  {covered}, presence {head.get('presence_s', 0):.1f} s, sha256 {str(head.get('sha256'))[:12]}")
    return 0


def _request(given: argparse.Namespace) -> dict[str, Any]:
    """The request, checked here as the device will check it."""
    from pydantic import ValidationError

    from edge.requests.payloads import SnapshotRequest

    form = given.format or (_form_of(given.out, given.what) if given.out else None)
    fields = {"camera": given.camera, "what": given.what, "from": given.from_, "to": given.to, "format": form}
    fields = {**{name: value for name, value in fields.items() if value is not None}, "max_bytes": given.max_bytes}
    try:
        SnapshotRequest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"--{str(step).replace('_', '-')}: " for step in first["loc"])
        raise UsageError(f"{where}{first['msg'].removeprefix('Value error, ')}") from None
    return fields


def _form_of(out: Path, what: str) -> str:
    """The form that the ending of `out` asks for."""
    form = _FORMATS.get(out.suffix.lower())
    if form is None or (form == "npz") != (what == "grid"):
        right = (
            "a grid's file ends in .npz" if what == "grid" else "a picture's ends in .jpg, .png or .webp, unless --format says what it is"
        )
        raise UsageError(f"-o {out}: {right}")
    return form


def _options(given: argparse.Namespace) -> Any:
    from edge.sinks.options_mqtt import MqttOptions, TlsOptions

    tls = given.ca or given.certificate or given.key
    try:
        return MqttOptions(
            url=given.broker,
            username=given.username,
            password_env=given.password_env,
            password_file=given.password_file,
            tls=TlsOptions(ca=given.ca, certificate=given.certificate, key=given.key) if tls else None,
            protocol=given.protocol,
            prefix=given.prefix,
        )
    except ValueError as error:
        raise UsageError(f"--broker: {error}") from None


@contextmanager
def _progress(camera: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr where a terminal watches: waiting, then part by part."""
    if not sys.stderr.isatty():
        yield lambda parts, chunks: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(f"waiting for {camera}", total=None)
        yield lambda parts, chunks: bars.update(task, description=camera, completed=parts, total=chunks)
