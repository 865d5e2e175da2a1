"""Tokens that expire while a session or a watch uses them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import pytest
from server import Server, mint, new_annotations

from reticle_client import Current, IngestSession, Unauthenticated, watch


@dataclass
class User:
    """A user, and how often the token function was called."""

    name: str = field(default_factory=lambda: f"user-{uuid.uuid4().hex}")
    tokens: int = 0

    def token(self) -> str:
        """Returns a token that the server accepts for 3 to 4 s: it allows 10 s of clock difference.

        On a busy machine, it may take seconds to open a call.
        """
        self.tokens += 1
        return mint(self.name, ttl=-6)


def test_a_session_asks_for_a_new_token_and_loses_nothing(shared_server: Server) -> None:
    user = User()
    image_id = shared_server.new_image(mint(user.name))
    with IngestSession(shared_server.target, user.token, "run-1") as session:
        while user.tokens < 3:
            session.send(new_annotations(image_id, range(session.next_offset, session.next_offset + 10)))
            session.flush()
    labels = shared_server.labels(mint(user.name), image_id)
    assert labels == [str(offset) for offset in range(session.durable_offset)]


def test_a_session_whose_token_expires_ends_and_reports_what_is_stored(shared_server: Server) -> None:
    user = User()
    image_id = shared_server.new_image(mint(user.name))
    session = IngestSession(shared_server.target, user.token(), "run-1")
    with pytest.raises(Unauthenticated, match="The token has expired") as expired, session:
        while True:
            session.send(new_annotations(image_id, range(session.next_offset, session.next_offset + 10)))
            session.flush()
    stored = shared_server.labels(mint(user.name), image_id)
    assert stored == [str(offset) for offset in range(expired.value.next_offset)]
    unstored = enumerate(expired.value.unstored, expired.value.next_offset)
    assert all(annotation.label == str(offset) for offset, annotation in unstored)


def test_a_watch_asks_for_a_new_token_and_resumes(shared_server: Server) -> None:
    user = User()
    image_id = shared_server.new_image(mint(user.name))
    with watch(shared_server.target, user.token, image_id) as events:
        assert [next(events), next(events)] == [Current(), Current()]
    assert user.tokens >= 2


def test_a_watch_whose_token_expires_ends(shared_server: Server) -> None:
    user = User()
    image_id = shared_server.new_image(mint(user.name))
    events = watch(shared_server.target, user.token(), image_id)
    assert next(events) == Current()
    with pytest.raises(Unauthenticated, match="The token has expired"):
        next(events)
