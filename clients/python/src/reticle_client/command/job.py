"""The ingest of one file: what is not stored is sent, and what becomes of it is written into the ledger.

A run asks first what became of annotations that an earlier run had on their way. Then it plans what is left, writes
the plan into the ledger, and sends it in a stream that is named after the plan. So a plan that is carried out twice, by
two runs at once or on two machines, stores nothing twice: the second run finds the stream, and learns what of it is
stored.
"""

from __future__ import annotations

import time
from datetime import timezone
from itertools import repeat

from ..box import Box
from ..stubs import annotations_pb2 as pb
from .calls import Server
from .ledger import Ledger, Stream
from .progress import Progress
from .spool import Spool
from .transfer import Transfer

# The server may forget a stream that was not used for 30 days; what it stored stays.
_KEPT_SECONDS = 29 * 24 * 3600
# Stands for an annotation that is not at hand when the server is asked what became of it: the place is what counts.
_NO_BOX = Box(image_id="", label="", x=0.0, y=0.0, width=0.0, height=0.0)


class Job:
    """Stores the rows of `spool`, by streams whose names begin with `prefix`."""

    def __init__(self, server: Server, prefix: str, ledger: Ledger, spool: Spool, progress: Progress) -> None:
        self._server, self._prefix = server, prefix
        self._ledger, self._spool, self._progress = ledger, spool, progress
        self.stored_now = 0

    def run(self) -> None:
        """Returns when each row is stored or rejected."""
        for used in {*self._ledger.relied_on(), *self._ledger.unfinished()}:
            if _is_lost(used, self._server.stream(used.name)):
                self._progress.say(f"the server has lost what {used.name} stored; it is stored again")
                self._ledger.forget(used)
        self._progress.begin(self._spool.stored(), self._spool.total)
        while (stream := self._next()) is not None:
            self._send(stream)

    def _next(self) -> Stream | None:
        """A stream for what is left, written into the ledger; nothing if nothing is left."""
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
            self._note_making(stream)

            def show() -> None:
                self._progress.show(stored + transfer.durable_offset)

            transfer.send(self._spool.boxes(), show, self._spool.reject)
            self.stored_now += transfer.stored_now

    def _close(self, stream: Stream) -> None:
        """Learns what became of annotations on their way. Their run, if it still runs, can send no more of them."""
        with Transfer(self._server, self._ledger, stream) as transfer:
            self._note_making(stream)
            transfer.send(repeat(_NO_BOX, transfer.opened_at - stream.settled))
        self._ledger.drop_rest(stream)

    def _note_making(self, stream: Stream) -> None:
        if (found := self._server.stream(stream.name)) is not None:
            self._ledger.opened(stream, _created_at(found))


def _is_lost(stream: Stream, found: pb.IngestStream | None) -> bool:
    """Whether the server's data is older than what it acknowledged, as after it was restored from a backup."""
    if found is None:
        return stream.settled > 0 and time.time() - stream.used_at < _KEPT_SECONDS
    return found.next_offset < stream.settled or stream.created_at not in ("", _created_at(found))


def _created_at(stream: pb.IngestStream) -> str:
    return stream.created_at.ToDatetime(timezone.utc).isoformat()
