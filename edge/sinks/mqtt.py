"""Takes the outbox to an MQTT broker, for ever: who is dialled when, what is said in which order, what counts as delivered. Sockets are `mqtt_link`'s.

The outbox is the session. The broker is asked to remember nothing, and whatever it has not acknowledged is said again from the oldest. On every
connection the birth goes first, then the last values, then the outbox, in one order and with a bounded number of messages under way.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType

from edge.data import Message
from edge.errors import BrokerError, BrokerRefused, DiskFull, EdgeError
from edge.ports import Heard, Outbox
from edge.sinks.doorbell import Doorbell
from edge.sinks.mqtt_link import Link
from edge.sinks.mqtt_memory import Memory
from edge.sinks.mqtt_session import PAGE, Session, whole
from edge.sinks.options_mqtt import MqttOptions

log = logging.getLogger(__name__)

_FLUSH_S = 0.25  # an acknowledgement waits no longer than this to be written down
_FAREWELL_S = 2.0  # what leaving may take while the broker answers slowly
_HANG_UP_S = 0.5  # what leaving may take while a dial is under way
_STEADY_S = 30.0  # a connection that held so long has proved that its cause of trouble is gone
_ASIDES = 32  # passing remarks kept until the next turn
_REPLIES = 8  # answers kept until the window has room; whoever answers waits for more


class MqttPublisher:
    """The Publisher port by MQTT. Entering it starts its thread and returns at once, also when there is no broker.

    Args:
        options: where the broker is.
        outbox: what is to be said; it is asked from the publisher's own thread only.
        base_topic: the device's topics begin with it, `edge/gate` for instance.
        birth: the `status` that says what is here; retained.
        will: the `status` that says `offline`; by the broker when the line drops, by us when we leave in order.
        user_properties: what MQTT 5 carries beside each message.
        hears: whole topics (`/#` may end them), and who is told what came there, in the publisher's own thread: at once, or all waits.
    """

    def __init__(
        self,
        options: MqttOptions,
        outbox: Outbox,
        *,
        base_topic: str,
        birth: Message,
        will: Message,
        user_properties: Mapping[str, str] | None = None,
        hears: Mapping[str, Callable[[Heard], None]] | None = None,
    ) -> None:
        self._options = options
        self._outbox = outbox
        self._base = base_topic.rstrip("/")
        self._birth = birth
        self._will = will
        self._user_properties = dict(user_properties or {})
        self._hears = dict(hears or {})
        self._client_id = options.client_id or self._base.replace("/", "-")
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._changed = threading.Condition()  # guards what follows; notified when `_settled` moves
        self._asked = 0  # how often somebody said that there is something new
        self._settled = 0  # the last of these after which everything was acknowledged
        self._bell: Doorbell | None = None
        self._replies: deque[Message] = deque()
        # The owner thread's own.
        self._memory = Memory(birth.payload, self._base)
        self._acked: list[int] = []  # the broker has them, the outbox does not know yet
        self._full = False  # the disk: the outbox cannot note what is delivered
        self._flushed_s = 0.0  # when the outbox was last told
        self._progress = False  # this connection was good for something
        self._asides: deque[Message] = deque(maxlen=_ASIDES)
        self._connected = False
        self._trouble = self._logged = ""

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def trouble(self) -> str:
        """Why there is no connection, or what is wrong with it, as a sentence with a remedy; '' when all is well or none was tried yet."""
        return self._memory.namesake or self._trouble

    @property
    def memory(self) -> Memory:
        """What was learned of the broker; to be read only."""
        return self._memory

    def __enter__(self) -> MqttPublisher:
        if self._thread is not None:
            raise RuntimeError("a publisher is entered once; make another one")
        self._bell = Doorbell()
        self._thread = threading.Thread(target=self._run, args=(self._bell,), name="mqtt", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Say `offline`, disconnect, end the thread. Without a broker this is immediate; it never takes more than a few seconds."""
        if self._thread is None:
            return
        self._closing.set()
        self._nudge()
        # Only a dial the system does not give up keeps the thread longer; nobody waits for it, it ends by itself and says nothing more.
        self._thread.join(_FAREWELL_S + 1 if self._connected else _HANG_UP_S)

    def wake(self) -> None:
        with self._changed:
            self._asked += 1
        self._nudge()

    def announce(self, birth: Message) -> None:
        """The device's `status` from now on: said now where there is a connection, and first on every later one."""
        self._birth = birth
        self.wake()

    def say(self, message: Message) -> None:
        """A remark in passing (health): sent at QoS 0 when there is a connection that takes it now, else forgotten."""
        self._asides.append(replace(message, qos=0))
        self._nudge()

    def reply(self, message: Message, timeout_s: float = 10.0) -> bool:
        """Answer somebody. Waits while others' answers wait; False when it was not sent, and never will be."""
        if self._memory.wary and not whole(self._base, message.topic).startswith(f"{self._base}/"):
            return False
        with self._changed:
            self._changed.wait_for(lambda: not self._connected or len(self._replies) < _REPLIES, timeout_s)
            if not self._connected or len(self._replies) >= _REPLIES:
                return False
            self._replies.append(message)
        self._nudge()
        return True

    def drain(self, timeout_s: float) -> bool:
        """Wait until all that the outbox holds now, and the last values, are acknowledged; False when the time was not enough."""
        self.wake()
        with self._changed:
            mine = self._asked
            return self._changed.wait_for(lambda: self._settled >= mine, timeout_s)

    def _nudge(self) -> None:
        if self._bell is not None:
            self._bell.ring()

    def _run(self, bell: Doorbell) -> None:
        pause_s = self._options.first_pause_s
        try:
            while not self._closing.is_set():
                self._progress = False
                refused = False
                try:
                    self._live(bell)
                except EdgeError as error:
                    refused = isinstance(error, BrokerRefused)
                    self._lament(str(error))
                except Exception as error:  # noqa: BLE001
                    # The last line of defence of a device nobody watches: what is not foreseen must not end publishing for good.
                    self._lament(f"publishing failed: {error!r}; it is tried again", trace=True)
                if self._progress:
                    pause_s = self._options.first_pause_s
                if refused or self._memory.crowded:
                    pause_s = self._options.max_pause_s
                self._closing.wait(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(pause_s * 2, self._options.max_pause_s)
        finally:
            bell.close()

    def _lament(self, cause: str, *, trace: bool = False) -> None:
        """Remember the trouble; log it unless it is the one that was logged last, and no steady connection lay between."""
        self._trouble = cause
        if cause != self._logged and not self._closing.is_set():
            log.warning("%s", cause, exc_info=trace)
            self._logged = cause

    def _live(self, bell: Doorbell) -> None:
        """One connection, from dialling to leaving in order; EdgeError when it ends in another way."""
        self._flush()
        self._memory.crowded = False
        will = (f"{self._base}/{self._will.topic}", self._will)
        with Link(self._options, self._client_id, will=will, user_properties=self._user_properties, bell=bell) as link:
            if self._closing.is_set():
                link.farewell()  # nothing was said, nothing is to be taken back
                return
            self._memory.begin(link.most_bytes)
            session = Session(
                link,
                self._outbox,
                base_topic=self._base,
                birth=self._birth,
                acked=self._acked,
                memory=self._memory,
                replies=self._replies,
                hear=self._hear,
            )
            self._asides.clear()  # they spoke of a time when nobody listened
            self._connected, self._trouble = True, ""
            began_s = time.monotonic()
            log.info("connected to the broker at %s", link.where)
            try:
                # Before the birth on the wire: what the broker still has of somebody else tells of a second device of our name.
                link.subscribe(f"{self._base}/{self._birth.topic}")
                session.fill()  # the birth
                for topic in self._hears:
                    link.subscribe(topic, past=False)
                self._converse(link, session)
                self._leave(link, session)
            except BrokerError:
                self._progress |= session.collect()
                self._memory.broke(session.heaviest, progress=self._progress, away=session.away)
                if link.taken_over:
                    self._memory.note_namesake(f"it connects as {self._client_id}, too")
                raise
            finally:
                with self._changed:
                    self._connected = False
                    self._replies.clear()  # who asked on another connection has given up by the next
                    self._changed.notify_all()
                if time.monotonic() - began_s >= _STEADY_S:
                    self._progress, self._logged = True, ""
                # Also from a line that broke: an acknowledgement that came is one.
                self._progress |= session.collect()
                self._flush()

    def _converse(self, link: Link, session: Session) -> None:
        limit_s = self._options.ack_timeout_s
        nap_s = min(self._options.keepalive_s, limit_s) / 4  # only keep-alive and that limit ask for a look now and then
        heeded = -1
        while not self._closing.is_set():
            asked = self._asked  # read before the outbox is: what comes in between asks anew
            self._send_asides(link)
            session.greet(self._birth)
            if asked != heeded:
                session.refresh()
            answering = bool(self._replies)
            session.fill()
            heeded = asked
            if answering:
                with self._changed:
                    self._changed.notify_all()  # there may be room for another
            if session.quiet and not self._acked and self._settled < heeded:
                with self._changed:
                    self._settled = heeded
                    self._changed.notify_all()
            link.turn(_FLUSH_S if self._acked else nap_s)
            self._progress |= session.collect()
            now_s = time.monotonic()
            if session.quiet or len(self._acked) >= PAGE or now_s - self._flushed_s >= _FLUSH_S:
                self._flush()
            if session.waiting and now_s - session.progress_s > limit_s:
                raise BrokerError(f"{link.where} has acknowledged nothing for {limit_s:g} s; the connection is made anew")

    def _hear(self, heard: Heard) -> None:
        for topic, hear in self._hears.items():
            if heard.topic == topic or (topic.endswith("/#") and f"{heard.topic}/".startswith(topic[:-1])):
                try:
                    hear(heard)
                except Exception:  # what others send must not end publishing, whatever it does to whoever listens
                    log.exception("a message on %s could not be taken in", heard.topic)

    def _send_asides(self, link: Link) -> None:
        congested = link.congested  # the last turn could not write all it had
        while self._asides:
            aside = self._asides.popleft()
            if not congested:
                link.send(whole(self._base, aside.topic), aside)

    def _leave(self, link: Link, session: Session) -> None:
        session.part(self._will)
        until_s = time.monotonic() + _FAREWELL_S
        while not session.parted and (left_s := until_s - time.monotonic()) > 0:
            session.fill()
            link.turn(left_s)
            self._progress |= session.collect()
        if session.parted:
            link.farewell()
        # Else the line is dropped, and the broker says the will for us.

    def _flush(self) -> None:
        """Tell the outbox what was delivered. What it fails to note is told again before the next connection."""
        self._flushed_s = time.monotonic()
        try:
            if self._acked:
                self._outbox.delivered(tuple(self._acked))
        except DiskFull as error:  # the device must not fall silent for it: whoever could make room would not hear of it
            self._full = True
            self._lament(str(error))
        else:
            self._acked.clear()
            if self._full:
                self._full, self._trouble = False, ""
