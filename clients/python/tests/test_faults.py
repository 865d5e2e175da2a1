"""Faults that a healthy server seldom has, injected: sessions recover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from server import new_annotations

from reticle_client import IngestSession, InvalidArgument
from reticle_client.attempts import Attempts
from reticle_client.stubs import annotations_pb2 as pb
from reticle_client.stubs.annotations_pb2_grpc import (
    AnnotationsServiceServicer,
    add_AnnotationsServiceServicer_to_server,
)
from reticle_client.stubs.error_details_pb2 import ErrorInfo, RetryInfo
from reticle_client.stubs.status_pb2 import Status

Requests = Iterator[pb.IngestAnnotationsRequest]
Responses = Iterator[pb.IngestAnnotationsResponse]
Call = Callable[[Requests, grpc.ServicerContext], Responses]


class Faulty(AnnotationsServiceServicer):
    """Ends the first calls with the given faults, then accepts everything."""

    def __init__(self, faults: list[Call]) -> None:
        self.faults = faults
        self.labels: list[str] = []

    def IngestAnnotations(self, requests: Requests, context: grpc.ServicerContext) -> Responses:  # noqa: N802
        if self.faults:
            yield from self.faults.pop(0)(requests, context)
            return
        for request in requests:
            known = len(self.labels) - request.offset
            self.labels += [annotation.label for annotation in request.annotations[known:]]
            yield pb.IngestAnnotationsResponse(next_offset=len(self.labels))


@contextmanager
def faulty(*faults: Call) -> Iterator[tuple[Faulty, str]]:
    """Starts a server with these faults; yields it and its URL."""
    service = Faulty(list(faults))  # type: ignore[abstract]
    server = grpc.server(ThreadPoolExecutor(4))
    add_AnnotationsServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"http://127.0.0.1:{port}"
    server.stop(grace=None).wait()


def rejection(code: grpc.StatusCode, *details: ErrorInfo | RetryInfo, opened: bool = False) -> Call:
    """Makes a call that ends with this status, at its opening or at the first annotations."""

    def call(requests: Requests, context: grpc.ServicerContext) -> Responses:
        next(requests)
        if opened:
            yield pb.IngestAnnotationsResponse()
            next(requests)
        status = Status(code=code.value[0], message="a fault")
        for detail in details:
            kind = type(detail).__name__
            status.details.append(
                Any(type_url=f"type.googleapis.com/google.rpc.{kind}", value=detail.SerializeToString())
            )
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "a fault")

    return call


def clean_end(requests: Requests, _: grpc.ServicerContext) -> Responses:
    """A call that the server ends without an error after the first annotations, which it does not store."""
    next(requests)
    yield pb.IngestAnnotationsResponse()
    next(requests)


def test_temporary_failures_are_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Attempts, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(Attempts, "LONGEST_PAUSE", 0.01)
    codes = [
        "UNAVAILABLE",
        "ABORTED",
        "CANCELLED",
        "RESOURCE_EXHAUSTED",
        "INTERNAL",
        "UNKNOWN",
        "DEADLINE_EXCEEDED",
    ]
    faults = [rejection(grpc.StatusCode[code], opened=number % 2 == 1) for number, code in enumerate(codes)]
    gap = rejection(grpc.StatusCode.OUT_OF_RANGE, ErrorInfo(reason="OFFSET_GAP"), opened=True)
    with faulty(*faults[:3], gap, *faults[3:], clean_end) as (service, target):
        with IngestSession(target, "token", "run-1") as session:
            session.send(new_annotations("image", range(20)))
        assert service.faults == []
        assert service.labels == [str(offset) for offset in range(20)]


def test_a_stream_that_the_server_ended_is_reopened_for_the_next_annotation() -> None:
    def end_without_error(requests: Requests, _: grpc.ServicerContext) -> Responses:
        next(requests)
        yield pb.IngestAnnotationsResponse()
        service.labels += [annotation.label for annotation in next(requests).annotations]
        yield pb.IngestAnnotationsResponse(next_offset=len(service.labels))

    with faulty(end_without_error) as (service, target), IngestSession(target, "token", "run-1") as session:
        for offset in range(3):
            session.send(new_annotations("image", range(offset, offset + 1)))
            session.flush()
    assert service.labels == ["0", "1", "2"]


def test_permanent_failures_are_raised() -> None:
    with (
        faulty(rejection(grpc.StatusCode.OUT_OF_RANGE, opened=True)) as (_, target),
        pytest.raises(InvalidArgument, match="a fault") as raised,
        IngestSession(target, "token", "run-1") as session,
    ):
        session.send(new_annotations("image", range(2)))
    assert raised.value.unstored == new_annotations("image", range(2))


def test_an_annotation_that_is_sent_while_the_session_fails_is_in_unstored() -> None:
    with (
        faulty(rejection(grpc.StatusCode.OUT_OF_RANGE, opened=True)) as (_, target),
        pytest.raises(InvalidArgument) as raised,
        IngestSession(target, "token", "run-1", max_unacknowledged=1_000_000) as session,
    ):
        for offset in count():
            session.send(new_annotations("image", range(offset, offset + 1)))
    # The last one is the one that `send` has not accepted.
    assert [annotation.label for annotation in raised.value.unstored] == [str(n) for n in range(offset + 1)]


def test_the_server_s_retry_delay_is_respected(caplog: pytest.LogCaptureFixture) -> None:
    retry_info = RetryInfo()
    retry_info.retry_delay.FromMilliseconds(1_210)
    exhausted = rejection(grpc.StatusCode.RESOURCE_EXHAUSTED, ErrorInfo(reason="BUSY"), retry_info)
    with faulty(exhausted) as (_, target), IngestSession(target, "token", "run-1"):
        pass
    assert caplog.messages == ["stream run-1: a fault (RESOURCE_EXHAUSTED); next attempt in 1.3 s"]


def test_messages_of_large_annotations_are_split() -> None:
    sizes: list[int] = []

    def measure(requests: Requests, _: grpc.ServicerContext) -> Responses:
        for request in requests:
            sizes.append(request.ByteSize())
            yield pb.IngestAnnotationsResponse(next_offset=request.offset + len(request.annotations))

    with faulty(measure) as (_, target), IngestSession(target, "token", "run-1", batch_size=5_000) as session:
        session.send(new_annotations("image", range(600), model="m" * 10_000))
    assert 1024 * 1024 < max(sizes) < 2 * 1024 * 1024
