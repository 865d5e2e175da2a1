"""When to reconnect, and when to give up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import grpc

from .errors import Unauthenticated, Unavailable, WrongServer
from .failure import Failure


class Attempts:
    """Exponential backoff with jitter, so that many clients do not reconnect at the same time.

    `max_wait` is how many seconds failures may go on before `Unavailable` is raised; `None` is without limit.
    `fresh_tokens` says that the token comes from a function, so that a rejected one is replaced once.
    """

    FIRST_PAUSE = 0.1
    LONGEST_PAUSE = 10.0

    def __init__(
        self, *, max_wait: float | None, fresh_tokens: bool, fraction: Callable[[], float] = random.random
    ) -> None:
        self._max_wait, self._fresh_tokens, self._fraction = max_wait, fresh_tokens, fraction
        self._next_pause = self.FIRST_PAUSE
        self._failing_since: float | None = None
        self._token_rejected = False
        self._ever_responded = False
        # Whether the present connection has succeeded.
        self._succeeded = False

    def responded(self) -> None:
        """Records a response of the server: the target is right, and the token is valid."""
        self._token_rejected = False
        self._ever_responded = True

    def succeeded(self) -> None:
        """Records success: resets the backoff, and `max_wait` starts at the next failure."""
        self._next_pause = self.FIRST_PAUSE
        self._failing_since = None
        self._succeeded = True

    def delay_after(self, failure: Failure) -> float:
        """Returns the seconds to wait before the next attempt; raises an error if there is to be none."""
        error = failure.error()
        # A target that responded once is the right server, even if a proxy responds in its place now.
        if failure.wrong_server and not self._ever_responded:
            error = WrongServer(failure.message)
        # The token may have expired after its function returned it.
        fresh_token = isinstance(error, Unauthenticated) and self._fresh_tokens and not self._token_rejected
        self._token_rejected |= fresh_token
        if error is not None and not fresh_token:
            raise error
        # The server ends a long call without an error. If the call has succeeded before, its end is no failure.
        is_clean_end = failure.code is grpc.StatusCode.OK and self._succeeded
        self._succeeded = False
        if not is_clean_end and self._is_over() and not fresh_token:
            raise Unavailable(f"gave up after {self._max_wait:g} s: {failure}")
        pause = self._next_pause * (1 + self._fraction()) / 2
        self._next_pause = min(self._next_pause * 2, self.LONGEST_PAUSE)
        return failure.retry_after + pause

    def _is_over(self) -> bool:
        """Records a failure, and returns whether failures have gone on for `max_wait`."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        return self._max_wait is not None and now - self._failing_since >= self._max_wait
