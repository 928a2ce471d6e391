"""What MQTT 5 carries beside a message, as paho wants it. When a message is sent, and that 3.1.1 carries none of this, is `mqtt_link`'s."""

from __future__ import annotations

from collections.abc import Mapping

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.data import Message


class PropertySets:
    """Makes the properties of messages; each set that can come again is made once.

    `user_properties` go with every message.
    """

    def __init__(self, user_properties: Mapping[str, str]) -> None:
        self._user_properties = list(user_properties.items())
        self.bytes = 80 + sum(len(key.encode()) + len(value.encode()) + 5 for key, value in self._user_properties)
        """What they take of a packet, at most, where nobody is answered."""
        self._made: dict[tuple[int, str, int | None], Properties] = {}

    def of_will(self, message: Message) -> Properties:
        return self._of(PacketTypes.WILLMESSAGE, message)

    def of(self, message: Message, *, reply_to: str = "") -> Properties:
        """`reply_to` is where an answer is wanted."""
        if not reply_to and message.correlation is None:
            return self._of(PacketTypes.PUBLISH, message)
        properties = self._fresh(PacketTypes.PUBLISH, message)
        if reply_to:
            properties.ResponseTopic = reply_to
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        return properties

    def _of(self, packet: int, message: Message) -> Properties:
        key = packet, message.content_type, message.expiry_s
        if key not in self._made:
            self._made[key] = self._fresh(packet, message)
        return self._made[key]

    def _fresh(self, packet: int, message: Message) -> Properties:
        properties = _Packed(packet)
        if message.content_type:
            properties.ContentType = message.content_type
        if message.expiry_s is not None:
            properties.MessageExpiryInterval = message.expiry_s
        if self._user_properties:
            properties.UserProperty = self._user_properties
        return properties


def wishes(most_bytes: int) -> Properties:
    """What a connection asks of its broker: to be sent no packet of more than `most_bytes`."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = most_bytes
    return properties


class _Packed(Properties):
    """Properties whose bytes are made once: making them costs paho as much as the message itself."""

    def __init__(self, packet: int) -> None:
        super().__init__(packet)  # type: ignore[no-untyped-call]
        self.__dict__["_bytes"] = b""  # past paho's check of names

    def pack(self) -> bytes:
        made: bytes = self.__dict__["_bytes"]
        if not made:
            made = self.__dict__["_bytes"] = super().pack()  # type: ignore[no-untyped-call]
        return made
