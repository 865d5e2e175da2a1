"""One stream's part in a run: annotations are sent, and the ledger learns what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from ..box import Box
from ..ingest import IngestSession
from .calls import Server
from .ledger import Ledger, Stream

# The ledger learns of so many durable places, or of those of so many seconds, at once.
_SETTLE_PLACES = 5_000
_SETTLE_SECONDS = 1.0
_SHOW_SECONDS = 0.2

Rejected = Callable[[int, list[str]], None]


class Transfer:
    """A session in `stream`, from the first place of which the ledger does not know what became of it."""

    def __init__(self, server: Server, ledger: Ledger, stream: Stream) -> None:
        self._ledger, self._stream = ledger, stream
        self._settled, self._settle_at = stream.settled, time.monotonic() + _SETTLE_SECONDS
        # How many were stored that had not been sent before.
        self.stored_now = 0
        # What the session reports, ahead of `durable_offset`, and from a thread of its own.
        self._reasons: dict[int, list[str]] = {}
        self._session = IngestSession(
            server.target,
            server.token,
            stream.name,
            on_invalid=self._on_invalid,
            first_offset=stream.settled,
            patience=server.patience,
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
        """How many places the stream had before."""
        return self._session.opened_at

    @property
    def durable_offset(self) -> int:
        """It is known what became of each place below."""
        return self._session.durable_offset

    def send(
        self,
        boxes: Iterable[Box],
        show: Callable[[], None] = lambda: None,
        rejected: Rejected = lambda *_: None,
    ) -> None:
        """Sends all `boxes`, and returns when the ledger knows what became of them.

        `rejected` is told those that were sent for the first time, and their reasons.
        """
        try:
            for box in boxes:
                self._session.send(box)
                self._settle(rejected)
                show()
            while not self._flushed():
                show()
        finally:
            self._settle(rejected, at_once=True)

    def _settle(self, rejected: Rejected, *, at_once: bool = False) -> None:
        durable, now = self._session.durable_offset, time.monotonic()
        due = at_once or durable - self._settled >= _SETTLE_PLACES or now >= self._settle_at
        if not due or durable == self._settled:
            return
        reasons = {offset: self._reasons.pop(offset) for offset in sorted(self._reasons) if offset < durable}
        self._ledger.settle(self._stream, self._settled, durable, reasons)
        fresh = {offset: why for offset, why in reasons.items() if offset >= self.opened_at}
        for offset, why in fresh.items():
            rejected(offset, why)
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
