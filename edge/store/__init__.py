"""The SQLite file: totals, heat, checkpoints and the outbox, changed together in one fsynced transaction or not at all."""

from edge.store.outbox import StoreOutbox
from edge.store.store import Covered, Store

__all__ = ["Covered", "Store", "StoreOutbox"]
