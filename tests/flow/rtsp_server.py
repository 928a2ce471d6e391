"""A real RTSP server for tests, run by the system's Python (it has GStreamer's bindings); it serves moving pictures and knows nothing of edge.

    /usr/bin/python3 rtsp_server.py [--port N] [--mount NAME=WIDTHxHEIGHT@FPS ...] [--user NAME --password WORD]

prints its port on one line when it listens, serves each mount (``/bars`` in 320x240 at 15 a second if none is named) with a key frame a
second, and ends when it is killed. A line ``NAME WIDTHxHEIGHT@FPS`` on its standard input moves a mount to another size and rate, in mid-stream.
"""

import argparse
import os
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

LAUNCH = (
    "( videotestsrc is-live=true pattern=ball ! capsfilter name=form caps={caps}"
    " ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


class Mount:
    """One stream: what it looks like now, and the pipelines (of its clients) that play it."""

    def __init__(self, form):
        self.media = []
        self.factory = GstRtspServer.RTSPMediaFactory()
        self.factory.set_shared(True)
        self.factory.connect("media-configure", self._begun)
        self._shape(form)

    def _shape(self, form):
        size, _, fps = form.partition("@")
        width, height = size.split("x")
        self.caps = f"video/x-raw,width={width},height={height},framerate={fps}/1"
        self.factory.set_launch(LAUNCH.format(caps=self.caps.replace(" ", ""), fps=fps))

    def _begun(self, _, media):
        self.media.append(media)
        media.connect("unprepared", self.media.remove)

    def move(self, form):
        self._shape(form)
        for media in self.media:
            media.get_element().get_by_name("form").set_property("caps", Gst.Caps.from_string(self.caps))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--mount", action="append", default=[])
    parser.add_argument("--user")
    parser.add_argument("--password")
    wanted = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(wanted.port)
    mounts = {}
    for mount in wanted.mount or ["bars=320x240@15"]:
        name, _, form = mount.partition("=")
        mounts[name] = Mount(form)
    if wanted.user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(wanted.user, wanted.password), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
        for mount in mounts.values():
            mount.factory.set_permissions(permissions)
    for name, mount in mounts.items():
        server.get_mount_points().add_factory(f"/{name}", mount.factory)
    if not server.attach(None):
        return f"port {wanted.port} is taken"

    def told(*_):
        lines = os.read(sys.stdin.fileno(), 4096).decode().splitlines()  # all there is: a buffer wakes nobody
        for name, _, form in (line.partition(" ") for line in lines):
            mounts[name].move(form)
        return bool(lines)

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, told)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
