"""The rows of the file, read once and kept on disk: the annotation of each, which are stored, which are to be sent.

They are in temporary tables of the ledger's database, so that SQL can compare them with the ledger, memory is bounded,
and changes of the file during the run have no effect.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..new_annotation import NewAnnotation
from ..stubs import annotations_pb2 as pb
from .coco import Images
from .ledger import Ledger, Stream
from .rows import InvalidRow, to_annotation

_CHUNK = 1_000
_MEANING_BYTES = 16
_TABLES = """
-- All rows; `place` is the row's number in the file, from 0.
CREATE TEMP TABLE file (place INTEGER PRIMARY KEY, meaning BLOB, box BLOB, problem TEXT, row TEXT);
-- The rows that can be sent.
CREATE TEMP TABLE rows (place INTEGER PRIMARY KEY, meaning BLOB, copy INTEGER);
-- What this run sends next, by the offset in the stream.
CREATE TEMP TABLE plan (offset INTEGER PRIMARY KEY, place INTEGER, meaning BLOB, copy INTEGER, times INTEGER);
-- The rows that the server has rejected in this run.
CREATE TEMP TABLE rejections (place INTEGER PRIMARY KEY, reasons TEXT);
"""


class Rejection(NamedTuple):
    """A row that is not stored, and why."""

    place: int
    reasons: list[str]
    row: Any


class Spool:
    """The rows of one file."""

    def __init__(self, ledger: Ledger, *, keep_rows: bool) -> None:
        self._ledger, self._sql, self._keep_rows = ledger, ledger.sql, keep_rows
        self._sql.executescript(_TABLES)
        self.total = 0

    def load(self, rows: Iterable[Any], images: Images | None, model: str) -> None:
        """Reads all rows. An invalid file raises here, before anything is sent."""
        entries = (self._entry(place, row, images, model) for place, row in enumerate(rows))
        # Not the ledger's transaction, which takes the write lock: only temporary tables change.
        self._sql.execute("BEGIN")
        self._sql.executemany("INSERT INTO file VALUES (?, ?, ?, ?, ?)", entries)
        self._sql.execute("COMMIT")
        self.total = int(self._sql.execute("SELECT count(*) FROM file").fetchone()[0])
        self._sql.execute(
            "INSERT INTO rows SELECT place, meaning, row_number() OVER (PARTITION BY meaning ORDER BY place) "
            "FROM file WHERE meaning IS NOT NULL ORDER BY place"
        )
        self._sql.execute("CREATE UNIQUE INDEX temp.rows_by_meaning ON rows (meaning, copy)")

    def stored(self) -> int:
        """How many rows are stored."""
        return int(
            self._sql.execute("SELECT count(*) FROM rows JOIN stored USING (meaning, copy)").fetchone()[0]
        )

    def plan(self) -> int:
        """Plans to send the rows that are neither stored nor rejected in this run; returns how many."""
        self._sql.execute("DELETE FROM plan")
        self._sql.execute(
            "INSERT INTO plan "
            "SELECT row_number() OVER (ORDER BY place) - 1, place, meaning, copy, coalesce(times, 0) "
            "FROM rows LEFT JOIN stored USING (meaning, copy) LEFT JOIN rejected USING (meaning, copy) "
            "WHERE stream IS NULL AND place NOT IN (SELECT place FROM rejections) ORDER BY place"
        )
        return int(self._sql.execute("SELECT count(*) FROM plan").fetchone()[0])

    def identity(self) -> str:
        """Returns a digest of the plan: of its annotations, and of how often each was rejected."""
        digest = hashlib.sha256()
        for meaning, copy, times in self._sql.execute(
            "SELECT meaning, copy, times FROM plan ORDER BY offset"
        ):
            digest.update(b"%b %d %d\n" % (meaning, copy, times))
        return digest.hexdigest()[:32]

    def enter_plan(self, stream: Stream) -> None:
        """Records in the ledger that the plan is being sent."""
        entries = "SELECT ?, offset, meaning, copy FROM plan ORDER BY offset"
        self._sql.execute(f"INSERT OR REPLACE INTO sending {entries}", (stream.id,))

    def annotations(self) -> Iterator[NewAnnotation]:
        """Yields the annotations of the plan."""
        first = 0
        select = (
            "SELECT offset, box FROM plan JOIN file USING (place) WHERE offset >= ? ORDER BY offset LIMIT ?"
        )
        while chunk := self._sql.execute(select, (first, _CHUNK)).fetchall():
            yield from (
                NewAnnotation.from_proto(pb.NewAnnotation.FromString(message)) for _, message in chunk
            )
            first = chunk[-1][0] + 1

    def reject(self, offset: int, reasons: list[str]) -> None:
        """Records that the server has rejected the annotation at this offset of the plan."""
        self._sql.execute(
            "INSERT OR REPLACE INTO rejections SELECT place, ? FROM plan WHERE offset = ?",
            (json.dumps(reasons), offset),
        )

    def rejections(self) -> Iterator[Rejection]:
        """Yields the rows that this run could not store, in the order of the file."""
        found = self._sql.execute(
            "SELECT place, problem, reasons, row FROM file LEFT JOIN rejections USING (place) "
            "WHERE problem IS NOT NULL OR reasons IS NOT NULL ORDER BY place"
        )
        for place, problem, reasons, row in found:
            yield Rejection(
                place, [problem] if problem else json.loads(reasons), json.loads(row) if row else None
            )

    def _entry(self, place: int, row: Any, images: Images | None, model: str) -> tuple[Any, ...]:
        kept = json.dumps(row) if self._keep_rows else None
        try:
            annotation = to_annotation(row, images, model)
        except InvalidRow as invalid:
            return place, None, None, str(invalid), kept
        return place, _meaning(annotation), annotation.to_proto().SerializeToString(), None, kept


def _meaning(annotation: NewAnnotation) -> bytes:
    """Returns a digest of all fields of the annotation."""
    numbers = [
        None if number is None else float(number) + 0.0
        for number in (annotation.x, annotation.y, annotation.width, annotation.height, annotation.confidence)
    ]
    text = json.dumps([annotation.image_id, annotation.label, *numbers, annotation.model])
    return hashlib.blake2b(text.encode(), digest_size=_MEANING_BYTES).digest()
