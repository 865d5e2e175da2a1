"""Faults during a test, at times that vary and are the same in each run."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from itertools import count, takewhile

KILLS = 12


def disturbed(disturb: Callable[[], object]) -> Iterator[int]:
    """Counts up from 0 while another thread calls `disturb` `KILLS` times, at varying times."""

    def run() -> None:
        for pause in moments():
            # This waits for no condition: the time of the fault is what varies.
            threading.Event().wait(pause)
            disturb()

    thread = threading.Thread(target=run)
    thread.start()
    yield from takewhile(lambda _: thread.is_alive(), count())
    thread.join()


def moments() -> Iterator[float]:
    """Pauses between 10 and 150 ms."""
    source = random.Random(5)
    return (source.uniform(0.01, 0.15) for _ in range(KILLS))
