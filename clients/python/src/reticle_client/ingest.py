"""A producer's session: sends annotations into a stream and stores each exactly once, across failures.

The protocol has a page: `docs/ingest.md`.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

import grpc

from .attempts import Attempts
from .channel import Token, authorization, connector
from .errors import NothingSent, ReticleError
from .failure import Failure
from .new_annotation import NewAnnotation
from .outbox import Outbox
from .stubs import annotations_pb2 as pb
from .stubs.annotations_pb2_grpc import AnnotationsServiceStub
from .wrong_server import explain

_log = logging.getLogger("reticle_client")

# The most annotations that the server accepts in one message.
MAX_BATCH_SIZE = 5_000
# How long `close` waits for the server to end the call.
CLOSING_SECONDS = 1.0


class IngestSession:
    """A context manager that sends annotations into the stream `stream_id` of the token's user.

    A stream has one producer at a time. Its annotations have consecutive offsets, from 0. A producer that restarts
    resumes with the annotation at `next_offset`. `send` may be called from several threads.

    An invalid annotation is not stored. The session calls `on_invalid(offset, field, reason)` from its own thread;
    without that function it logs a warning. An exception of the function ends the session. The call comes before
    `durable_offset` passes the annotation, and is repeated if a connection broke in between. The session replaces
    broken connections, and logs each.

    A session that opens a stream with annotations and sends none warns (`NothingSent`) when its block ends:
    new annotations in the stream of an earlier job are easily skipped by mistake. Optional arguments:

    - `first_offset`: the offset of the first annotation that is sent, instead of the end of the stream. Annotations
      that the stream already has, from there up to `opened_at`, are not stored again; those of them that are not stored
      are reported as invalid. It is for producers that keep their own record of these reports.
    - `batch_size`, `max_delay`: a message is sent when it has this many annotations, or after this many seconds.
    - `max_unacknowledged`: the limit of annotations in memory that are not durable; `send` waits while it is reached.
    - `max_wait`: how many seconds attempts may fail before `Unavailable` is raised; without limit by default.
    - `root_certificates`: the authorities that verify a private server's certificate (PEM).
    """

    def __init__(
        self,
        target: str,
        token: Token,
        stream_id: str,
        *,
        on_invalid: Callable[[int, str, str], None] | None = None,
        first_offset: int | None = None,
        batch_size: int = 1_000,
        max_delay: float = 0.05,
        max_unacknowledged: int = 20_000,
        max_wait: float | None = None,
        root_certificates: bytes | None = None,
    ) -> None:
        if not 1 <= batch_size <= MAX_BATCH_SIZE:
            raise ValueError(f"batch_size must be 1 to {MAX_BATCH_SIZE}")
        if max_unacknowledged < 1:
            raise ValueError("max_unacknowledged must be at least 1")
        if first_offset is not None and first_offset < 0:
            raise ValueError("first_offset must be at least 0")
        self._token, self._stream_id = token, stream_id
        self._on_invalid = on_invalid or _warn
        self._outbox = Outbox(
            limit=max_unacknowledged,
            batch_size=min(batch_size, max_unacknowledged),
            max_delay=max_delay,
            first_offset=first_offset,
        )
        self._connect = connector(target, root_certificates)
        self._cancel: Callable[[], object] | None = None
        self._sending = threading.Lock()
        self._ending = threading.Event()
        self._attempts = Attempts(max_wait=max_wait, fresh_tokens=callable(token))
        self._target = target
        self._sent_any = False
        self._thread = threading.Thread(target=self._run, name=f"ingest {stream_id}", daemon=True)

    def __enter__(self) -> IngestSession:
        """Opens the stream, and waits until the server has sent its `next_offset`."""
        self._thread.start()
        try:
            self._outbox.wait_until_open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits until each annotation is durable, unless an exception ends the block; then closes the session."""
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()
        if kind is None and self.opened_at > 0 and not self._sent_any:
            warnings.warn(_nothing_sent(self._stream_id, self.opened_at), NothingSent, stacklevel=2)

    @property
    def opened_at(self) -> int:
        """The end of the stream when the session opened it."""
        return self._outbox.opened_at

    @property
    def next_offset(self) -> int:
        """The offset of the next annotation that is sent. Right after opening, this is where to resume."""
        return self._outbox.next_offset

    @property
    def durable_offset(self) -> int:
        """Each annotation below this offset is durable, or was reported as invalid."""
        return self._outbox.durable

    @property
    def unacknowledged(self) -> int:
        """How many annotations are in memory and not acknowledged."""
        return self._outbox.unacknowledged()

    def send(self, annotations: NewAnnotation | Iterable[NewAnnotation]) -> None:
        """Queues annotations, at consecutive offsets, and returns before they are durable.

        Waits while `max_unacknowledged` of them are not durable.
        """
        rest = iter([annotations] if isinstance(annotations, NewAnnotation) else annotations)
        with self._sending:
            for annotation in rest:
                self._sent_any = True
                message = annotation.to_proto()
                try:
                    self._outbox.put(message)
                except ReticleError as error:
                    # If it is an iterator, the caller still has the rest.
                    left = [annotation, *rest] if isinstance(annotations, Sequence) else [annotation]
                    raise error.with_unstored([*error.unstored, *left], error.next_offset) from None

    def flush(self, timeout: float | None = None) -> None:
        """Waits until each annotation sent so far is durable or reported; raises `TimeoutError` after `timeout` s."""
        self._outbox.flush(timeout)

    def close(self) -> None:
        """Ends the session without waiting for annotations that are not durable."""
        self._outbox.close()
        self._ending.set()
        if self._thread.is_alive():
            # The server ends a call whose requests have ended. If it does not in time, the call is cancelled.
            self._thread.join(CLOSING_SECONDS)
            if self._cancel is not None:
                self._cancel()
            self._thread.join()

    def _run(self) -> None:
        """Keeps a connection while there is something to send, and replaces it when it breaks."""
        try:
            while self._outbox.wait_until_connection_needed():
                failure = self._run_connection()
                # The server may end an idle stream. Then there is nothing to retry.
                matters = self._outbox.needs_connection() or failure.error() is not None
                if matters and not self._ending.is_set():
                    delay = self._attempts.delay_after(failure)
                    _log.warning("stream %s: %s; next attempt in %.1f s", self._stream_id, failure, delay)
                    self._ending.wait(delay)
        except Exception as error:
            self._outbox.fail(error)

    def _run_connection(self) -> Failure:
        """Runs one connection until it ends, and returns why it ended."""
        opened = threading.Event()
        connection = 0

        def requests() -> Iterator[pb.IngestAnnotationsRequest]:
            yield pb.IngestAnnotationsRequest(stream_id=self._stream_id)
            opened.wait()
            while (taken := self._outbox.next_message(connection)) is not None:
                yield pb.IngestAnnotationsRequest(offset=taken[0], annotations=taken[1])

        with self._connect() as channel:
            stub = AnnotationsServiceStub(channel)
            responses = stub.IngestAnnotations(requests(), metadata=authorization(self._token))
            self._cancel = responses.cancel
            if self._ending.is_set():
                responses.cancel()
            try:
                for response in responses:
                    self._attempts.responded()
                    if opened.is_set():
                        self._handle(response)
                        continue
                    connection = self._outbox.begin_connection(response.next_offset)
                    opened.set()
                    if not self._outbox.needs_connection():
                        self._attempts.succeeded()
            except grpc.RpcError as error:
                return explain(Failure.of(error), self._target, "reticle.annotations.v1.AnnotationsService")
            finally:
                self._outbox.end_connection()
                opened.set()
        return Failure(grpc.StatusCode.OK, "the server has ended the call")

    def _handle(self, response: pb.IngestAnnotationsResponse) -> None:
        for invalid in response.invalid:
            self._on_invalid(invalid.offset, invalid.field, invalid.reason)
        if self._outbox.acknowledge(response.next_offset) or not self._outbox.needs_connection():
            self._attempts.succeeded()


def _nothing_sent(stream_id: str, opened_at: int) -> str:
    return (
        f"stream {stream_id!r} has {opened_at:,} annotations of earlier sessions, and this session sent none. This is "
        "correct if the job was complete. If it has new annotations, send all of them, or use another stream_id: only "
        "a job that sends the same annotations again skips those before next_offset."
    )


def _warn(offset: int, field: str, reason: str) -> None:
    _log.warning("annotation %d was not stored: %s %s", offset, field, reason)
