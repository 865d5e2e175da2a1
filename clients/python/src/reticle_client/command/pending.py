"""The rows of a file that are under way, and the report of those that are refused."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TextIO


class _Row(NamedTuple):
    offset: int
    row: Any
    # Why it is no box; then the server refuses what stands in its place.
    problem: str | None


class Pending:
    """Keeps each row until its place in the stream is durable, and reports it then if it was refused."""

    def __init__(self, say: Callable[[str], None], out: TextIO | None) -> None:
        self._say, self._out = say, out
        self._rows: deque[_Row] = deque()
        self._reasons: dict[int, list[str]] = {}
        self.refused = 0

    def add(self, offset: int, row: Any, problem: str | None) -> None:
        """A row is about to be sent."""
        self._rows.append(_Row(offset, row, problem))

    def refuse(self, offset: int, field: str, reason: str) -> None:
        """The server says which rule a row breaks. Comes from another thread, ahead of `settle`."""
        self._reasons.setdefault(offset, []).append(f"{field} {reason}")

    def settle(self, durable: int) -> None:
        """Every place below `durable` is decided."""
        while self._rows and self._rows[0].offset < durable:
            row = self._rows.popleft()
            reasons = self._reasons.pop(row.offset, [])
            if row.problem is not None:
                reasons = [row.problem]
            if reasons:
                self._report(row, reasons)

    def _report(self, row: _Row, reasons: list[str]) -> None:
        self.refused += 1
        if self._out is None:
            self._say(f"row {row.offset}: {'; '.join(reasons)}")
            return
        line = {"offset": row.offset, "reasons": reasons, "row": row.row}
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()
