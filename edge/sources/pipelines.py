"""GStreamer pipelines as text: which elements, in which order, a camera is read by on a machine that has these or those. Nothing is opened here.

The forms are those of NVIDIA's Accelerated GStreamer guide (Jetson Linux R36): `nvarguscamerasrc` and `nvv4l2decoder` give pictures in the
hardware's own memory (NVMM), `nvvidconv` turns and copies them out as BGRx, and `videoconvert` makes BGR of whatever comes. A Jetson's elements
do what they do only there, so where they are missing their place is taken by software.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from fractions import Fraction

from edge.sources.address import Address

SINK = "frames"
"""The name of the appsink; a launch line that has one of its own gives it this name."""
CAMERA = "camera"
"""The name of the element that speaks to a camera in the network."""

_END = f"videoconvert ! video/x-raw,format=BGR ! appsink name={SINK} max-buffers=1 drop=true sync=false"
_OUT_OF_NVMM = f"video/x-raw,format=BGRx ! {_END}"

# FFmpeg's names of formats, which a user may know from elsewhere, beside V4L2's own; GStreamer's are the capital ones.
_RAW = {
    "yuyv422": "YUY2",
    "yuyv": "YUY2",
    "uyvy422": "UYVY",
    "uyvy": "UYVY",
    "bgr24": "BGR",
    "rgb24": "RGB",
    "yuv420p": "I420",
    "gray": "GRAY8",
}
_MJPEG = ("mjpeg", "mjpg", "jpeg")

_PACKAGE = {
    "nvarguscamerasrc": "nvidia-l4t-gstreamer",
    "nvvidconv": "nvidia-l4t-gstreamer",
    "nvv4l2decoder": "nvidia-l4t-gstreamer",
    "rtspsrc": "gstreamer1.0-plugins-good",
    "v4l2src": "gstreamer1.0-plugins-good",
    "jpegdec": "gstreamer1.0-plugins-good",
    "videoconvert": "gstreamer1.0-plugins-base",
    "decodebin": "gstreamer1.0-plugins-base",
    "parsebin": "gstreamer1.0-plugins-base",
    "appsink": "gstreamer1.0-plugins-base",
}

ELEMENTS = tuple(_PACKAGE)
"""All whose presence `launch_line` may ask for."""


HARDWARE = frozenset({"nvv4l2decoder", "nvvidconv"})
"""With these a Jetson decodes what comes over the network."""


def read_by_gstreamer(address: Address, *, in_hardware: Callable[[], bool]) -> bool:
    """What a user says by ``?via=``; else GStreamer for what only it reads, and where it decodes in hardware, which is asked only if it matters.

    All else is read by PyAV, which needs no system packages.
    """
    if address.kind in ("csi", "gst"):
        return True
    if "via" in address.options:
        return address.options["via"] == "gstreamer"
    return address.kind in ("rtsp", "v4l2") and in_hardware()


def launch_line(address: Address, *, has: Collection[str], timeout_s: tuple[float, float] = (5.0, 2.0)) -> str:
    """The pipeline for `address` on a machine that `has` these elements, as gst-launch-1.0 takes it; a password of the address is in it.

    It ends in an appsink that holds one picture, the newest, BGR. `timeout_s` is (connecting, silence).
    """
    match address.kind:
        case "csi":
            return _csi(address)
        case "v4l2":
            return _v4l2(address)
        case "rtsp":
            return _rtsp(address, has, timeout_s)
        case "gst":
            own = re.search(r"\bappsink\b", address.target)
            return address.target if own else f"{address.target} ! {_END}"
    raise ValueError(f"{address.shown} is not read by GStreamer")


def missing(line: str, *, has: Collection[str]) -> tuple[str, ...]:
    """The elements of a generated `line` that are not among those the machine `has`, in order."""
    parts = (part.strip().split()[0] for part in line.split(" ! ") if part.strip())
    return tuple(dict.fromkeys(name for name in parts if re.fullmatch(r"[a-z]\w*", name) and name not in has))


def remedy(elements: Collection[str]) -> str:
    """How what is missing comes onto the machine."""
    packages = sorted({_PACKAGE.get(name, "gstreamer1.0-plugins-good gstreamer1.0-plugins-bad") for name in elements})
    if all(package.startswith("nvidia-") for package in packages):
        return f"it comes with JetPack ({', '.join(packages)}); in a container: --runtime nvidia; elsewhere there is no such camera"
    return f"sudo apt-get install {' '.join(packages)}"


def _csi(address: Address) -> str:
    wanted = address.options
    camera = [f"nvarguscamerasrc sensor-id={address.target}"]
    if "mode" in wanted:
        camera.append(f"sensor-mode={wanted['mode']}")
    if "exposure_us" in wanted:
        least, most = wanted["exposure_us"].split("-")
        camera.append(f'exposuretimerange="{int(least) * 1000} {int(most) * 1000}"')
    if "gain" in wanted:
        camera.append(f'gainrange="{wanted["gain"].replace("-", " ")}"')
    caps = ",".join(["video/x-raw(memory:NVMM)", "format=NV12", *_size_and_rate(address)])
    flip = f"nvvidconv flip-method={wanted['flip']}" if "flip" in wanted else "nvvidconv"
    return f"{' '.join(camera)} ! {caps} ! {flip} ! {_OUT_OF_NVMM}"


def _v4l2(address: Address) -> str:
    """MJPEG first where the camera offers both: at full size USB carries only that at full rate. Decoded by the CPU, on a Jetson too."""
    camera, size = f"v4l2src device={quoted(address.target)}", _size_and_rate(address)
    jpeg = ",".join(["image/jpeg", *size])
    wanted = address.options.get("format", "").lower()
    if wanted in _MJPEG:
        return f"{camera} ! {jpeg} ! jpegdec ! {_END}"
    if wanted:
        return f"{camera} ! {','.join(['video/x-raw', f'format={_RAW.get(wanted, wanted.upper())}', *size])} ! {_END}"
    either = f"{jpeg};{','.join(['video/x-raw', *size])}"
    return f"{camera} ! {either} ! decodebin force-sw-decoders=true ! {_END}"


def _rtsp(address: Address, has: Collection[str], timeout_s: tuple[float, float]) -> str:
    # The source measures patience itself and knows what to say of silence; over TCP rtspsrc only ends what that would leave behind.
    camera = (
        f"rtspsrc name={CAMERA} location={quoted(address.target)} protocols={address.options['transport']}"
        f" latency={address.options.get('latency_ms', '200')} drop-on-latency=true"
        f" timeout={round(timeout_s[1] * 1e6)} tcp-timeout={round(sum(timeout_s) * 1e6)}"
    )
    video = "application/x-rtp,media=video"  # a camera's sound, and what it says of motion, are not taken
    if set(has) >= HARDWARE:
        return f"{camera} ! {video} ! parsebin ! nvv4l2decoder ! nvvidconv ! {_OUT_OF_NVMM}"
    return f"{camera} ! {video} ! decodebin ! {_END}"


def _size_and_rate(address: Address) -> list[str]:
    wanted = address.options
    size = [f"{name}={wanted[name]}" for name in ("width", "height") if name in wanted]
    return size + ([f"framerate={_fraction(wanted['fps'])}"] if "fps" in wanted else [])


def _fraction(fps: str) -> str:
    """`30` -> 30/1, `29.97` -> 30000/1001, as NTSC's rates are meant."""
    rate = Fraction(fps)
    near = Fraction(round(rate * 1001 / 1000) * 1000, 1001)
    exact = near if rate.denominator > 1 and abs(rate - near) < Fraction(1, 100) else rate
    return f"{exact.numerator}/{exact.denominator}"


def quoted(value: str) -> str:
    """`value` as one word of a launch line."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
