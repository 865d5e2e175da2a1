"""Sends annotations into one stream, and records the result of each in the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from ..ingest import IngestSession
from ..new_annotation import NewAnnotation
from .calls import Server
from .ledger import Ledger, Stream

# Results are recorded after this many annotations, or after this many seconds.
_SETTLE_COUNT = 5_000
_SETTLE_SECONDS = 1.0
_SHOW_SECONDS = 0.2

OnRejected = Callable[[int, list[str]], None]


class Transfer:
    """A session in `stream`, from the first offset whose result is not in the ledger."""

    def __init__(self, server: Server, ledger: Ledger, stream: Stream) -> None:
        self._ledger, self._stream = ledger, stream
        self._settled, self._settle_at = stream.settled, time.monotonic() + _SETTLE_SECONDS
        # How many annotations this run stored.
        self.stored_now = 0
        # Reports of the session, from its own thread, before `durable_offset` passes them.
        self._reasons: dict[int, list[str]] = {}
        self._session = IngestSession(
            server.target,
            server.token,
            stream.name,
            on_invalid=self._on_invalid,
            first_offset=stream.settled,
            max_wait=server.max_wait,
            root_certificates=server.root_certificates,
        )

    def __enter__(self) -> Transfer:
        self._session.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    @property
    def opened_at(self) -> int:
        """The end of the stream when the session opened it."""
        return self._session.opened_at

    @property
    def durable_offset(self) -> int:
        """The result of each annotation below this offset is known."""
        return self._session.durable_offset

    def send(
        self,
        annotations: Iterable[NewAnnotation],
        show: Callable[[], None] = lambda: None,
        on_rejected: OnRejected = lambda *_: None,
    ) -> None:
        """Sends `annotations`, and returns when their results are in the ledger.

        Calls `on_rejected` for each rejected one that was sent for the first time, with the reasons.
        """
        try:
            for annotation in annotations:
                self._session.send(annotation)
                self._settle(on_rejected)
                show()
            while not self._flushed():
                show()
        finally:
            self._settle(on_rejected, at_once=True)

    def _settle(self, on_rejected: OnRejected, *, at_once: bool = False) -> None:
        durable, now = self._session.durable_offset, time.monotonic()
        due = at_once or durable - self._settled >= _SETTLE_COUNT or now >= self._settle_at
        if not due or durable == self._settled:
            return
        reasons = {offset: self._reasons.pop(offset) for offset in sorted(self._reasons) if offset < durable}
        self._ledger.settle(self._stream, self._settled, durable, reasons)
        fresh = {offset: why for offset, why in reasons.items() if offset >= self.opened_at}
        for offset, why in fresh.items():
            on_rejected(offset, why)
        self.stored_now += max(0, durable - max(self._settled, self.opened_at)) - len(fresh)
        self._settled, self._settle_at = durable, now + _SETTLE_SECONDS

    def _on_invalid(self, offset: int, field: str, reason: str) -> None:
        reasons = self._reasons.setdefault(offset, [])
        if (text := f"{field} {reason}") not in reasons:
            reasons.append(text)

    def _flushed(self) -> bool:
        try:
            self._session.flush(_SHOW_SECONDS)
        except TimeoutError:
            return False
        return True
