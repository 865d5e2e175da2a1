"""The boxes that a session was given and that are not durable yet: bounded, numbered, safe from any thread."""

from __future__ import annotations

import threading
import time
from collections import deque

from .box import Box
from .errors import Fenced, Rewound
from .stubs import annotations_pb2 as pb

# From so many bytes on, a message takes no further box: far below what a message may have.
MAX_MESSAGE_BYTES = 1024 * 1024


class Outbox:
    """Places of the stream, in order: durable | sent on this connection | waiting | what comes next.

    A connection begins with what is not acknowledged. The server may have stored it, and reports again which of it was
    invalid. It answers such a message with the end of the stream, whichever message that is: so those are sent one at a
    time.
    """

    def __init__(
        self, *, limit: int, batch_size: int, max_delay: float, first_offset: int | None = None
    ) -> None:
        self._limit, self._batch_size, self._max_delay = limit, batch_size, max_delay
        self._first_offset = first_offset
        # One lock for all that follows; whoever changes something that another thread waits for says so.
        self._changed = threading.Condition()
        self._sent: deque[pb.NewAnnotation] = deque()
        self._waiting: deque[pb.NewAnnotation] = deque()
        self._waiting_since = 0.0
        # Where the server stands; nothing until it has said so.
        self._durable: int | None = None
        # The place behind the last box that any connection has sent.
        self._sent_ever = 0
        # Where the stream ended when the session opened it, and when the present connection did.
        self._opened_at = self._known_to = 0
        # Up to which place nothing waits for company.
        self._hurry_to = 0
        # Counts the connections, so that one that is gone takes nothing more.
        self._connection = 0
        self._closed = False
        self._failure: Exception | None = None

    @property
    def durable(self) -> int:
        """Every box below is durable, or was reported."""
        return self._durable or 0

    @property
    def opened_at(self) -> int:
        """Where the stream ended when the session opened it."""
        return self._opened_at

    @property
    def next_offset(self) -> int:
        """The place of the next box."""
        with self._changed:
            return self.durable + len(self._sent) + len(self._waiting)

    def unacknowledged(self) -> int:
        """How many boxes are held."""
        with self._changed:
            return len(self._sent) + len(self._waiting)

    def put(self, box: pb.NewAnnotation) -> None:
        """Accepts one box as soon as there is room."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._sent) + len(self._waiting) < self._limit or self._over())
            self._check()
            self._waiting.append(box)
            if len(self._waiting) == 1:
                self._waiting_since = time.monotonic()
            if len(self._waiting) in (1, self._batch_size):
                self._changed.notify_all()

    def wait_until_open(self) -> None:
        """Waits until the server has said where the stream stands."""
        with self._changed:
            self._changed.wait_for(lambda: self._durable is not None or self._over())
            self._check()

    def flush(self, timeout: float | None) -> None:
        """Waits until all that was put by now is durable."""
        with self._changed:
            end = self.durable + len(self._sent) + len(self._waiting)
            self._hurry_to = max(self._hurry_to, end)
            self._changed.notify_all()
            done = self._changed.wait_for(lambda: self.durable >= end or self._over(), timeout)
            if self.durable < end:
                self._check()
            if not done:
                raise TimeoutError(f"{end - self.durable} boxes are not durable after {timeout} s")

    def wanting(self) -> bool:
        """Whether there is a reason to have a connection: to learn where the stream stands, or to send something."""
        with self._changed:
            return self._wanting()

    def wait_until_wanting(self) -> bool:
        """Waits for a reason to have a connection; `False` once there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanting() or self._over())
            return not self._over()

    def connected(self, next_offset: int) -> int:
        """Begins a connection, to which the server said where the stream stands; answers its number."""
        with self._changed:
            durable = self._durable
            if durable is None:
                self._opened_at = self._sent_ever = next_offset
                durable = next_offset if self._first_offset is None else self._first_offset
            if next_offset < durable:
                raise Rewound(f"the stream stands at {next_offset}, and {durable} was acknowledged")
            self._durable = durable
            if next_offset > self._sent_ever:
                raise Fenced(f"the stream stands at {next_offset}, and {self._sent_ever} was sent: by whom?")
            self._known_to = next_offset
            self._waiting.extendleft(reversed(self._sent))
            self._sent.clear()
            self._waiting_since = 0.0
            self._connection += 1
            self._changed.notify_all()
            return self._connection

    def disconnected(self) -> None:
        """Ends the connection: it takes nothing more."""
        with self._changed:
            self._connection += 1
            self._changed.notify_all()

    def take(self, connection: int) -> tuple[int, list[pb.NewAnnotation]] | None:
        """The next message's offset and boxes, once it is full, old enough or in a hurry; nothing after the last."""
        with self._changed:
            while connection == self._connection and not self._over():
                delay = self._delay()
                if delay == 0:
                    return self._depart()
                self._changed.wait(delay)
            return None

    def acknowledge(self, next_offset: int) -> bool:
        """Forgets what is durable now; answers whether that was anything."""
        with self._changed:
            before = self.durable
            # Of what the server had before this connection, the answer says something about what was sent again alone.
            self._forget(min(next_offset, before + len(self._sent)))
            self._changed.notify_all()
            return self.durable > before

    def close(self) -> None:
        """Takes nothing in and gives nothing out any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def fail(self, failure: Exception) -> None:
        """Ends everything: whoever waits, and whoever comes, gets this error."""
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def unstored(self) -> list[Box]:
        """What is not known to be durable."""
        with self._changed:
            return [Box.from_proto(message) for message in (*self._sent, *self._waiting)]

    def _wanting(self) -> bool:
        return self._durable is None or bool(self._sent or self._waiting)

    def _over(self) -> bool:
        return self._closed or self._failure is not None

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise ValueError("the session is closed")

    def _delay(self) -> float | None:
        """For how long the boxes that wait may wait for company."""
        if not self._waiting or (self._sent and self.durable < self._known_to):
            return None
        hurry = self.durable + len(self._sent) < self._hurry_to
        if hurry or len(self._waiting) >= self._batch_size:
            return 0
        return max(0.0, self._waiting_since + self._max_delay - time.monotonic())

    def _depart(self) -> tuple[int, list[pb.NewAnnotation]]:
        offset, boxes, size = self.durable + len(self._sent), list[pb.NewAnnotation](), 0
        known = self._known_to - offset
        most = min(known, self._batch_size) if known > 0 else self._batch_size
        while self._waiting and len(boxes) < most and size < MAX_MESSAGE_BYTES:
            box = self._waiting.popleft()
            size += box.ByteSize()
            boxes.append(box)
        self._sent.extend(boxes)
        self._sent_ever = max(self._sent_ever, offset + len(boxes))
        self._waiting_since = time.monotonic()
        return offset, boxes

    def _forget(self, next_offset: int) -> None:
        while self.durable < next_offset:
            self._sent.popleft()
            self._durable = self.durable + 1
