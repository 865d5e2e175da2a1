"""Sessions against a real server: what is stored, and what is reported."""

from __future__ import annotations

import threading
from dataclasses import fields

import pytest
from conftest import World
from server import mint, new_annotations

from reticle_client import (
    Fenced,
    IngestSession,
    InvalidArgument,
    NewAnnotation,
    NothingSent,
    PermissionDenied,
    Rewound,
    Unauthenticated,
    Unavailable,
)


def test_annotations_are_stored_in_order_with_all_their_fields(world: World) -> None:
    sent = [
        NewAnnotation(world.image_id, "car", 0.1, 0.2, 0.3, 0.4, 0.9, "yolo 11"),
        NewAnnotation(world.image_id, "bus", 0, 0, 1, 1),
    ]
    with IngestSession(world.target, world.token, "run-1") as session:
        session.send(sent[0])
        session.send(sent[1:])
    stored = world.server.annotations(world.token, world.image_id)
    names = [field.name for field in fields(NewAnnotation)]
    assert [
        NewAnnotation(**{name: annotation[name] for name in names if name in annotation})
        for annotation in stored
    ] == sent


def test_a_restarted_producer_resumes_at_next_offset(world: World) -> None:
    with IngestSession(world.target, world.token, "run-1") as session:
        assert session.next_offset == 0
        session.send(new_annotations(world.image_id, range(10)))
        assert session.next_offset == 10
    assert session.durable_offset == 10
    with IngestSession(world.target, world.token, "run-1") as session:
        session.send(new_annotations(world.image_id, range(session.next_offset, 15)))
    assert world.labels() == [str(offset) for offset in range(15)]


def test_a_session_that_sends_nothing_into_a_stream_with_annotations_warns(world: World) -> None:
    with IngestSession(world.target, world.token, "run-1") as session:
        assert session.opened_at == 0
    with IngestSession(world.target, world.token, "run-1") as session:
        session.send(new_annotations(world.image_id, range(2)))
    with (
        pytest.warns(NothingSent, match="stream 'run-1' has 2 annotations of earlier sessions") as warned,
        IngestSession(world.target, world.token, "run-1") as session,
    ):
        session.send(new_annotations(world.image_id, range(2))[session.next_offset :])
    assert warned[0].filename == __file__
    with IngestSession(world.target, world.token, "run-1") as session:
        session.send(new_annotations(world.image_id, range(2, 3)))
    with pytest.raises(KeyError), IngestSession(world.target, world.token, "run-1"):
        raise KeyError


def test_resent_annotations_are_not_stored_again_and_invalid_ones_are_reported_again(world: World) -> None:
    reported: list[tuple[int, str]] = []
    sent = [*new_annotations(world.image_id, range(7)), NewAnnotation(world.image_id, "", 0, 0, 1, 1)]
    for first, end in ((None, 8), (0, 8), (3, 8)):
        with IngestSession(
            world.target,
            world.token,
            "run-1",
            first_offset=first,
            batch_size=2,
            on_invalid=lambda offset, field, _: reported.append((offset, field)),
        ) as session:
            assert (session.next_offset, session.opened_at) == (first or 0, 0 if first is None else end)
            session.send(sent[first or 0 :])
        assert session.durable_offset == end
    assert reported == [(7, "label")] * 3
    assert world.labels() == [str(offset) for offset in range(7)]
    with IngestSession(world.target, world.token, "run-1", first_offset=6, on_invalid=print) as session:
        session.send([*sent[6:], *new_annotations(world.image_id, range(8, 20))])
    assert len(world.labels()) == 19
    with pytest.raises(Rewound), IngestSession(world.target, world.token, "run-1", first_offset=21):
        pass


def test_flush_returns_when_everything_is_durable(world: World) -> None:
    with IngestSession(world.target, world.token, "run-1", max_delay=3600) as session:
        session.send(new_annotations(world.image_id, range(2500)))
        session.flush()
        assert len(world.labels()) == session.durable_offset == 2500
        assert session.unacknowledged == 0


def test_a_single_annotation_is_sent_after_max_delay(world: World) -> None:
    reported = threading.Event()
    with IngestSession(world.target, world.token, "run-1", on_invalid=lambda *_: reported.set()) as session:
        session.send(NewAnnotation(world.image_id, "", 0, 0, 1, 1))
        assert reported.wait(30)


def test_an_exception_in_the_block_ends_the_session_without_waiting(fragile: World) -> None:
    with pytest.raises(KeyError), IngestSession(fragile.target, fragile.token, "run-1") as session:
        fragile.server.freeze()
        session.send(new_annotations(fragile.image_id, range(10)))
        raise KeyError
    assert session.unacknowledged == 10
    fragile.server.thaw()


def test_threads_share_a_session(world: World) -> None:
    with IngestSession(world.target, world.token, "run-1", batch_size=7, max_unacknowledged=50) as session:
        senders = [
            threading.Thread(
                target=session.send, args=[new_annotations(world.image_id, range(first, first + 100))]
            )
            for first in range(0, 1000, 100)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    labels = [int(label) for label in world.labels()]
    assert sorted(labels) == list(range(1000))
    # The annotations of one call have consecutive offsets.
    assert all(
        labels[first : first + 100] == sorted(labels[first : first + 100]) for first in range(0, 1000, 100)
    )


def test_invalid_annotations_are_reported_and_the_others_are_stored(world: World) -> None:
    reported: list[tuple[int, str, str]] = []
    good = new_annotations(world.image_id, range(3))
    bad = NewAnnotation(world.image_id, "x", 0.5, 0.5, 0.6, float("nan"), confidence=2)
    with IngestSession(
        world.target, world.token, "run-1", on_invalid=lambda *report: reported.append(report)
    ) as session:
        session.send([good[0], bad, good[1], NewAnnotation("0" * 32, "x", 0, 0, 1, 1), good[2]])
    assert world.labels() == ["0", "1", "2"]
    violations = [(offset, field) for offset, field, _ in reported]
    assert sorted(violations) == [(1, "confidence"), (1, "height"), (1, "width"), (3, "image_id")]
    assert reported[-1] == (3, "image_id", "must be an image that exists")


def test_without_a_callback_invalid_annotations_are_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with IngestSession(world.target, world.token, "run-1") as session:
        session.send(NewAnnotation(world.image_id, "", 0, 0, 1, 1))
    assert caplog.messages == ["annotation 0 was not stored: label must be 1 to 100 characters"]


def test_an_exception_of_the_callback_ends_the_session(world: World) -> None:
    def reject(*_: object) -> None:
        raise LookupError("invalid annotations are an error here")

    with (
        pytest.raises(LookupError),
        IngestSession(world.target, world.token, "run-1", on_invalid=reject) as session,
    ):
        session.send(NewAnnotation(world.image_id, "", 0, 0, 1, 1))


def test_a_second_producer_fences_the_first(world: World) -> None:
    lost = new_annotations(world.image_id, range(90, 94))
    with pytest.raises(Fenced) as fenced, IngestSession(world.target, world.token, "run-1") as first:
        first.send(new_annotations(world.image_id, range(3)))
        first.flush()
        with IngestSession(world.target, world.token, "run-1") as second:
            second.send(new_annotations(world.image_id, range(3, 6)))
        first.send(lost)
    assert (fenced.value.unstored, fenced.value.next_offset) == (lost, 3)
    assert world.labels() == [str(offset) for offset in range(6)]


def test_send_after_the_session_has_failed_raises_with_all_unstored_annotations(world: World) -> None:
    lost = new_annotations(world.image_id, range(90, 94))
    with pytest.raises(Fenced) as fenced, IngestSession(world.target, world.token, "run-1") as first:
        with IngestSession(world.target, world.token, "run-1"):
            pass
        first.send(lost[:2])
        with pytest.raises(Fenced):
            first.flush()
        first.send(lost[2:])
    assert (fenced.value.unstored, fenced.value.next_offset) == (lost, 0)


def test_an_invalid_token_is_rejected(world: World) -> None:
    with pytest.raises(Unauthenticated), IngestSession(world.target, "nonsense", "run-1"):
        pass


def test_an_expired_token_is_replaced(world: World) -> None:
    tokens = iter([mint("a user", ttl=-3600), world.token])
    with IngestSession(world.target, lambda: next(tokens), "run-1") as session:
        session.send(new_annotations(world.image_id, range(3)))
    assert len(world.labels()) == 3
    with pytest.raises(Unauthenticated), IngestSession(world.target, lambda: "nonsense", "run-1"):
        pass


def test_a_token_without_the_scope_is_rejected(world: World) -> None:
    with (
        pytest.raises(PermissionDenied),
        IngestSession(world.target, mint("r", scope="annotations:read"), "run-1"),
    ):
        pass


def test_invalid_arguments_are_rejected(world: World) -> None:
    with pytest.raises(InvalidArgument, match="stream_id"), IngestSession(world.target, world.token, "a/b"):
        pass
    for target in ("127.0.0.1:50052", "http://", "ftp://host", "http://host/path", "http://user@host"):
        with pytest.raises(ValueError, match="target"):
            IngestSession(target, world.token, "run-1")
    for wrong in ({"batch_size": 0}, {"batch_size": 5001}, {"max_unacknowledged": 0}, {"first_offset": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            IngestSession(world.target, world.token, "run-1", **wrong)  # type: ignore[arg-type]


def test_an_unavailable_server_raises_after_max_wait(fragile: World) -> None:
    sent = new_annotations(fragile.image_id, range(5))
    session = IngestSession(fragile.target, fragile.token, "run-1", max_wait=0.5)
    with pytest.raises(Unavailable) as unavailable, session:
        fragile.server.kill()
        session.send(sent)
    assert unavailable.value.unstored == sent
    with pytest.raises(Unavailable), IngestSession(fragile.target, fragile.token, "run-1", max_wait=0):
        pass
