"""What schemathesis cannot read from the description: existing ids and tokens, and rules between fields."""

import os

import schemathesis
from hypothesis import strategies as st
from images import png

# The server's default limit for files.
MAX_UPLOAD_BYTES = 10 * 1024 * 1024


schemathesis.openapi.format("image-id", st.sampled_from(os.environ["IMAGE_IDS"].split()))
schemathesis.openapi.format("annotation-id", st.sampled_from(os.environ["ANNOTATION_IDS"].split()))
schemathesis.openapi.format("stream-offset", st.just("0"))
schemathesis.openapi.format("page-token", st.just(""))
schemathesis.openapi.format("resume-token", st.just(""))
schemathesis.openapi.format("media-type", st.just("image/png"))
schemathesis.openapi.format("binary", st.just(png()))
schemathesis.openapi.media_type("image/*", st.just(png()))
schemathesis.openapi.media_type("application/octet-stream", st.just(png()))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes annotations lie within their image, declarations match the file, and sends only one entity tag."""
    case.body = make_valid(case.body)
    if case.headers and "if-match" in case.headers and isinstance(case.body, dict):
        case.body.pop("etag", None)
    if case.query:
        # A mask names fields that the body must have. Without a mask, the server uses the fields of the body.
        for name in ("size_bytes", "update_mask"):
            case.query.pop(name, None)
        if "content_type" in case.query:
            case.query["content_type"] = "image/png"


def make_valid(value):
    if isinstance(value, list):
        return [make_valid(element) for element in value]
    if not isinstance(value, dict):
        return value
    value = {name: make_valid(member) for name, member in value.items()}
    for start, side in (("x", "width"), ("y", "height")):
        if start in value and side in value:
            value[start] = min(value[start], 1 - value[side])
    # Only a direct upload has both fields. There they declare bytes that are sent later.
    if "size_bytes" in value and "content_type" in value and "image" not in value:
        value["size_bytes"] = min(value["size_bytes"], MAX_UPLOAD_BYTES)
    else:
        value.pop("size_bytes", None)
        if "content_type" in value:
            value["content_type"] = "image/png"
    return value
