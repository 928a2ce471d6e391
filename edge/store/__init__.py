"""The SQLite file: totals, heat, checkpoints and the outbox, changed together in one fsynced transaction or not at all."""

from edge.store.outbox import StoreOutbox
from edge.store.reader import StoreReader
from edge.store.segments import StoreSegments
from edge.store.spans import Covered
from edge.store.store import Store

__all__ = ["Covered", "Store", "StoreOutbox", "StoreReader", "StoreSegments"]
