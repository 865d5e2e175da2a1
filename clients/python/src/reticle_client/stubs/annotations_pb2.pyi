import datetime

from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Annotation(_message.Message):
    __slots__ = ("id", "image_id", "label", "x", "y", "width", "height", "confidence", "model", "created_by", "created_at", "updated_at", "etag")
    ID_FIELD_NUMBER: _ClassVar[int]
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    id: str
    image_id: str
    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float
    model: str
    created_by: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, id: _Optional[str] = ..., image_id: _Optional[str] = ..., label: _Optional[str] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ..., confidence: _Optional[float] = ..., model: _Optional[str] = ..., created_by: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class NewAnnotation(_message.Message):
    __slots__ = ("image_id", "label", "x", "y", "width", "height", "confidence", "model")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float
    model: str
    def __init__(self, image_id: _Optional[str] = ..., label: _Optional[str] = ..., x: _Optional[float] = ..., y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ..., confidence: _Optional[float] = ..., model: _Optional[str] = ...) -> None: ...

class CreateAnnotationRequest(_message.Message):
    __slots__ = ("annotation",)
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    annotation: NewAnnotation
    def __init__(self, annotation: _Optional[_Union[NewAnnotation, _Mapping]] = ...) -> None: ...

class CreateAnnotationResponse(_message.Message):
    __slots__ = ("annotation",)
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    annotation: Annotation
    def __init__(self, annotation: _Optional[_Union[Annotation, _Mapping]] = ...) -> None: ...

class BulkCreateAnnotationsRequest(_message.Message):
    __slots__ = ("annotations",)
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    annotations: _containers.RepeatedCompositeFieldContainer[NewAnnotation]
    def __init__(self, annotations: _Optional[_Iterable[_Union[NewAnnotation, _Mapping]]] = ...) -> None: ...

class BulkCreateAnnotationsResponse(_message.Message):
    __slots__ = ("inserted", "total", "ids")
    INSERTED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    inserted: int
    total: int
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, inserted: _Optional[int] = ..., total: _Optional[int] = ..., ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetAnnotationRequest(_message.Message):
    __slots__ = ("annotation_id",)
    ANNOTATION_ID_FIELD_NUMBER: _ClassVar[int]
    annotation_id: str
    def __init__(self, annotation_id: _Optional[str] = ...) -> None: ...

class GetAnnotationResponse(_message.Message):
    __slots__ = ("annotation",)
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    annotation: Annotation
    def __init__(self, annotation: _Optional[_Union[Annotation, _Mapping]] = ...) -> None: ...

class UpdateAnnotationRequest(_message.Message):
    __slots__ = ("annotation", "update_mask")
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    annotation: Annotation
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, annotation: _Optional[_Union[Annotation, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateAnnotationResponse(_message.Message):
    __slots__ = ("annotation",)
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    annotation: Annotation
    def __init__(self, annotation: _Optional[_Union[Annotation, _Mapping]] = ...) -> None: ...

class DeleteAnnotationRequest(_message.Message):
    __slots__ = ("annotation_id", "etag")
    ANNOTATION_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    annotation_id: str
    etag: str
    def __init__(self, annotation_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeleteAnnotationResponse(_message.Message):
    __slots__ = ("annotation",)
    ANNOTATION_FIELD_NUMBER: _ClassVar[int]
    annotation: Annotation
    def __init__(self, annotation: _Optional[_Union[Annotation, _Mapping]] = ...) -> None: ...

class ListAnnotationsRequest(_message.Message):
    __slots__ = ("image_id", "label", "min_confidence", "created_by", "page_size", "page_token")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    label: str
    min_confidence: float
    created_by: str
    page_size: int
    page_token: str
    def __init__(self, image_id: _Optional[str] = ..., label: _Optional[str] = ..., min_confidence: _Optional[float] = ..., created_by: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAnnotationsResponse(_message.Message):
    __slots__ = ("annotations", "next_page_token")
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    annotations: _containers.RepeatedCompositeFieldContainer[Annotation]
    next_page_token: str
    def __init__(self, annotations: _Optional[_Iterable[_Union[Annotation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class IngestAnnotationsRequest(_message.Message):
    __slots__ = ("stream_id", "offset", "annotations")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    offset: int
    annotations: _containers.RepeatedCompositeFieldContainer[NewAnnotation]
    def __init__(self, stream_id: _Optional[str] = ..., offset: _Optional[int] = ..., annotations: _Optional[_Iterable[_Union[NewAnnotation, _Mapping]]] = ...) -> None: ...

class IngestAnnotationsResponse(_message.Message):
    __slots__ = ("next_offset", "invalid")
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    next_offset: int
    invalid: _containers.RepeatedCompositeFieldContainer[InvalidAnnotation]
    def __init__(self, next_offset: _Optional[int] = ..., invalid: _Optional[_Iterable[_Union[InvalidAnnotation, _Mapping]]] = ...) -> None: ...

class InvalidAnnotation(_message.Message):
    __slots__ = ("offset", "field", "reason")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    offset: int
    field: str
    reason: str
    def __init__(self, offset: _Optional[int] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AppendAnnotationsRequest(_message.Message):
    __slots__ = ("stream_id", "offset", "annotations")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    offset: int
    annotations: _containers.RepeatedCompositeFieldContainer[NewAnnotation]
    def __init__(self, stream_id: _Optional[str] = ..., offset: _Optional[int] = ..., annotations: _Optional[_Iterable[_Union[NewAnnotation, _Mapping]]] = ...) -> None: ...

class AppendAnnotationsResponse(_message.Message):
    __slots__ = ("next_offset", "invalid")
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    next_offset: int
    invalid: _containers.RepeatedCompositeFieldContainer[InvalidAnnotation]
    def __init__(self, next_offset: _Optional[int] = ..., invalid: _Optional[_Iterable[_Union[InvalidAnnotation, _Mapping]]] = ...) -> None: ...

class GetIngestStreamRequest(_message.Message):
    __slots__ = ("stream_id",)
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    def __init__(self, stream_id: _Optional[str] = ...) -> None: ...

class IngestStream(_message.Message):
    __slots__ = ("stream_id", "next_offset", "created_at", "updated_at")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    stream_id: str
    next_offset: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, stream_id: _Optional[str] = ..., next_offset: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WatchAnnotationsRequest(_message.Message):
    __slots__ = ("image_id", "resume_token", "last_event_id")
    IMAGE_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    image_id: str
    resume_token: str
    last_event_id: str
    def __init__(self, image_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., last_event_id: _Optional[str] = ...) -> None: ...

class WatchAnnotationsResponse(_message.Message):
    __slots__ = ("changed", "removed", "current", "reset", "resume_token")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changed: Annotation
    removed: Removed
    current: Current
    reset: Reset
    resume_token: str
    def __init__(self, changed: _Optional[_Union[Annotation, _Mapping]] = ..., removed: _Optional[_Union[Removed, _Mapping]] = ..., current: _Optional[_Union[Current, _Mapping]] = ..., reset: _Optional[_Union[Reset, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class Removed(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class Current(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Reset(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
