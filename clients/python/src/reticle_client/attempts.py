"""One connection after another: when to make the next, and when to give up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from .errors import Unauthenticated, Unavailable, WrongServer
from .failure import Failure


class Attempts:
    """Pauses that double with every failure in a row, of a random length, so that many clients do not come at once."""

    FIRST_PAUSE = 0.1
    LONGEST_PAUSE = 10.0

    def __init__(
        self, *, patience: float | None, fresh_tokens: bool, fraction: Callable[[], float] = random.random
    ) -> None:
        self._patience, self._fresh_tokens, self._fraction = patience, fresh_tokens, fraction
        self._next_pause = self.FIRST_PAUSE
        self._failing_since: float | None = None
        self._token_refused = False
        self._ever_answered = False

    def answered(self) -> None:
        """The server has answered: it is the right one, and the token is good."""
        self._token_refused = False
        self._ever_answered = True

    def succeeded(self) -> None:
        """The server has done what it was asked for: a failure that comes now is the first."""
        self._next_pause = self.FIRST_PAUSE
        self._failing_since = None

    def delay_after(self, failure: Failure) -> float:
        """The seconds to wait before the next attempt; raises what ends them."""
        error = failure.error()
        # What answered once is the right server, whatever stands in for it now.
        if failure.wrong_server and not self._ever_answered:
            error = WrongServer(failure.message)
        # A token may have expired since it was asked for.
        fresh_token = isinstance(error, Unauthenticated) and self._fresh_tokens and not self._token_refused
        self._token_refused |= fresh_token
        if error is not None and not fresh_token:
            raise error
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if self._patience is not None and now - self._failing_since >= self._patience and not fresh_token:
            raise Unavailable(f"no answer for {self._patience:g} s: {failure}")
        pause = self._next_pause * (1 + self._fraction()) / 2
        self._next_pause = min(self._next_pause * 2, self.LONGEST_PAUSE)
        return failure.retry_after + pause
