"""When a client reconnects, and when it gives up."""

from __future__ import annotations

import grpc
import pytest

from reticle_client import Unauthenticated, Unavailable
from reticle_client.attempts import Attempts
from reticle_client.failure import Failure

BROKEN = Failure(grpc.StatusCode.UNAVAILABLE, "broken")
CLEAN_END = Failure(grpc.StatusCode.OK, "the server has ended the call")
REJECTED = Failure(grpc.StatusCode.UNAUTHENTICATED, "rejected")


def test_pauses_double_up_to_a_limit_with_jitter_of_one_half() -> None:
    longest = Attempts(max_wait=None, fresh_tokens=False, fraction=lambda: 1.0)
    pauses = [longest.delay_after(BROKEN) for _ in range(9)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    longest.succeeded()
    assert longest.delay_after(BROKEN) == 0.1
    shortest = Attempts(max_wait=None, fresh_tokens=False, fraction=lambda: 0.0)
    assert shortest.delay_after(BROKEN) == 0.05


def test_the_server_s_retry_delay_is_added_to_the_pause() -> None:
    attempts = Attempts(max_wait=None, fresh_tokens=False, fraction=lambda: 1.0)
    assert attempts.delay_after(Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", retry_after=10.0)) == 10.1


def test_with_a_max_wait_of_0_the_first_failure_is_raised() -> None:
    with pytest.raises(Unavailable, match="gave up after 0 s: broken \\(UNAVAILABLE\\)"):
        Attempts(max_wait=0, fresh_tokens=False).delay_after(BROKEN)


def test_the_clean_end_of_a_call_that_has_succeeded_is_no_failure() -> None:
    attempts = Attempts(max_wait=0, fresh_tokens=False)
    attempts.succeeded()
    assert attempts.delay_after(CLEAN_END) > 0
    with pytest.raises(Unavailable, match="the server has ended the call"):
        attempts.delay_after(CLEAN_END)
    attempts.succeeded()
    with pytest.raises(Unavailable):
        attempts.delay_after(BROKEN)


def test_a_rejected_token_is_replaced_once_until_the_server_responds() -> None:
    attempts = Attempts(max_wait=0, fresh_tokens=True)
    attempts.delay_after(REJECTED)
    with pytest.raises(Unauthenticated):
        attempts.delay_after(REJECTED)
    attempts.responded()
    attempts.delay_after(REJECTED)
    with pytest.raises(Unauthenticated):
        Attempts(max_wait=None, fresh_tokens=False).delay_after(REJECTED)
