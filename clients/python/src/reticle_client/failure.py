"""Why a call ended: the status and its details, decoded from gRPC's error."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError

from . import errors
from .stubs import error_details_pb2, status_pb2

# Statuses that a retry does not change. All others are retried: a broken connection, a restart, a proxy's error.
_FINAL = {
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidArgument,
    grpc.StatusCode.OUT_OF_RANGE: errors.InvalidArgument,
    grpc.StatusCode.ALREADY_EXISTS: errors.Rejected,
    grpc.StatusCode.FAILED_PRECONDITION: errors.Rejected,
    grpc.StatusCode.DATA_LOSS: errors.Rejected,
}


@dataclass(frozen=True)
class Failure:
    """The end of a call. `reason` is that of `ErrorInfo`; the server asks for a pause of `retry_after` seconds.

    `wrong_server` says that the target does not speak the protocol, or does not serve the call.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    retry_after: float = 0.0
    wrong_server: bool = False

    @classmethod
    def of(cls, error: grpc.RpcError) -> Failure:
        """Decodes an error of gRPC's."""
        if not isinstance(error, grpc.Call):
            return cls(grpc.StatusCode.UNKNOWN, str(error))
        reason, retry_after = "", 0.0
        for detail in _details(error):
            kind = detail.type_url.rpartition("/")[2]
            if kind == "google.rpc.ErrorInfo":
                reason = error_details_pb2.ErrorInfo.FromString(detail.value).reason
            elif kind == "google.rpc.RetryInfo":
                delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
                retry_after = delay.seconds + delay.nanos / 1e9
        return cls(error.code(), error.details() or "", reason, retry_after)

    def error(self) -> errors.ReticleError | None:
        """Returns the error to raise, or `None` if the call is to be retried."""
        if self.reason == "STREAM_FENCED":
            return errors.Fenced(self.message)
        # The next connection receives the stream's `next_offset`, and resumes there.
        if self.reason == "OFFSET_GAP":
            return None
        kind = _FINAL.get(self.code)
        return kind(self.message) if kind else None

    def __str__(self) -> str:
        return f"{self.message} ({self.code.name})"


def _details(call: grpc.Call) -> list[Any]:
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                return []
    return []
