"""How far an ingest has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

_BAR = 24
_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 5.0


class Progress:
    """Tells `out` what is durable, and how fast that grows."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bar = out.isatty()
        self._known = self._durable = self._total = 0
        self._began = self._next = time.monotonic()

    def begin(self, known: int, total: int) -> None:
        """Counts from now: of `total` rows `known` are durable already."""
        self._known, self._durable, self._total = known, known, total
        self._began = time.monotonic()
        self._next = self._began + (0 if self._bar else _LINE_SECONDS)

    def show(self, durable: int) -> None:
        """Says how far it has come, unless it was said a moment ago."""
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

    def say_how_far(self) -> None:
        """Prints how far it has come by now."""
        if self._total:
            self.say(f"{self._durable:,} of {self._total:,} rows durable")

    def say(self, text: str) -> None:
        """Prints a line of its own."""
        clear = "\r\x1b[K" if self._bar else ""
        self._out.write(f"{clear}{text}\n")
        self._out.flush()
