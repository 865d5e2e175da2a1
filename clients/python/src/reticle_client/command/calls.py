"""Unary calls of the services, retried for up to `max_wait` seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc

from ..attempts import Attempts
from ..channel import authorization, connector
from ..errors import NotFound
from ..failure import Failure
from ..stubs import annotations_pb2, images_pb2
from ..stubs.annotations_pb2_grpc import AnnotationsServiceStub
from ..stubs.images_pb2_grpc import ImagesServiceStub
from ..wrong_server import explain

_PAGE_SIZE = 1_000
_TIMEOUT_SECONDS = 30
_Response = TypeVar("_Response")


@dataclass(frozen=True)
class Server:
    """How to reach a server."""

    target: str
    token: str
    max_wait: float
    root_certificates: bytes | None

    def stream(self, stream_id: str) -> annotations_pb2.IngestStream | None:
        """Returns the state of a stream, or `None` if it does not exist."""
        request = annotations_pb2.GetIngestStreamRequest(stream_id=stream_id)

        def get(channel: grpc.Channel, **call: Any) -> annotations_pb2.IngestStream:
            return AnnotationsServiceStub(channel).GetIngestStream(request, **call)

        try:
            return self._call("reticle.annotations.v1.AnnotationsService", get)
        except NotFound:
            return None

    def images(self) -> Iterator[tuple[str, str]]:
        """Yields the file name and id of each image that the caller may see."""
        request = images_pb2.ListImagesRequest(page_size=_PAGE_SIZE)

        def get(channel: grpc.Channel, **call: Any) -> images_pb2.ListImagesResponse:
            return ImagesServiceStub(channel).ListImages(request, **call)

        while True:
            page = self._call("reticle.images.v1.ImagesService", get)
            yield from ((image.filename, image.id) for image in page.images)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _call(self, service: str, call: Callable[..., _Response]) -> _Response:
        attempts = Attempts(max_wait=self.max_wait, fresh_tokens=False)
        connect = connector(self.target, self.root_certificates)
        while True:
            try:
                with connect() as channel:
                    return call(channel, metadata=authorization(self.token), timeout=_TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                time.sleep(attempts.delay_after(explain(Failure.of(error), self.target, service)))
