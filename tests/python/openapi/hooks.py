"""What schemathesis has to know beside the description: which texts this server has made, and what holds between fields."""

import os

import schemathesis
from hypothesis import strategies as st
from images import png

# The largest file that the server takes by default.
LARGEST = 10 * 1024 * 1024


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
    """An annotation lies within its image, what is declared of a file is so, and there is one entity tag."""
    case.body = possible(case.body)
    if case.headers and "if-match" in case.headers and isinstance(case.body, dict):
        case.body.pop("etag", None)
    if case.query:
        # A mask names what the body must have: without one, it is what the body has.
        for name in ("size_bytes", "update_mask"):
            case.query.pop(name, None)
        if "content_type" in case.query:
            case.query["content_type"] = "image/png"


def possible(value):
    if isinstance(value, list):
        return [possible(element) for element in value]
    if not isinstance(value, dict):
        return value
    value = {name: possible(member) for name, member in value.items()}
    for start, side in (("x", "width"), ("y", "height")):
        if start in value and side in value:
            value[start] = min(value[start], 1 - value[side])
    # Only a direct upload has both: there they are about bytes that come later.
    if "size_bytes" in value and "content_type" in value and "image" not in value:
        value["size_bytes"] = min(value["size_bytes"], LARGEST)
    else:
        value.pop("size_bytes", None)
        if "content_type" in value:
            value["content_type"] = "image/png"
    return value
