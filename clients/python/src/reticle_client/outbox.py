"""The annotations of a session that are not durable yet: a bounded, thread-safe queue with offsets."""

from __future__ import annotations

import threading
import time
from collections import deque

from .errors import Fenced, ReticleError, Rewound
from .new_annotation import NewAnnotation
from .stubs import annotations_pb2 as pb

# A message of this size gets no further annotation. It is far below the limit of a message.
MAX_MESSAGE_BYTES = 1024 * 1024


class Outbox:
    """The offsets of the stream, in order: durable | sent on this connection | waiting | next.

    A new connection first sends again what was not acknowledged. The server may have stored it; then it does not store
    it again, and reports again which of it was invalid. The response to such a message has the end of the stream, not
    the end of the message, so these messages are sent one at a time.
    """

    def __init__(
        self, *, limit: int, batch_size: int, max_delay: float, first_offset: int | None = None
    ) -> None:
        self._limit, self._batch_size, self._max_delay = limit, batch_size, max_delay
        self._first_offset = first_offset
        # One lock for all fields below. A change that another thread waits for must notify it.
        self._changed = threading.Condition()
        self._sent: deque[pb.NewAnnotation] = deque()
        self._waiting: deque[pb.NewAnnotation] = deque()
        self._waiting_since = 0.0
        # The acknowledged offset; `None` until the server has sent it.
        self._durable: int | None = None
        # The offset after the last annotation that any connection has sent.
        self._sent_ever = 0
        # The end of the stream when the session opened it, and when the present connection did.
        self._opened_at = self._known_to = 0
        # Annotations below this offset are sent without waiting for `max_delay`.
        self._flush_to = 0
        # Counts the connections, so that a closed one gets no further message.
        self._connection = 0
        self._closed = False
        self._failure: Exception | None = None

    @property
    def durable(self) -> int:
        """Each annotation below this offset is durable, or was reported as invalid."""
        return self._durable or 0

    @property
    def opened_at(self) -> int:
        """The end of the stream when the session opened it."""
        return self._opened_at

    @property
    def next_offset(self) -> int:
        """The offset of the next annotation."""
        with self._changed:
            return self.durable + len(self._sent) + len(self._waiting)

    def unacknowledged(self) -> int:
        """How many annotations are in memory."""
        with self._changed:
            return len(self._sent) + len(self._waiting)

    def put(self, annotation: pb.NewAnnotation) -> None:
        """Adds an annotation; waits while the limit is reached."""
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._sent) + len(self._waiting) < self._limit or self._ended()
            )
            self._check()
            self._waiting.append(annotation)
            if len(self._waiting) == 1:
                self._waiting_since = time.monotonic()
            if len(self._waiting) in (1, self._batch_size):
                self._changed.notify_all()

    def wait_until_open(self) -> None:
        """Waits until the server has sent the end of the stream."""
        with self._changed:
            self._changed.wait_for(lambda: self._durable is not None or self._ended())
            self._check()

    def flush(self, timeout: float | None) -> None:
        """Waits until each annotation that was put so far is durable."""
        with self._changed:
            end = self.durable + len(self._sent) + len(self._waiting)
            self._flush_to = max(self._flush_to, end)
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: self.durable >= end or self._ended(), timeout)
            if self.durable < end:
                self._check()
            if not done:
                raise TimeoutError(f"{end - self.durable} annotations are not durable after {timeout} s")

    def needs_connection(self) -> bool:
        """Whether a connection is needed: to read the end of the stream, or to send something."""
        with self._changed:
            return self._needs_connection()

    def wait_until_connection_needed(self) -> bool:
        """Waits until a connection is needed; returns `False` if the session ends instead."""
        with self._changed:
            self._changed.wait_for(lambda: self._needs_connection() or self._ended())
            return not self._ended()

    def begin_connection(self, next_offset: int) -> int:
        """Begins a connection on which the server sent `next_offset`; returns the connection's number."""
        with self._changed:
            durable = self._durable
            if durable is None:
                self._opened_at = self._sent_ever = next_offset
                durable = next_offset if self._first_offset is None else self._first_offset
            if next_offset < durable:
                raise Rewound(
                    f"the stream ends at offset {next_offset}, before offset {durable}, which was acknowledged or is "
                    f"`first_offset`. If the database was restored, send the annotations from {next_offset} again"
                )
            self._durable = durable
            if next_offset > self._sent_ever:
                raise Fenced(
                    f"the stream ends at offset {next_offset}, but this session sent only up to {self._sent_ever}: "
                    "another producer uses it. Use one producer for each stream_id"
                )
            self._known_to = next_offset
            self._waiting.extendleft(reversed(self._sent))
            self._sent.clear()
            self._waiting_since = 0.0
            self._connection += 1
            self._changed.notify_all()
            return self._connection

    def end_connection(self) -> None:
        """Ends the connection: it gets no further message."""
        with self._changed:
            self._connection += 1
            self._changed.notify_all()

    def next_message(self, connection: int) -> tuple[int, list[pb.NewAnnotation]] | None:
        """Waits until a message is full, due or flushed; returns its offset and annotations, or `None` at the end."""
        with self._changed:
            while connection == self._connection and not self._ended():
                delay = self._delay()
                if delay == 0:
                    return self._build_message()
                self._changed.wait(delay)
            return None

    def acknowledge(self, next_offset: int) -> bool:
        """Removes what is durable now; returns whether that was anything."""
        with self._changed:
            before = self.durable
            # The end of the stream may be past what this connection has sent again. Only that is acknowledged.
            self._forget(min(next_offset, before + len(self._sent)))
            self._changed.notify_all()
            return self.durable > before

    def close(self) -> None:
        """Ends the session: `put` and `flush` raise, and no message follows."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def fail(self, failure: Exception) -> None:
        """Ends the session: all present and later calls raise this error, a `ReticleError` with what is unstored."""
        with self._changed:
            # Under the same lock as the end: no annotation can be accepted after this list of all of them.
            if isinstance(failure, ReticleError):
                failure = failure.with_unstored(self._unstored(), self.durable)
            self._failure = failure
            self._changed.notify_all()

    def _unstored(self) -> list[NewAnnotation]:
        return [NewAnnotation.from_proto(message) for message in (*self._sent, *self._waiting)]

    def _needs_connection(self) -> bool:
        return self._durable is None or bool(self._sent or self._waiting)

    def _ended(self) -> bool:
        return self._closed or self._failure is not None

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise ValueError("the session is closed")

    def _delay(self) -> float | None:
        """Returns how long the waiting annotations may wait until the message is sent; `None` is until a change."""
        if not self._waiting or (self._sent and self.durable < self._known_to):
            return None
        flushed = self.durable + len(self._sent) < self._flush_to
        if flushed or len(self._waiting) >= self._batch_size:
            return 0
        return max(0.0, self._waiting_since + self._max_delay - time.monotonic())

    def _build_message(self) -> tuple[int, list[pb.NewAnnotation]]:
        offset, annotations, size = self.durable + len(self._sent), list[pb.NewAnnotation](), 0
        resent = self._known_to - offset
        most = min(resent, self._batch_size) if resent > 0 else self._batch_size
        while self._waiting and len(annotations) < most and size < MAX_MESSAGE_BYTES:
            annotation = self._waiting.popleft()
            size += annotation.ByteSize()
            annotations.append(annotation)
        self._sent.extend(annotations)
        self._sent_ever = max(self._sent_ever, offset + len(annotations))
        self._waiting_since = time.monotonic()
        return offset, annotations

    def _forget(self, next_offset: int) -> None:
        while self.durable < next_offset:
            self._sent.popleft()
            self._durable = self.durable + 1
