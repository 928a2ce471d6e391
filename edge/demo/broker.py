"""A broker of one's own for a demonstration or a test: Mosquitto where it is installed, else amqtt, in a process that ends with the `with` block.

Run as a module (`python -m edge.demo.broker PORT`) it is that amqtt process. It is no broker for service: it listens on this machine only, and
lets everybody in unless told otherwise.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Literal

from edge.errors import BrokerError, BrokerRefused

Kind = Literal["mosquitto", "amqtt"]

_START_S = 20.0
_STOP_S = 5.0
_FREE_FROM, _FREE_TO = 20_000, 32_000


def find_mosquitto() -> str | None:
    """The path of the program, also where only the superuser's PATH has it."""
    return shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


class Broker:
    """One broker on one port of this machine; a context manager that starts it and ends it. It can be stopped and started in between.

    Args:
        kind: which program.
        port: where it listens; None takes a free one.
        passwords: user name -> password; whoever is not in it is refused. Mosquitto only; empty lets everybody in.
        persistent: it keeps sessions and retained messages over a restart. Mosquitto only.
        settings: further lines of Mosquitto's configuration.
    """

    def __init__(
        self,
        kind: Kind,
        port: int | None = None,
        *,
        passwords: Mapping[str, str] | None = None,
        persistent: bool = False,
        settings: str = "",
    ) -> None:
        if kind == "amqtt" and (passwords or persistent or settings):
            raise ValueError("passwords, persistence and settings are for mosquitto; amqtt runs as it is")
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.kind = kind
        self._passwords = dict(passwords or {})
        self._persistent = persistent
        self._settings = settings
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    def __enter__(self) -> Broker:
        self._folder = tempfile.TemporaryDirectory(prefix="edge-broker-")
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def start(self) -> None:
        """Start it and wait until it answers. Raises BrokerError, with its last words, when it does not."""
        if self._process is not None:
            return
        if self._folder is None:
            raise RuntimeError("a broker is started inside its with block")
        if _listens(self.host, self.port):
            raise BrokerError(f"port {self.port} is taken by another program; choose another port, or use the broker that is there")
        folder = Path(self._folder.name)
        command = self._mosquitto(folder) if self.kind == "mosquitto" else [sys.executable, "-m", "edge.demo.broker", str(self.port)]
        words = folder / "words.txt"
        with words.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until_s = time.monotonic() + _START_S
        while not _listens(self.host, self.port):
            if self._process.poll() is not None or time.monotonic() > until_s:
                self.kill()
                last = words.read_text(errors="replace").strip().splitlines()
                raise BrokerError(f"{self.kind} did not start on port {self.port}: {last[-1] if last else 'it said nothing'}")
            time.sleep(0.01)

    def stop(self) -> None:
        """End it in order, or by force after a few seconds. Stopping what does not run is harmless."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _mosquitto(self, folder: Path) -> list[str]:
        program = find_mosquitto()
        if program is None:
            raise BrokerError("mosquitto is not installed; install it, or use amqtt (pip install 'edge-heatmap[demo]')")
        lines = [
            f"listener {self.port} {self.host}",
            f"allow_anonymous {str(not self._passwords).lower()}",
            "log_dest stderr",
            "log_type error",
        ]
        lines.append("max_queued_messages 0")  # a slow subscriber of a test must not lose what the broker has acknowledged
        lines.append(f"persistence {str(self._persistent).lower()}")
        if self._persistent:
            lines.append(f"persistence_location {folder}/")
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            lines.append("user root")  # else it gives up the rights to its own folder
        if self._passwords:
            lines.append(f"password_file {_write_passwords(folder, self._passwords)}")
        config = folder / "mosquitto.conf"
        config.write_text("\n".join([*lines, self._settings, ""]))
        return [program, "-c", str(config)]


@contextmanager
def running_broker(port: int | None = None) -> Iterator[Broker]:
    """Whatever broker this machine has, on `port` or a free one. Raises BrokerError when it has none, or none that starts."""
    if find_mosquitto():
        kind: Kind = "mosquitto"
    elif find_spec("amqtt"):
        kind = "amqtt"
    else:
        raise BrokerError("there is no broker on this machine; install mosquitto, or pip install 'edge-heatmap[demo]'")
    with Broker(kind, port) as broker:
        yield broker


def existing_broker(url: str) -> bool:
    """Whether a broker answers at `url` already, if only to refuse us."""
    from edge.sinks.mqtt_check import check_broker
    from edge.sinks.options_mqtt import MqttOptions

    try:
        check_broker(MqttOptions(url=url, protocol="3.1.1", connect_timeout_s=2.0))
    except BrokerRefused:
        return True
    except BrokerError:
        return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 where nothing listens, for a server of one's own.

    It lies below those that Linux and most others give to outgoing connections: of the ones the system hands out, a connection of another
    program could take the port in the moments before the server listens, or while it is down.
    """
    for port in random.SystemRandom().sample(range(_FREE_FROM, _FREE_TO), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BrokerError(f"no port of 100 tried between {_FREE_FROM} and {_FREE_TO} is free; name one that is")


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _write_passwords(folder: Path, passwords: Mapping[str, str]) -> Path:
    path = folder / "passwords"
    path.touch(mode=0o600)
    path.write_text("".join(f"{user}:{password}\n" for user, password in passwords.items()))
    hasher = shutil.which("mosquitto_passwd")
    if hasher is None:
        raise BrokerError("mosquitto_passwd is not installed; it comes with mosquitto")
    subprocess.run([hasher, "-U", str(path)], check=True, capture_output=True)
    return path


def _serve_amqtt(port: int) -> None:
    import asyncio
    import signal

    from amqtt.broker import Broker as AmqttBroker

    async def serve() -> None:
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        broker = AmqttBroker(config)
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, over.set)
        await broker.start()
        await over.wait()
        await broker.shutdown()

    asyncio.run(serve())


if __name__ == "__main__":
    _serve_amqtt(int(sys.argv[1]))
