"""What a device answers: a request is read, weighed and answered in messages. Pure: no MQTT, no thread, no clock, no file, no picture made here."""

from edge.requests.answerer import Answerer, Archive, Snapshot
from edge.requests.asked import Asked, Refusal
from edge.requests.options import RequestOptions

__all__ = ["Answerer", "Archive", "Asked", "Refusal", "RequestOptions", "Snapshot"]
