"""What happens when the outbox is full: counts merge first, then the oldest events go, and what was dropped is said.

Only rows that were never handed to a publisher are touched: what somebody may have received must not change under its `seq`.
"""

from __future__ import annotations

import json
import logging
import sqlite3

from edge.messages import DroppedPayload, merge_counts

log = logging.getLogger(__name__)

_SLACK = 0.99
"""Once full, make room down to this share of the limit, so that not every commit has to, and not further: all cameras wait meanwhile."""


def enforce(db: sqlite3.Connection, stream: str, most: int, camera: str) -> None:
    """Bring the outbox below `most` rows if it is above; inside the caller's transaction. A notice goes out on `camera`'s events."""
    (span,) = db.execute("SELECT max(seq) - min(seq) + 1 FROM outbox").fetchone()
    if span is None or span <= most:
        return  # without counting, which takes long where much waits
    (rows,) = db.execute("SELECT count(*) FROM outbox").fetchone()
    if rows <= most:
        return
    excess = rows - int(most * _SLACK)
    (handed_out,) = db.execute("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'handed_out'").fetchone()
    excess -= _merge_counts(db, handed_out, excess)
    if excess > 0:
        _drop_events(db, stream, handed_out, excess + 1, camera)


def _merge_counts(db: sqlite3.Connection, handed_out: int, excess: int) -> int:
    """Merge each two neighbouring counts of one topic, oldest first, until `excess` rows are saved; returns how many were."""
    saved = 0
    topics = db.execute("SELECT DISTINCT topic FROM outbox WHERE seq > ? AND topic LIKE '%/counts'", (handed_out,)).fetchall()
    for (topic,) in topics:
        rows = db.execute(
            "SELECT seq, payload FROM outbox WHERE seq > ? AND topic = ? ORDER BY seq LIMIT ?", (handed_out, topic, 2 * (excess - saved))
        ).fetchall()
        for (old_seq, old), (new_seq, new) in zip(rows[::2], rows[1::2], strict=False):
            if saved >= excess:
                return saved
            merged = merge_counts(old, new)
            db.execute("UPDATE outbox SET payload = ? WHERE seq = ?", (merged, new_seq))
            # What stands retained under this seq is the same message.
            db.execute("UPDATE last_values SET payload = ? WHERE topic = ? AND payload = ?", (merged, topic, new))
            db.execute("DELETE FROM outbox WHERE seq = ?", (old_seq,))
            saved += 1
    return saved


def _drop_events(db: sqlite3.Connection, stream: str, handed_out: int, excess: int, camera: str) -> None:
    """Delete the oldest events and say so in their stead, under the last seq that went."""
    rows = db.execute(
        "SELECT seq, topic, payload FROM outbox WHERE seq > ? AND topic LIKE '%/events' ORDER BY seq LIMIT ?", (handed_out, excess)
    ).fetchall()
    if not rows:
        return
    first, last = rows[0][0], rows[-1][0]
    said = [json.loads(payload) for _, _, payload in rows]
    # An earlier notice that goes now is summed into the new one.
    events = sum(p["events"] if p["kind"] == "dropped" else 1 for p in said)
    from_seq = min(p["from_seq"] if p["kind"] == "dropped" else p["seq"] for p in said)
    db.execute("DELETE FROM outbox WHERE seq BETWEEN ? AND ? AND topic LIKE '%/events'", (first, last))
    notice = DroppedPayload(
        device=said[-1]["device"],
        stream=stream,
        seq=last,
        boot_id=said[-1]["boot_id"],
        camera=camera,
        events=events,
        from_seq=from_seq,
        to_seq=last,
    )
    db.execute("INSERT INTO outbox VALUES (?, ?, ?, 1, 0, 'application/json')", (last, f"{camera}/events", notice.to_bytes()))
    log.warning("the outbox is full: %d events from seq %d to %d were dropped unsent; the totals still hold them", events, from_seq, last)
