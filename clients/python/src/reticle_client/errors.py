"""The errors that end a session or a watch, and its warnings. Temporary failures are retried and not raised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from .new_annotation import NewAnnotation

_Error = TypeVar("_Error", bound="ReticleError")


class ReticleError(Exception):
    """The server rejected the call for good, or cannot be reached.

    `unstored` has the annotations that were sent and not acknowledged, in order. `next_offset` is the offset of the
    first of them in the stream.
    """

    unstored: Sequence[NewAnnotation] = ()
    next_offset: int = 0

    def with_unstored(self: _Error, unstored: Sequence[NewAnnotation], next_offset: int) -> _Error:
        """Returns the same error with these annotations."""
        error = type(self)(*self.args)
        error.unstored, error.next_offset = unstored, next_offset
        return error


class Unauthenticated(ReticleError):
    """The server rejected the token; if it comes from a function, also a second one."""


class PermissionDenied(ReticleError):
    """The token does not allow this."""


class NotFound(ReticleError):
    """The image or stream does not exist, or the caller may not see it."""


class InvalidArgument(ReticleError):
    """An argument is invalid; the message names it and the rule."""


class Fenced(ReticleError):
    """Another producer has opened the stream. A stream has one producer at a time."""


class Rewound(ReticleError):
    """The stream ends before an acknowledged offset, or before `first_offset`.

    Either the database was restored from a copy, or `first_offset` is wrong.
    """


class Unavailable(ReticleError):
    """No attempt has succeeded for `max_wait` seconds."""


class Rejected(ReticleError):
    """The server rejected the call for another reason that a retry does not change."""


class WrongServer(Rejected):
    """The target is not the service that was called; the message says how to correct it."""


class NothingSent(UserWarning):
    """A session opened a stream that already has annotations, and sent none."""
