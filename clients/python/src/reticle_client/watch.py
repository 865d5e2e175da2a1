"""A watcher: an image's annotations, then each change, across broken connections.

The protocol has a page: `docs/watch.md`.
"""

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
from .wrong_server import explain

_log = logging.getLogger("reticle_client")


@dataclass(frozen=True, slots=True)
class Changed:
    """An annotation exists: it is new or was changed."""

    annotation: Annotation


@dataclass(frozen=True, slots=True)
class Removed:
    """The annotation with this id was removed."""

    id: str


@dataclass(frozen=True, slots=True)
class Current:
    """All changes up to now were sent. It follows the first annotations, and repeats every 15 s without a change."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Discard all annotations: the server no longer has the changes since the last event. All annotations follow."""


Event = Changed | Removed | Current | Reset


class Watch(Iterator[Event]):
    """The changes of one image's annotations. It begins with all annotations, or after the event of `resume_token`.

    It connects when the first event is requested, and reconnects when a connection ends, as the server ends each after
    some time. No event is missed or repeated. It ends when any thread closes it, or with a `ReticleError`: `NotFound`
    if the image is deleted, `Unauthenticated`, `PermissionDenied`, or `Unavailable` after `max_wait` seconds of
    failures, if that is set.
    """

    def __init__(
        self,
        target: str,
        token: Token,
        image_id: str,
        *,
        resume_token: str = "",
        max_wait: float | None = None,
        root_certificates: bytes | None = None,
    ) -> None:
        # The token of the last event that was returned.
        self.resume_token = resume_token
        self._token, self._image_id = token, image_id
        self._connect = connector(target, root_certificates)
        self._target = target
        self._attempts = Attempts(max_wait=max_wait, fresh_tokens=callable(token))
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
        # Closes the connection now. If another thread is in the generator, this raises, and that thread closes it.
        with suppress(ValueError):
            self._events.close()

    def _run(self) -> Generator[Event, None, None]:
        while not self._closing.is_set():
            failure = yield from self._run_connection()
            if self._closing.is_set():
                return
            delay = self._attempts.delay_after(failure)
            level = logging.DEBUG if failure.code is grpc.StatusCode.OK else logging.WARNING
            _log.log(level, "image %s: %s; next attempt in %.1f s", self._image_id, failure, delay)
            self._closing.wait(delay)

    def _run_connection(self) -> Generator[Event, None, Failure]:
        """Runs one connection until it ends, and returns why it ended."""
        with self._connect() as channel:
            request = pb.WatchAnnotationsRequest(image_id=self._image_id, resume_token=self.resume_token)
            stub = AnnotationsServiceStub(channel)
            messages = stub.WatchAnnotations(request, metadata=authorization(self._token))
            self._cancel = messages.cancel
            if self._closing.is_set():
                messages.cancel()
            try:
                for message in messages:
                    self._attempts.responded()
                    self._attempts.succeeded()
                    if (event := _decode_event(message)) is not None:
                        self.resume_token = message.resume_token
                        yield event
            except grpc.RpcError as error:
                return explain(Failure.of(error), self._target, "reticle.annotations.v1.AnnotationsService")
        return Failure(grpc.StatusCode.OK, "the server has ended the call")


def watch(
    target: str,
    token: Token,
    image_id: str,
    *,
    resume_token: str = "",
    max_wait: float | None = None,
    root_certificates: bytes | None = None,
) -> Watch:
    """Watches an image: `for event in watch(…)`."""
    return Watch(
        target,
        token,
        image_id,
        resume_token=resume_token,
        max_wait=max_wait,
        root_certificates=root_certificates,
    )


def _decode_event(message: pb.WatchAnnotationsResponse) -> Event | None:
    """Decodes an event; returns `None` for a kind that this version does not know."""
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
