"""A producer's session: boxes in, each stored exactly once, whatever breaks in between."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType

import grpc

from .attempts import Attempts
from .box import Box
from .channel import Token, authorization, connector
from .errors import NothingSent, ReticleError
from .failure import Failure
from .outbox import Outbox
from .stubs import annotations_pb2 as pb
from .stubs.annotations_pb2_grpc import AnnotationsServiceStub
from .wrong_server import explained

_log = logging.getLogger("reticle_client")

# The most boxes of one message that the server takes.
MAX_BATCH_SIZE = 5_000
# How long the end of a session waits for the server to have seen it.
CLOSING_SECONDS = 1.0


class IngestSession:
    """Streams boxes into the stream `stream_id` of the token's user, as a context manager.

    A stream has one producer at a time, and its boxes are numbered from 0. One that starts again goes on with the box
    `next_offset`. `send` may be called from several threads.

    A box that breaks a rule is not stored: `on_invalid(offset, field, reason)` is called, from the session's own
    thread, and what it raises ends the session; without it, a warning is logged. It is called before `durable_offset`
    passes the box, and called again if a connection broke in between. Broken connections are made anew, and logged.

    A session that opens a stream with boxes in it and sends none warns (`NothingSent`) when its block ends: new boxes
    in the stream of an earlier job are easily skipped by mistake. What may be set:

    - `first_offset`: the place of the first box that is sent, instead of the end of the stream. What the stream already
      has from there on, up to `opened_at`, is not stored again; what of it is not stored is reported as invalid. It is
      for producers that keep a record of their own of what was reported to them.

    - `batch_size`, `max_delay`: a message has so many boxes, or those of so many seconds.
    - `max_unacknowledged`: `send` waits while so many boxes are not durable.
    - `patience`: for how many seconds the server may be out of reach before `Unavailable` is raised; for ever if none.
    - `root_certificates`: what a private server's certificate is checked by (PEM).
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
        patience: float | None = None,
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
        self._attempts = Attempts(patience=patience, fresh_tokens=callable(token))
        self._target = target
        self._sent_any = False
        self._thread = threading.Thread(target=self._run, name=f"ingest {stream_id}", daemon=True)

    def __enter__(self) -> IngestSession:
        """Opens the stream, and waits until it is open."""
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
        """Waits until everything is durable, unless an exception ends the block."""
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()
        if kind is None and self.opened_at > 0 and not self._sent_any:
            warnings.warn(_nothing_sent(self._stream_id, self.opened_at), NothingSent, stacklevel=2)

    @property
    def opened_at(self) -> int:
        """How many places the stream had when the session opened it."""
        return self._outbox.opened_at

    @property
    def next_offset(self) -> int:
        """The place of the box that is sent next: right after opening, where the producer has to go on."""
        return self._outbox.next_offset

    @property
    def durable_offset(self) -> int:
        """Every box below is durable, or was reported as invalid."""
        return self._outbox.durable

    @property
    def unacknowledged(self) -> int:
        """How many boxes are in memory."""
        return self._outbox.unacknowledged()

    def send(self, boxes: Box | Iterable[Box]) -> None:
        """Takes in boxes, at consecutive places, and returns before they are durable; waits while too many are not."""
        rest = iter([boxes] if isinstance(boxes, Box) else boxes)
        with self._sending:
            for box in rest:
                self._sent_any = True
                message = box.to_proto()
                try:
                    self._outbox.put(message)
                except ReticleError as error:
                    # Of an iterator the caller still has the rest.
                    left = [box, *rest] if isinstance(boxes, Sequence) else [box]
                    raise error.carrying([*error.unstored, *left], error.next_offset) from None

    def flush(self, timeout: float | None = None) -> None:
        """Returns when every box that was sent is durable or was reported; raises `TimeoutError` after `timeout` s."""
        self._outbox.flush(timeout)

    def close(self) -> None:
        """Ends the session without waiting for what is not durable."""
        self._outbox.close()
        self._ending.set()
        if self._thread.is_alive():
            # The server ends a stream that has ended well; one that does not is cut off.
            self._thread.join(CLOSING_SECONDS)
            if self._cancel is not None:
                self._cancel()
            self._thread.join()

    def _run(self) -> None:
        """Holds a connection as long as there is something to send, and makes another when it breaks."""
        try:
            while self._outbox.wait_until_wanting():
                failure = self._converse()
                # A server may end a stream that has nothing to say.
                lasting = self._outbox.wanting() or failure.error() is not None
                if lasting and not self._ending.is_set():
                    delay = self._attempts.delay_after(failure)
                    _log.warning("stream %s: %s; next attempt in %.1f s", self._stream_id, failure, delay)
                    self._ending.wait(delay)
        except ReticleError as error:
            self._outbox.fail(error.carrying(self._outbox.unstored(), self._outbox.durable))
        except Exception as error:
            self._outbox.fail(error)

    def _converse(self) -> Failure:
        """One connection, from its opening to its end, which is answered."""
        opened = threading.Event()
        connection = 0

        def requests() -> Iterator[pb.IngestAnnotationsRequest]:
            yield pb.IngestAnnotationsRequest(stream_id=self._stream_id)
            opened.wait()
            while (taken := self._outbox.take(connection)) is not None:
                yield pb.IngestAnnotationsRequest(offset=taken[0], annotations=taken[1])

        with self._connect() as channel:
            stub = AnnotationsServiceStub(channel)
            answers = stub.IngestAnnotations(requests(), metadata=authorization(self._token))
            self._cancel = answers.cancel
            if self._ending.is_set():
                answers.cancel()
            try:
                for answer in answers:
                    self._attempts.answered()
                    if opened.is_set():
                        self._handle(answer)
                        continue
                    connection = self._outbox.connected(answer.next_offset)
                    opened.set()
                    if not self._outbox.wanting():
                        self._attempts.succeeded()
            except grpc.RpcError as error:
                return explained(Failure.of(error), self._target, "reticle.annotations.v1.AnnotationsService")
            finally:
                self._outbox.disconnected()
                opened.set()
        return Failure(grpc.StatusCode.OK, "the server has ended the stream")

    def _handle(self, answer: pb.IngestAnnotationsResponse) -> None:
        for invalid in answer.invalid:
            self._on_invalid(invalid.offset, invalid.field, invalid.reason)
        if self._outbox.acknowledge(answer.next_offset) or not self._outbox.wanting():
            self._attempts.succeeded()


def _nothing_sent(stream_id: str, opened_at: int) -> str:
    return (
        f"the stream {stream_id!r} has {opened_at:,} boxes of earlier sessions, and this session sent none. Nothing is "
        "wrong if the job was complete. If it has new boxes, send all of them, or give the job a stream_id of its own: "
        "only a job that begins again with the same boxes skips those before next_offset."
    )


def _warn(offset: int, field: str, reason: str) -> None:
    _log.warning("box %d was not stored: %s %s", offset, field, reason)
