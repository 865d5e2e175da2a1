"""The progress of an ingest: a bar on a terminal, and a line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

_BAR = 24
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0


class Progress:
    """Writes to `out` how many rows are durable, and the rate."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bar = out.isatty()
        self._known = self._durable = self._total = 0
        self._began = self._next = time.monotonic()

    def begin(self, known: int, total: int) -> None:
        """Starts the clock: of `total` rows, `known` are already durable."""
        self._known, self._durable, self._total = known, known, total
        self._began = time.monotonic()
        self._next = self._began + (0 if self._bar else _LINE_SECONDS)

    def show(self, durable: int) -> None:
        """Shows how many rows are durable, unless the last output is too recent."""
        self._durable = durable
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (_REDRAW_SECONDS if self._bar else _LINE_SECONDS)
        rate = (durable - self._known) / max(now - self._began, 1e-3)
        text = f"{durable:,} of {self._total:,} rows durable, {rate:,.0f}/s"
        if self._bar:
            marks = "#" * (durable * _BAR // self._total)
            text = f"\r\x1b[K[{marks:<{_BAR}}] {text}"
        else:
            text += "\n"
        self._out.write(text)
        self._out.flush()

    def print_durable(self) -> None:
        """Prints how many rows are durable."""
        if self._total:
            self.print(f"{self._durable:,} of {self._total:,} rows durable")

    def print(self, text: str) -> None:
        """Prints a line."""
        clear = "\r\x1b[K" if self._bar else ""
        self._out.write(f"{clear}{text}\n")
        self._out.flush()
