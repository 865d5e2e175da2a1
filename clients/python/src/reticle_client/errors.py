"""What ends a session or a watch, and what it warns of. Whatever may pass is tried again and not raised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from .box import Box

_Error = TypeVar("_Error", bound="ReticleError")


class ReticleError(Exception):
    """The server refused the call for good, or cannot be reached.

    `unstored` are the boxes that were sent and are not known to be durable, in their order; `next_offset` is the
    place of the first of them in the stream.
    """

    unstored: Sequence[Box] = ()
    next_offset: int = 0

    def carrying(self: _Error, unstored: Sequence[Box], next_offset: int) -> _Error:
        """The same error with these boxes."""
        error = type(self)(*self.args)
        error.unstored, error.next_offset = unstored, next_offset
        return error


class Unauthenticated(ReticleError):
    """The token was refused; where it comes from a function, a fresh one too."""


class PermissionDenied(ReticleError):
    """The token does not allow this."""


class NotFound(ReticleError):
    """It does not exist for the caller."""


class InvalidArgument(ReticleError):
    """An argument breaks a rule, which the message names."""


class Fenced(ReticleError):
    """Another writer has opened the stream: a stream has one producer at a time."""


class Rewound(ReticleError):
    """The server no longer has what it acknowledged, as after its data was restored from a copy."""


class Unavailable(ReticleError):
    """The server gave no answer for as long as the caller has patience."""


class Refused(ReticleError):
    """Any other refusal that does not pass."""


class WrongServer(Refused):
    """What listens at the target is not the service that was called; the message says what to do."""


class NothingSent(UserWarning):
    """A session opened a stream with boxes in it, and ended without having sent one."""
