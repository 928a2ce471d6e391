"""The tables, and the opening of a file that holds them. What is written into them, and when, is in `store`.

One rule: a number stands in one place. Totals are sums over windows, occupancy is a difference of totals, UTC is a timeline's offset.
"""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from edge.errors import DiskFull, StoreError, StoreNewer

VERSION = 1

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A timeline is where a t_ns is counted from: a boot of the machine, or a file. UTC = t_ns + offset_ns, once `known`.
CREATE TABLE timelines (id TEXT PRIMARY KEY, offset_ns INTEGER NOT NULL, known INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE clock_steps (timeline TEXT NOT NULL, t_ns INTEGER NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL);

-- Each geometry that a line, a zone or a camera's heat grid (kind 'heat') has had, and when its totals began.
CREATE TABLE epochs (
    camera TEXT NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, epoch INTEGER NOT NULL, digest TEXT NOT NULL, since_utc_ns INTEGER,
    PRIMARY KEY (camera, kind, place, epoch)
) WITHOUT ROWID;

-- A span of a camera's timeline, a minute long at first; merged into hours when old.
CREATE TABLE windows (
    id INTEGER PRIMARY KEY, camera TEXT NOT NULL, timeline TEXT NOT NULL, t0_ns INTEGER NOT NULL, t1_ns INTEGER NOT NULL,
    UNIQUE (camera, timeline, t0_ns)
);
CREATE TABLE tally (
    window INTEGER NOT NULL REFERENCES windows (id), kind TEXT NOT NULL, place TEXT NOT NULL, epoch INTEGER NOT NULL,
    class TEXT NOT NULL, field TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (window, kind, place, epoch, class, field)
) WITHOUT ROWID;
CREATE TABLE heat (
    window INTEGER NOT NULL REFERENCES windows (id), epoch INTEGER NOT NULL, class TEXT NOT NULL, cells BLOB NOT NULL,
    PRIMARY KEY (window, epoch, class)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
    camera TEXT PRIMARY KEY, timeline TEXT NOT NULL, source TEXT NOT NULL, done INTEGER NOT NULL, frame INTEGER NOT NULL, t_ns INTEGER NOT NULL,
    digest TEXT NOT NULL, state BLOB NOT NULL, unsaid TEXT NOT NULL, said_ns INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL, content_type TEXT NOT NULL
);
CREATE TABLE last_values (
    topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL, content_type TEXT NOT NULL
) WITHOUT ROWID;
"""

_ADDED = """
-- What a camera looked at when it was set up: directions of edges, no picture. `digest` names the address, lines and zones it belongs to.
CREATE TABLE IF NOT EXISTS views (camera TEXT PRIMARY KEY, digest TEXT NOT NULL, state BLOB NOT NULL) WITHOUT ROWID;

-- Recorded video: what file holds which span of a camera's timeline. 'utc' is the timeline of files that only their names tell of.
CREATE TABLE IF NOT EXISTS segments (
    path TEXT PRIMARY KEY, camera TEXT NOT NULL, timeline TEXT NOT NULL, t0_ns INTEGER NOT NULL, t1_ns INTEGER NOT NULL,
    pictures INTEGER NOT NULL, bytes INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, codec TEXT NOT NULL, state TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS segments_of ON segments (camera, timeline, t0_ns);
INSERT OR IGNORE INTO timelines VALUES ('utc', 0, 1);

-- After weeks without a broker the outbox is hundreds of megabytes, and is to be counted and asked by topic without reading its payloads.
CREATE INDEX IF NOT EXISTS outbox_topics ON outbox (topic, seq);

-- The size of picture that a live camera's lines and zones were drawn in, where nobody says it: the first it gave. `digest` names address and places.
CREATE TABLE IF NOT EXISTS drawn_in (camera TEXT PRIMARY KEY, digest TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL) WITHOUT ROWID;
"""
"""Tables that came later, made where they are missing. An older version that opens the file again passes over them, so they change no version."""


def connect(path: Path, *, synchronous: str) -> sqlite3.Connection:
    """A connection in WAL mode; `synchronous` FULL means that a commit has reached the disk when it returns."""
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    except sqlite3.Error as error:
        raise translate(error, path) from error
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {synchronous}")
        # KiB for each of four connections. A cache is filled as the file grows, and looks like a leak until it is full; a commit touches a few dozen
        # pages, and what is read beyond that (a day's heat) the kernel holds anyway.
        db.execute("PRAGMA cache_size = -256")
    except sqlite3.Error as error:
        db.close()
        raise translate(error, path) from error
    return db


def prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new file; refuse one that a newer version wrote."""
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreNewer(
                f"{path} was written by a newer version of edge (format {version}, this one reads {VERSION}); install that version again"
            )
        if version == 0:
            if db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
                raise StoreError(f"{path} is another program's database; move it away, or give edge another `state` folder")
            db.execute("BEGIN IMMEDIATE")
            for statement in _TABLES.split(";\n"):
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES ('stream', ?), ('seq', '0'), ('handed_out', '0')", (str(uuid.uuid4()),))
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        for statement in _ADDED.split(";\n"):
            db.execute(statement)
    except sqlite3.Error as error:
        raise translate(error, path) from error


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """A vendor's error as one of ours, in a sentence."""
    text = str(error)
    if "full" in text:
        return DiskFull(f"the disk of {path} is full; free some space: what was committed is kept, and counting goes on from there")
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{path} is no store of edge, or it is damaged ({text}); move it away, a new one will be made")
    if "unable to open" in text or "readonly" in text:
        return StoreError(f"{path} cannot be written ({text}); its folder must exist and belong to the user that runs edge")
    return StoreError(f"{path}: {text}")
