"""What goes wrong meanwhile, at moments that vary and are the same in each run."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from itertools import count, takewhile

KILLS = 12


def disturbed(disturb: Callable[[], object]) -> Iterator[int]:
    """Counts up from 0 while another thread disturbs `KILLS` times, at moments that vary."""

    def run() -> None:
        for pause in moments():
            # Not waiting for anything: the moment is what is varied.
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
