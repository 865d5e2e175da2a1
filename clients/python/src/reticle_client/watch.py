"""A watcher: an image's boxes, then each change, across broken connections."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass

import grpc

from .annotation import Annotation
from .attempts import Attempts
from .channel import Token, authorization, connector
from .failure import Failure
from .stubs import annotations_pb2 as pb
from .stubs.annotations_pb2_grpc import AnnotationsServiceStub
from .wrong_server import explained

_log = logging.getLogger("reticle_client")


@dataclass(frozen=True, slots=True)
class Changed:
    """A box is there, new or with other content."""

    annotation: Annotation


@dataclass(frozen=True, slots=True)
class Removed:
    """The box with this id is there no more."""

    id: str


@dataclass(frozen=True, slots=True)
class Current:
    """Everything up to now was told. It comes after the first boxes, and again every few seconds of silence."""


@dataclass(frozen=True, slots=True)
class Reset:
    """All boxes are to be forgotten: the changes since are not known any more, and all boxes follow anew."""


Event = Changed | Removed | Current | Reset


class Watch(Iterator[Event]):
    """What happens on one image. It begins with all boxes, or behind the event that `resume_token` came with.

    It makes a connection when the first event is asked for, and another whenever one ends, as the server ends them now
    and then; no event is missed or comes twice. It ends when it is closed, which any thread may do, or by a
    `ReticleError`: `NotFound` if the image is gone, `Unauthenticated`, `PermissionDenied`, or `Unavailable` when
    `patience` ends, if there is any.
    """

    def __init__(
        self,
        target: str,
        token: Token,
        image_id: str,
        *,
        resume_token: str = "",
        patience: float | None = None,
        root_certificates: bytes | None = None,
    ) -> None:
        # That of the event that was handed out last.
        self.resume_token = resume_token
        self._token, self._image_id = token, image_id
        self._connect = connector(target, root_certificates)
        self._target = target
        self._attempts = Attempts(patience=patience, fresh_tokens=callable(token))
        self._closing = threading.Event()
        self._cancel: Callable[[], object] | None = None
        self._events = self._run()

    def __next__(self) -> Event:
        """Waits for the next event."""
        return next(self._events)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the iteration, also while another thread waits for the next event."""
        self._closing.set()
        if self._cancel is not None:
            self._cancel()
        # Closes the connection now, unless another thread waits in there, which then does.
        with suppress(ValueError):
            self._events.close()

    def _run(self) -> Generator[Event, None, None]:
        while not self._closing.is_set():
            failure = yield from self._converse()
            if self._closing.is_set():
                return
            delay = self._attempts.delay_after(failure)
            level = logging.DEBUG if failure.code is grpc.StatusCode.OK else logging.WARNING
            _log.log(level, "image %s: %s; next attempt in %.1f s", self._image_id, failure, delay)
            self._closing.wait(delay)

    def _converse(self) -> Generator[Event, None, Failure]:
        """One connection, from its opening to its end, which is answered."""
        with self._connect() as channel:
            request = pb.WatchAnnotationsRequest(image_id=self._image_id, resume_token=self.resume_token)
            stub = AnnotationsServiceStub(channel)
            messages = stub.WatchAnnotations(request, metadata=authorization(self._token))
            self._cancel = messages.cancel
            if self._closing.is_set():
                messages.cancel()
            try:
                for message in messages:
                    self._attempts.answered()
                    self._attempts.succeeded()
                    if (event := _event(message)) is not None:
                        self.resume_token = message.resume_token
                        yield event
            except grpc.RpcError as error:
                return explained(Failure.of(error), self._target, "reticle.annotations.v1.AnnotationsService")
        return Failure(grpc.StatusCode.OK, "the server has ended the call")


def watch(
    target: str,
    token: Token,
    image_id: str,
    *,
    resume_token: str = "",
    patience: float | None = None,
    root_certificates: bytes | None = None,
) -> Watch:
    """Watches an image: `for event in watch(…)`."""
    return Watch(
        target,
        token,
        image_id,
        resume_token=resume_token,
        patience=patience,
        root_certificates=root_certificates,
    )


def _event(message: pb.WatchAnnotationsResponse) -> Event | None:
    """What a message tells; nothing if it is newer than this program."""
    match message.WhichOneof("event"):
        case "changed":
            return Changed(Annotation.from_proto(message.changed))
        case "removed":
            return Removed(message.removed.id)
        case "current":
            return Current()
        case "reset":
            return Reset()
        case _:
            return None
