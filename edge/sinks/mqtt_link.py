"""One connection to an MQTT broker, from CONNECT to its end: the only file that knows paho's client. What is said, and when again, is `mqtt`'s.

A link never reconnects. Each connection has a new client, so that no packet identifier, no half-sent packet and no message of an earlier
connection can be taken for one of this; the broker keeps no session either (clean start). What must survive is in the outbox.

One thread uses a link, and drives the socket itself: `turn` waits, writes and reads, and every callback runs inside it.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge.data import Message
from edge.errors import BrokerError, BrokerRefused
from edge.ports import Heard
from edge.sinks.doorbell import Doorbell
from edge.sinks.mqtt_credentials import login_of, tls_of, translate
from edge.sinks.mqtt_properties import PropertySets, wishes
from edge.sinks.mqtt_refusal import refused
from edge.sinks.options_mqtt import MqttOptions

log = logging.getLogger(__name__)

_TAKEN_OVER = 0x8E
_TOO_LARGE = 0x95
_LONGEST_TOPIC = 200
_MOST_HEARD_BYTES = 1_100_000
"""No request and no part of an answer is longer: what is, the broker keeps to itself (by 3.1.1 its own limit is ours)."""


class Link:
    """A context manager around one connection; entering it connects, leaving it without `farewell` drops the line, and the will is said.

    Args:
        options: where and how.
        client_id: the name of the connection.
        will: the full topic and the message the broker says when the line drops; None for none.
        user_properties: what MQTT 5 carries beside each message.
        bell: is rung when somebody wants `turn` to return early.
    """

    def __init__(
        self,
        options: MqttOptions,
        client_id: str,
        *,
        will: tuple[str, Message] | None = None,
        user_properties: Mapping[str, str] | None = None,
        bell: Doorbell | None = None,
    ) -> None:
        self.acks: list[int] = []  # identifiers of acknowledged messages, in the broker's order; whoever reads them clears them
        self.too_large: list[int] = []  # of those it took in and does not want, for their size; likewise
        self.denied: list[int] = []  # of dispensable ones that it does not let us say; likewise
        self.heard: list[Heard] = []  # what came on subscribed topics, likewise
        self.window = options.in_flight  # how many messages may be unacknowledged; the broker may have lowered it
        self.most_bytes: int | None = None  # the largest payload the broker takes, where it says so
        self.taken_over = False  # another connection of our name has thrown us out
        self._options = options
        self._v5 = options.protocol == "5"
        self._wishes = wishes(_MOST_HEARD_BYTES) if self._v5 else None
        self._bell = bell
        self._greeting: ReasonCode | None = None
        self._refusal: BrokerRefused | None = None
        self._topics: dict[int, str] = {}
        self._dispensable: set[int] = set()
        self._properties = PropertySets(user_properties or {})
        self._subscribed: dict[int, str] = {}
        self._client = self._make(client_id, will)

    @property
    def where(self) -> str:
        return f"{self._options.host}:{self._options.port}"

    def _make(self, client_id: str, will: tuple[str, Message] | None) -> Client:
        options = self._options
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if self._v5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if self._v5 else True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = options.connect_timeout_s
        # The window is counted by the caller, so paho's own (which re-reads its whole queue at every acknowledgement) is off; its queue is bounded.
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(options.in_flight)
        login = login_of(options)
        if login is not None:
            client.username_pw_set(*login)
        context = tls_of(options)
        if context is not None:
            client.tls_set_context(context)
            client.tls_insecure_set(not context.check_hostname)  # else paho wants to check the name itself
        if will is not None:
            topic, message = will
            client.will_set(
                topic,
                message.payload,
                qos=message.qos,
                retain=message.retain,
                properties=self._properties.of_will(message) if self._v5 else None,
            )
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        # With a hook for "wants to write" paho queues packets and leaves the writing to `turn`, outside of every callback.
        client.on_socket_register_write = lambda *_: None
        return client

    def __enter__(self) -> Link:
        """Connect and wait for the broker's word. Raises BrokerError when nobody answers, BrokerRefused when the answer is no."""
        options = self._options
        try:
            self._client.connect(
                options.host, options.port, options.keepalive_s, clean_start=True if self._v5 else 3, properties=self._wishes
            )
        except TimeoutError as error:
            raise BrokerError(
                f"no answer from {self.where} within {options.connect_timeout_s:g} s; is the broker on, and the address right?"
            ) from error
        except ssl.SSLError as error:
            raise translate(error, self.where) from error
        except (OSError, ValueError) as error:
            raise BrokerError(f"cannot reach the broker at {self.where}: {error}; is it running, and the address right?") from error
        try:
            self._greet()
        except BaseException:
            self._drop()
            raise
        return self

    def _greet(self) -> None:
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a lone event must not wait for the acknowledgement of another
        until_s = time.monotonic() + self._options.connect_timeout_s
        while self._greeting is None:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise BrokerError(
                    f"{self.where} accepted the connection but said nothing for {self._options.connect_timeout_s:g} s; is it an MQTT broker?"
                    ' If it knows only the old version, set protocol to "3.1.1"'
                )
            self.turn(left_s)

    def turn(self, timeout_s: float) -> None:
        """Wait until something comes, can be written, or `timeout_s` passes; read it, write it. Raises BrokerError when the connection is over."""
        client = self._client
        try:
            if (sock := client.socket()) is not None:
                # Read before writing: a line that cannot be written to may still hold acknowledgements, and the reason it was closed.
                if self._wait(sock, timeout_s):
                    client.loop_read()
                if client.want_write():
                    client.loop_write()
                client.loop_misc()
        except Exception as error:
            # struct.error, IndexError, MQTTException ...: whatever paho makes of bytes that are not MQTT.
            raise BrokerError(f"{self.where} sent what is not MQTT {self._options.protocol}: {error!r}") from error
        if self._refusal is not None:
            raise self._refusal
        if client.socket() is None:
            if self._greeting is None:
                raise BrokerError(f"{self.where} closed the connection before it said a word{self._guess()}")
            raise BrokerError(f"the connection to {self.where} was lost")

    def _guess(self) -> str:
        """Why a broker may hang up at once."""
        tls = [] if self._options.encrypted else ["if it wants TLS, write mqtts://"]
        older = ['if it knows MQTT 3.1.1 only, set protocol to "3.1.1"'] if self._v5 else []
        return "".join(f"; {guess}" for guess in tls + older)

    def _wait(self, sock: Any, timeout_s: float) -> bool:
        fileno, readable = sock.fileno(), False
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            timeout_s, readable = 0, True  # decrypted already: the system knows nothing of it
        poll = select.poll()
        poll.register(fileno, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        if self._bell is not None:
            poll.register(self._bell.fileno(), select.POLLIN)
        for ready, events in poll.poll(max(timeout_s, 0) * 1000):
            if ready == fileno:
                readable |= bool(events & ~select.POLLOUT)
            elif self._bell is not None:
                self._bell.answer()
        return readable

    @property
    def congested(self) -> bool:
        """The socket has not taken what it was given; what may be lost had better not be added."""
        return self._client.want_write()

    def send(self, topic: str, message: Message, *, reply_to: str = "", needed: bool = True) -> int:
        """Queue a message for the next turn -> its identifier, which will be among `acks` (QoS 0: once it is written).

        `reply_to` is where an answer is wanted; it goes with MQTT 5 only. A broker that does not let us say what is `needed` is of no use; else
        only the message is lost: where answers go others decide, and they must not be able to end the connection.
        """
        properties = self._properties.of(message, reply_to=reply_to) if self._v5 else None
        info = self._client.publish(topic, message.payload, qos=message.qos, retain=message.retain, properties=properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"the connection to {self.where} takes no more messages: {info.rc.name}")
        self._topics[info.mid] = topic
        if not needed:
            self._dispensable.add(info.mid)
        return info.mid

    def fits(self, topic: str, message: Message) -> bool:
        """False for a message the broker has said it will not take, however often it comes."""
        size = len(message.payload) + len(topic.encode()) + len(message.correlation or b"")
        return self.most_bytes is None or size <= self.most_bytes + _LONGEST_TOPIC

    def subscribe(self, topic: str, *, past: bool = True) -> None:
        """Hear a topic filter; without `past`, as far as the broker can, not what it retained from before."""
        if self._v5 and not past:
            options = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)
            _, mid = self._client.subscribe(topic, options=options)
        else:
            _, mid = self._client.subscribe(topic, qos=1)
        if mid is not None:
            self._subscribed[mid] = topic

    def farewell(self) -> None:
        """End in order: the broker forgets the will. Nothing may be sent afterwards."""
        self._client.disconnect()
        if self._client.socket() is not None:
            self._client.loop_write()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._drop()

    def _drop(self) -> None:
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _on_connect(self, client: Client, userdata: object, flags: ConnectFlags, code: ReasonCode, properties: Properties | None) -> None:
        self._greeting = code
        if code.is_failure:
            self._refusal = refused(self.where, "refuses the connection", code)
            return
        self.window = min(self.window, getattr(properties, "ReceiveMaximum", self.window))
        packet_bytes = getattr(properties, "MaximumPacketSize", None)
        if packet_bytes is not None:
            self.most_bytes = packet_bytes - _LONGEST_TOPIC - self._properties.bytes - 16

    def _on_disconnect(
        self, client: Client, userdata: object, flags: DisconnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        self.taken_over = code.value == _TAKEN_OVER and flags.is_disconnect_packet_from_server
        # A broker that stops or is restarted (0x8B) also says so; that is not a refusal.
        if flags.is_disconnect_packet_from_server and code.is_failure and code.value != 0x8B:
            self._refusal = self._refusal or refused(self.where, "ended the connection", code)

    def _on_publish(self, client: Client, userdata: object, mid: int, code: ReasonCode, properties: Properties | None) -> None:
        topic = self._topics.pop(mid, "")
        dispensable = mid in self._dispensable
        self._dispensable.discard(mid)
        if code.value == _TOO_LARGE:
            self.too_large.append(mid)
        elif code.is_failure and dispensable:
            self.denied.append(mid)
        elif code.is_failure:
            self._refusal = self._refusal or refused(self.where, f"refuses a message on {topic}", code)
        else:
            self.acks.append(mid)

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        said = message.properties
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self.heard.append(
            Heard(topic, bytes(message.payload), message.retain, getattr(said, "ResponseTopic", ""), getattr(said, "CorrelationData", None))
        )

    def _on_subscribe(self, client: Client, userdata: object, mid: int, codes: list[ReasonCode], properties: Properties | None) -> None:
        topic = self._subscribed.pop(mid, "")
        if any(code.is_failure for code in codes):
            log.warning("%s does not let us read %s; what is asked or said there stays unheard", self.where, topic)
