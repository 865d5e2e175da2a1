"""The record of what is stored, on this machine: how the next run knows what is left to do.

The ledger is a SQLite database in the state folder, one for each server, user and `--stream-id`. It knows an
annotation by its *meaning*, a digest of all its fields, and by its copy, because a file may hold the same one twice. It
holds

- `stored`: the annotations that the server acknowledged, and by which stream;
- `rejected`: those that it rejected, and how often. They are sent again by the next run, in another stream: a stream
  never stores a place that it has passed;
- `sending`: those that are on their way, written before the first is sent. A run that was killed leaves them, and
  whoever needs to know asks the server what became of them.

All changes that belong together are one transaction. Two runs may use the ledger at once.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..errors import Fenced

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- What the server says of its making: a stream of the same name that was made at another time is another one.
    created_at TEXT NOT NULL DEFAULT '',
    -- Below, it is known what became of each annotation.
    settled INTEGER NOT NULL DEFAULT 0,
    used_at REAL NOT NULL
);
CREATE TABLE stored (
    meaning BLOB NOT NULL, copy INTEGER NOT NULL, stream INTEGER NOT NULL, PRIMARY KEY (meaning, copy)
) WITHOUT ROWID;
CREATE TABLE rejected (
    meaning BLOB NOT NULL, copy INTEGER NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (meaning, copy)
) WITHOUT ROWID;
CREATE TABLE sending (
    stream INTEGER NOT NULL, offset INTEGER NOT NULL, meaning BLOB NOT NULL, copy INTEGER NOT NULL,
    PRIMARY KEY (stream, offset)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
# How long a run waits for another one's transaction.
_BUSY_SECONDS = 60.0


class Stream(NamedTuple):
    """A stream that this ledger has used."""

    id: int
    name: str
    created_at: str
    settled: int
    used_at: float


class Ledger:
    """The ledger at `path`, made if there is none."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Tables of this run alone lie on the same disk, and not in a /tmp that may be memory.
        os.environ.setdefault("SQLITE_TMPDIR", str(path.parent))
        self.path = path
        self.sql = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        with self.transaction():
            version = self.sql.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise ValueError(
                    f"{path} was written by another version of reticle-ingest: give another --state"
                )
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self.sql.execute(statement)

    def close(self) -> None:
        """Closes the database."""
        self.sql.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nothing of another run in between."""
        self.sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK")
            raise
        self.sql.execute("COMMIT")

    def begin(self, name: str) -> Stream:
        """The stream of that name, of whose places nothing is known yet."""
        self.sql.execute("INSERT OR IGNORE INTO streams (name, used_at) VALUES (?, 0)", (name,))
        self.sql.execute("UPDATE streams SET settled = 0, used_at = ? WHERE name = ?", (time.time(), name))
        return self._streams("WHERE name = ?", name)[0]

    def opened(self, stream: Stream, created_at: str) -> None:
        """The server has opened the stream, and says when it was made."""
        self.sql.execute("UPDATE streams SET created_at = ? WHERE stream = ?", (created_at, stream.id))

    def settle(self, stream: Stream, first: int, end: int, rejected: Mapping[int, object]) -> None:
        """Of what is on its way, the places from `first` to `end` are stored, but for those in `rejected`."""
        at = {"stream": stream.id, "first": first, "end": end, "now": time.time()}
        self.sql.execute("CREATE TEMP TABLE IF NOT EXISTS bad (offset INTEGER PRIMARY KEY)")
        with self.transaction():
            moved = "UPDATE streams SET settled = :end, used_at = :now WHERE stream = :stream AND settled = :first"
            if self.sql.execute(moved, at).rowcount != 1:
                raise Fenced("another run sends the same rows, and has taken the stream over")
            self.sql.execute("DELETE FROM bad")
            self.sql.executemany("INSERT INTO bad VALUES (?)", ((offset,) for offset in rejected))
            places = "FROM sending WHERE stream = :stream AND offset >= :first AND offset < :end AND offset"
            self.sql.execute(
                "INSERT OR REPLACE INTO stored (meaning, copy, stream) "
                f"SELECT meaning, copy, stream {places} NOT IN bad ORDER BY meaning",
                at,
            )
            self.sql.execute(
                f"INSERT INTO rejected (meaning, copy, times) SELECT meaning, copy, 1 {places} IN bad "
                "ON CONFLICT (meaning, copy) DO UPDATE SET times = times + 1",
                at,
            )
            self.sql.execute("DELETE FROM sending WHERE stream = :stream AND offset < :end", at)

    def drop_rest(self, stream: Stream) -> None:
        """What of the stream is on its way never arrives."""
        self.sql.execute("DELETE FROM sending WHERE stream = ?", (stream.id,))

    def forget(self, stream: Stream) -> None:
        """The server has lost the stream, and with it what it stored by it."""
        with self.transaction():
            for table in ("stored", "sending", "streams"):
                self.sql.execute(f"DELETE FROM {table} WHERE stream = ?", (stream.id,))

    def unfinished(self) -> list[Stream]:
        """The streams by which rows of this run's file are on their way, of a run that was killed or still runs."""
        return self._streams(
            "WHERE stream IN (SELECT stream FROM sending WHERE meaning IN (SELECT meaning FROM rows))"
        )

    def relied_on(self) -> list[Stream]:
        """The streams by which rows of this run's file were stored."""
        return self._streams("WHERE stream IN (SELECT stream FROM stored JOIN rows USING (meaning, copy))")

    def _streams(self, where: str, *parameters: object) -> list[Stream]:
        columns = "stream, name, created_at, settled, used_at"
        return [
            Stream(*row) for row in self.sql.execute(f"SELECT {columns} FROM streams {where}", parameters)
        ]


def ledger_path(folder: Path, target: str, user: str, name: str) -> Path:
    """Where the ledger is for a server, a user of it and a `--stream-id`."""
    digest = hashlib.sha256("\n".join((target.rstrip("/").lower(), user, name)).encode()).hexdigest()
    return folder / f"ingest-{digest[:32]}.sqlite"
