"""A TCP gate before a broker, for tests: it can be shut, and it can cut each connection after so many acknowledgements.

It knows just enough MQTT to count, and to tell what the broker has acknowledged.
"""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType
from typing import NamedTuple

from edge.demo.broker import free_port

_CONNECT, _PUBLISH, _PUBACK = 1, 3, 4
_NOT_AUTHORIZED = {4: bytes([0x20, 2, 0, 5]), 5: bytes([0x20, 3, 0, 0x87, 0])}  # CONNACK, by the protocol level of MQTT 3.1.1 and 5


class Published(NamedTuple):
    """A message with QoS 1 as its publisher sent it."""

    topic: str
    payload: bytes


class Gate:
    """Listens on a port of its own and passes bytes on to `target_port`; one connection at a time, as a publisher makes.

    Args:
        cut_after: each connection ends at the broker's so many-th PUBACK, which is not passed on: accepted, and nobody knows.
        silent: it accepts connections and never answers.
        deaf: of each connection the client's first packet (CONNECT) passes, later ones vanish.

    Attributes, to be changed while it is open:
        cut_after: as above, also for the connection there is, counted anew.
        refusing: whoever connects is told that this user may not.
        delay_s: so much later each piece of what is said goes on, both ways.

    Attributes, to be read:
        connections: how many there have been.
        acknowledged: what the broker said it had, and the publisher could hear that, in order.
    """

    def __init__(self, target_port: int, *, cut_after: int | None = None, silent: bool = False, deaf: bool = False) -> None:
        self._target_port = target_port
        self.cut_after = cut_after
        self.refusing = False
        self.delay_s = 0.0
        self._silent = silent
        self._deaf = deaf
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._shut = threading.Event()
        self._cut = threading.Event()
        self.connections = 0
        self.acknowledged: list[Published] = []
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._shut.clear()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.settimeout(0.02)
        self._thread = threading.Thread(target=self._serve, name="gate")
        self._thread.start()

    def shut(self) -> None:
        """Refuse new connections and cut the one there is."""
        if self._thread is not None and self._listener is not None:
            self._shut.set()
            self._thread.join()
            self._listener.close()
            self._thread = None

    def reopen(self) -> None:
        """Open it if it is shut."""
        if self._thread is None:
            self.open()

    def __enter__(self) -> Gate:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shut()

    def _serve(self) -> None:
        assert self._listener is not None
        while not self._shut.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            with client:
                if self._silent:
                    self._shut.wait()
                elif self.refusing:
                    self._refuse(client)
                else:
                    self._pass(client)

    def cut(self) -> None:
        """End the connection there is; new ones are welcome."""
        self._cut.set()

    def _refuse(self, client: socket.socket) -> None:
        try:
            client.settimeout(1)
            if connect := client.recv(65536):  # nothing where a device was killed before it could speak
                client.sendall(_NOT_AUTHORIZED[_level(connect)])
        except OSError:
            pass

    def _pass(self, client: socket.socket) -> None:
        try:
            broker = socket.create_connection(("127.0.0.1", self._target_port))
        except OSError:
            return
        self._cut.clear()
        acks = said = 0
        split, letters = Splitter(), Letters()
        with broker, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(broker, selectors.EVENT_READ)
            while not self._shut.is_set() and not self._cut.is_set():
                for key, _ in ready.select(0.02):
                    try:
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        if self.delay_s:
                            self._shut.wait(self.delay_s)
                        if key.fileobj is client:
                            if not (self._deaf and said):
                                letters.sent(data)
                                broker.sendall(data)
                            said += 1
                            continue
                        for packet in split(data):
                            is_ack = packet[0] >> 4 == _PUBACK
                            acks += is_ack
                            if self.cut_after is not None and acks >= self.cut_after:
                                return
                            client.sendall(packet)
                            if is_ack:
                                self.acknowledged.append(letters.waiting.pop(packet[2:4]))
                    except OSError:
                        return


def _level(connect: bytes) -> int:
    """4 for MQTT 3.1.1, 5 for MQTT 5."""
    return connect[connect.index(b"MQTT") + 4]


class Letters:
    """What a publisher has sent with QoS 1 over one connection and has no acknowledgement for: packet identifier -> message."""

    def __init__(self) -> None:
        self.waiting: dict[bytes, Published] = {}
        self._split = Splitter()
        self._v5 = False

    def sent(self, data: bytes) -> None:
        for packet in self._split(data):
            kind, qos = packet[0] >> 4, packet[0] >> 1 & 3
            if kind == _CONNECT:
                self._v5 = _level(packet) == 5
            elif kind == _PUBLISH and qos == 1:
                _, topic_at = _length(packet, 1)
                id_at = topic_at + 2 + int.from_bytes(packet[topic_at : topic_at + 2], "big")
                payload_at = id_at + 2
                if self._v5:
                    properties, payload_at = _length(packet, payload_at)
                    payload_at += properties
                self.waiting[packet[id_at : id_at + 2]] = Published(packet[topic_at + 2 : id_at].decode(), packet[payload_at:])


class Splitter:
    """Bytes of a stream of MQTT packets -> the packets that are complete."""

    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, data: bytes) -> list[bytes]:
        self._rest += data
        packets = []
        while (end := self._end()) is not None:
            packets.append(self._rest[:end])
            self._rest = self._rest[end:]
        return packets

    def _end(self) -> int | None:
        try:
            length, begin = _length(self._rest, 1)
        except IndexError:
            return None
        return begin + length if begin + length <= len(self._rest) else None


def _length(data: bytes, at: int) -> tuple[int, int]:
    """MQTT's variable byte integer at `at` -> it, and where it ends. Raises IndexError where it is not all there."""
    length = shift = 0
    while True:
        byte = data[at]
        at, length, shift = at + 1, length | (byte & 127) << shift, shift + 7
        if byte < 128:
            return length, at
