"""When the next connection is made."""

from __future__ import annotations

import grpc
import pytest

from reticle_client import Unauthenticated, Unavailable
from reticle_client.attempts import Attempts
from reticle_client.failure import Failure

BROKEN = Failure(grpc.StatusCode.UNAVAILABLE, "broken")
REFUSED = Failure(grpc.StatusCode.UNAUTHENTICATED, "refused")


def test_pauses_double_up_to_a_limit_and_vary_by_half() -> None:
    longest = Attempts(patience=None, fresh_tokens=False, fraction=lambda: 1.0)
    pauses = [longest.delay_after(BROKEN) for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    longest.succeeded()
    assert longest.delay_after(BROKEN) == 0.1
    shortest = Attempts(patience=None, fresh_tokens=False, fraction=lambda: 0.0)
    assert shortest.delay_after(BROKEN) == 0.05


def test_a_pause_that_the_server_asks_for_comes_on_top() -> None:
    attempts = Attempts(patience=None, fresh_tokens=False, fraction=lambda: 1.0)
    assert attempts.delay_after(Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", retry_after=10.0)) == 10.1


def test_without_patience_the_first_failure_is_the_last() -> None:
    with pytest.raises(Unavailable, match="no answer for 0 s: broken \\(UNAVAILABLE\\)"):
        Attempts(patience=0, fresh_tokens=False).delay_after(BROKEN)


def test_a_fresh_token_is_tried_once_until_it_was_good() -> None:
    attempts = Attempts(patience=0, fresh_tokens=True)
    attempts.delay_after(REFUSED)
    with pytest.raises(Unauthenticated):
        attempts.delay_after(REFUSED)
    attempts.answered()
    attempts.delay_after(REFUSED)
    with pytest.raises(Unauthenticated):
        Attempts(patience=None, fresh_tokens=False).delay_after(REFUSED)
