"""Ingests one file: sends the annotations that are not stored, and records their results in the ledger.

A run first asks the server for the results of annotations that an earlier run sent without recording them. Then it
plans what is left to send, writes the plan into the ledger, and sends it in a stream whose name is a digest of the
plan. So two runs of the same plan, at once or on two machines, store nothing twice: the second one finds the stream and
reads which of it is stored.
"""

from __future__ import annotations

import time
from datetime import timezone
from itertools import repeat

from ..new_annotation import NewAnnotation
from ..stubs import annotations_pb2 as pb
from .calls import Server
from .ledger import Ledger, Stream
from .progress import Progress
from .spool import Spool
from .transfer import Transfer

# The server may remove a stream that was not used for 30 days; its annotations stay.
_KEPT_SECONDS = 29 * 24 * 3600
# Sent instead of an annotation that the file may no longer have, to read its result: only the offset matters, because
# the server stores no offset again.
_PLACEHOLDER = NewAnnotation(image_id="", label="", x=0.0, y=0.0, width=0.0, height=0.0)


class Job:
    """Stores the rows of `spool`, by streams whose names begin with `prefix`."""

    def __init__(self, server: Server, prefix: str, ledger: Ledger, spool: Spool, progress: Progress) -> None:
        self._server, self._prefix = server, prefix
        self._ledger, self._spool, self._progress = ledger, spool, progress
        self.stored_now = 0

    def run(self) -> None:
        """Runs until each row is stored or rejected."""
        for used in {*self._ledger.relied_on(), *self._ledger.unfinished()}:
            if _is_lost(used, self._server.stream(used.name)):
                self._progress.print(
                    f"the server has lost the annotations of stream {used.name}; this run stores them again"
                )
                self._ledger.forget(used)
        self._progress.begin(self._spool.stored(), self._spool.total)
        while (stream := self._next()) is not None:
            self._send(stream)

    def _next(self) -> Stream | None:
        """Returns a stream for the rows that are left, recorded in the ledger; `None` if none is left."""
        while True:
            with self._ledger.transaction():
                unfinished = self._ledger.unfinished()
                if not unfinished:
                    if self._spool.plan() == 0:
                        return None
                    stream = self._ledger.begin(f"{self._prefix}-{self._spool.identity()}")
                    self._spool.enter_plan(stream)
                    return stream
            for stream in unfinished:
                self._close(stream)

    def _send(self, stream: Stream) -> None:
        stored = self._spool.stored()
        with Transfer(self._server, self._ledger, stream) as transfer:
            self._record_created_at(stream)

            def show() -> None:
                self._progress.show(stored + transfer.durable_offset)

            transfer.send(self._spool.annotations(), show, self._spool.reject)
            self.stored_now += transfer.stored_now

    def _close(self, stream: Stream) -> None:
        """Records the results of an unfinished stream. Opening it fences its run, if that still runs."""
        with Transfer(self._server, self._ledger, stream) as transfer:
            self._record_created_at(stream)
            transfer.send(repeat(_PLACEHOLDER, transfer.opened_at - stream.settled))
        self._ledger.drop_rest(stream)

    def _record_created_at(self, stream: Stream) -> None:
        if (found := self._server.stream(stream.name)) is not None:
            self._ledger.opened(stream, _created_at(found))


def _is_lost(stream: Stream, found: pb.IngestStream | None) -> bool:
    """Whether the server has lost annotations that it acknowledged, as after a restore from a backup."""
    if found is None:
        return stream.settled > 0 and time.time() - stream.used_at < _KEPT_SECONDS
    return found.next_offset < stream.settled or stream.created_at not in ("", _created_at(found))


def _created_at(stream: pb.IngestStream) -> str:
    return stream.created_at.ToDatetime(timezone.utc).isoformat()
