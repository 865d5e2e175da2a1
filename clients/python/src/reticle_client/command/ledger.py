"""The ledger: the record, on this machine, of what is stored. From it the next run knows what is left to send.

The ledger is a SQLite database in the state folder, one for each server, user and `--stream-id`. It identifies an
annotation by its *meaning*, a digest of all its fields, and by its copy number, because a file may have the same one
twice. Its tables:

- `stored`: the annotations that the server acknowledged, and the stream of each;
- `rejected`: those that it rejected, and how often. The next run sends them again in another stream, because a stream
  never stores an offset below its end;
- `sending`: those that are being sent, written before the first is sent. A run that is killed leaves them, and the next
  run asks the server for their results.

Related changes are one transaction. Two runs may use the ledger at the same time.
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
    -- The server's time of creation. A stream of the same name with another time is another stream.
    created_at TEXT NOT NULL DEFAULT '',
    -- The result of each annotation below this offset is recorded.
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
# How long a run waits for the transaction of another run.
_BUSY_SECONDS = 60.0


class Stream(NamedTuple):
    """A stream that this ledger has used."""

    id: int
    name: str
    created_at: str
    settled: int
    used_at: float


class Ledger:
    """The ledger at `path`, created if it does not exist."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Keeps the temporary tables on the same disk, because /tmp may be in memory.
        os.environ.setdefault("SQLITE_TMPDIR", str(path.parent))
        self.path = path
        self.sql = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        with self.transaction():
            version = self.sql.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise ValueError(
                    f"{path} was written by another version of reticle-ingest: set another folder with --state"
                )
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    self.sql.execute(statement)

    def close(self) -> None:
        """Closes the database."""
        self.sql.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Runs the block as one transaction, which excludes writes of other runs."""
        self.sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.sql.execute("ROLLBACK")
            raise
        self.sql.execute("COMMIT")

    def begin(self, name: str) -> Stream:
        """Returns the stream of this name, with no result recorded."""
        self.sql.execute("INSERT OR IGNORE INTO streams (name, used_at) VALUES (?, 0)", (name,))
        self.sql.execute("UPDATE streams SET settled = 0, used_at = ? WHERE name = ?", (time.time(), name))
        return self._streams("WHERE name = ?", name)[0]

    def opened(self, stream: Stream, created_at: str) -> None:
        """Records the time at which the server created the stream."""
        self.sql.execute("UPDATE streams SET created_at = ? WHERE stream = ?", (created_at, stream.id))

    def settle(self, stream: Stream, first: int, end: int, rejected: Mapping[int, object]) -> None:
        """Records the offsets from `first` up to `end` as stored, except for those in `rejected`."""
        at = {"stream": stream.id, "first": first, "end": end, "now": time.time()}
        self.sql.execute("CREATE TEMP TABLE IF NOT EXISTS bad (offset INTEGER PRIMARY KEY)")
        with self.transaction():
            moved = "UPDATE streams SET settled = :end, used_at = :now WHERE stream = :stream AND settled = :first"
            if self.sql.execute(moved, at).rowcount != 1:
                raise Fenced("another run sends the same rows and has taken over the stream")
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
        """Removes the annotations of the stream that were not sent and will not be."""
        self.sql.execute("DELETE FROM sending WHERE stream = ?", (stream.id,))

    def forget(self, stream: Stream) -> None:
        """Removes a stream that the server has lost, with the annotations that it stored."""
        with self.transaction():
            for table in ("stored", "sending", "streams"):
                self.sql.execute(f"DELETE FROM {table} WHERE stream = ?", (stream.id,))

    def unfinished(self) -> list[Stream]:
        """Returns the streams of other runs, killed or running, that are sending rows of this run's file."""
        return self._streams(
            "WHERE stream IN (SELECT stream FROM sending WHERE meaning IN (SELECT meaning FROM rows))"
        )

    def relied_on(self) -> list[Stream]:
        """Returns the streams that stored rows of this run's file."""
        return self._streams("WHERE stream IN (SELECT stream FROM stored JOIN rows USING (meaning, copy))")

    def _streams(self, where: str, *parameters: object) -> list[Stream]:
        columns = "stream, name, created_at, settled, used_at"
        return [
            Stream(*row) for row in self.sql.execute(f"SELECT {columns} FROM streams {where}", parameters)
        ]


def ledger_path(folder: Path, target: str, user: str, name: str) -> Path:
    """Returns the path of the ledger of a server, a user and a `--stream-id`."""
    digest = hashlib.sha256("\n".join((target.rstrip("/").lower(), user, name)).encode()).hexdigest()
    return folder / f"ingest-{digest[:32]}.sqlite"
