"""What the images service knows of the caller's images."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from ..channel import Token, authorization, connector
from ..errors import Unavailable
from ..failure import Failure
from ..stubs import images_pb2 as pb
from ..stubs.images_pb2_grpc import ImagesServiceStub

_PAGE_SIZE = 1_000
_TIMEOUT_SECONDS = 30


def uploaded(target: str, token: Token, root_certificates: bytes | None = None) -> Iterator[tuple[str, str]]:
    """The file names and ids of all images that the caller sees."""
    with connector(target, root_certificates)() as channel:
        stub = ImagesServiceStub(channel)
        request = pb.ListImagesRequest(page_size=_PAGE_SIZE)
        while True:
            try:
                page = stub.ListImages(request, metadata=authorization(token), timeout=_TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                failure = Failure.of(error)
                raise failure.error() or Unavailable(f"the images service at {target}: {failure}") from None
            yield from ((image.filename, image.id) for image in page.images)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
