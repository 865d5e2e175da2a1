"""What a healthy server does seldom, injected: sessions get over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from server import boxes

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
Answers = Iterator[pb.IngestAnnotationsResponse]
Call = Callable[[Requests, grpc.ServicerContext], Answers]


class Faulty(AnnotationsServiceServicer):
    """Ends the first calls by the faults it is given, and takes everything in afterwards."""

    def __init__(self, faults: list[Call]) -> None:
        self.faults = faults
        self.labels: list[str] = []

    def IngestAnnotations(self, requests: Requests, context: grpc.ServicerContext) -> Answers:  # noqa: N802
        if self.faults:
            yield from self.faults.pop(0)(requests, context)
            return
        for request in requests:
            known = len(self.labels) - request.offset
            self.labels += [annotation.label for annotation in request.annotations[known:]]
            yield pb.IngestAnnotationsResponse(next_offset=len(self.labels))


@contextmanager
def faulty(*faults: Call) -> Iterator[tuple[Faulty, str]]:
    """A server with these faults, and where it is."""
    service = Faulty(list(faults))  # type: ignore[abstract]
    server = grpc.server(ThreadPoolExecutor(4))
    add_AnnotationsServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"http://127.0.0.1:{port}"
    server.stop(grace=None).wait()


def refusal(code: grpc.StatusCode, *details: ErrorInfo | RetryInfo, opened: bool = False) -> Call:
    """A call that ends with this status, at its opening or at the first boxes."""

    def call(requests: Requests, context: grpc.ServicerContext) -> Answers:
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


def clean_end(requests: Requests, _: grpc.ServicerContext) -> Answers:
    """A call that the server ends when it has taken in the first boxes and stored none."""
    next(requests)
    yield pb.IngestAnnotationsResponse()
    next(requests)


def test_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
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
    faults = [refusal(grpc.StatusCode[code], opened=number % 2 == 1) for number, code in enumerate(codes)]
    gap = refusal(grpc.StatusCode.OUT_OF_RANGE, ErrorInfo(reason="OFFSET_GAP"), opened=True)
    with faulty(*faults[:3], gap, *faults[3:], clean_end) as (service, target):
        with IngestSession(target, "token", "run-1") as session:
            session.send(boxes("image", range(20)))
        assert service.faults == []
        assert service.labels == [str(place) for place in range(20)]


def test_a_stream_that_ended_in_silence_is_opened_again_for_the_next_box() -> None:
    def end_in_silence(requests: Requests, _: grpc.ServicerContext) -> Answers:
        next(requests)
        yield pb.IngestAnnotationsResponse()
        service.labels += [annotation.label for annotation in next(requests).annotations]
        yield pb.IngestAnnotationsResponse(next_offset=len(service.labels))

    with faulty(end_in_silence) as (service, target), IngestSession(target, "token", "run-1") as session:
        for place in range(3):
            session.send(boxes("image", range(place, place + 1)))
            session.flush()
    assert service.labels == ["0", "1", "2"]


def test_what_does_not_pass_is_raised() -> None:
    with (
        faulty(refusal(grpc.StatusCode.OUT_OF_RANGE, opened=True)) as (_, target),
        pytest.raises(InvalidArgument, match="a fault") as raised,
        IngestSession(target, "token", "run-1") as session,
    ):
        session.send(boxes("image", range(2)))
    assert raised.value.unstored == boxes("image", range(2))


def test_a_server_that_asks_for_a_pause_gets_it(caplog: pytest.LogCaptureFixture) -> None:
    retry_info = RetryInfo()
    retry_info.retry_delay.FromMilliseconds(1_210)
    exhausted = refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, ErrorInfo(reason="BUSY"), retry_info)
    with faulty(exhausted) as (_, target), IngestSession(target, "token", "run-1"):
        pass
    assert caplog.messages == ["stream run-1: a fault (RESOURCE_EXHAUSTED); next attempt in 1.3 s"]


def test_messages_are_small_however_large_the_boxes_are() -> None:
    sizes: list[int] = []

    def measure(requests: Requests, _: grpc.ServicerContext) -> Answers:
        for request in requests:
            sizes.append(request.ByteSize())
            yield pb.IngestAnnotationsResponse(next_offset=request.offset + len(request.annotations))

    with faulty(measure) as (_, target), IngestSession(target, "token", "run-1", batch_size=5_000) as session:
        session.send(boxes("image", range(600), model="m" * 10_000))
    assert 1024 * 1024 < max(sizes) < 2 * 1024 * 1024
