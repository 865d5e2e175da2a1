"""Compares the description of the API with the services: bounds.py FOLDER GATEWAY.

Each bound, pattern and length that the description states is tried by a request that is valid but for that field: a value
that keeps the rule must not be rejected for that field, and one that breaks it must be, by the field's name.
"""

import copy
import http.client
import itertools
import json
import os
import re
import sys
import urllib.parse
import urllib.request

from images import form

GATEWAY = sys.argv[2].rstrip("/")
CONNECTION = http.client.HTTPConnection(urllib.parse.urlsplit(GATEWAY).netloc)
IDS = {"image-id": os.environ["IMAGE_IDS"].split(), "annotation-id": os.environ["ANNOTATION_IDS"].split()}
# Each request has a stream of its own.
STREAMS = itertools.count()
# Texts that one pattern or another does not allow.
TEXTS = ["", "\x07", "\x7f", "a\x85b", "..", "a/b", "a b", "0" * 32, "A" * 32, "g" * 32, "0" * 64, "-1", "photo.jpg"]
# What changes the direction of text: the edges of each range, and what is beside them.
TEXTS += [f"cat{mark}gnp" for mark in "\u061b\u061c\u200d\u200e\u200f\u2010\u202a\u202e\u202f\u2065\u2066\u2069\u206a"]
# A name is as long as the last segment of a path.
TEXTS += ["n" * 255, "n" * 256, "a/b\\" + "n" * 255, "a/" + "n" * 256, "a/..", "..a", "a/", "a\u2028b"]
# Media types: of a format that is stored, as programs also call it, of none, and none.
TEXTS += ["image/jpeg", "image/x-ms-bmp; a=b", "image/tif", "image/x-tif", "image/heic", "image/svg+xml", "text/html"]
TEXTS += ["IMAGE/Jpeg", " \timage/png\t ;\u2028", "\u3000image/png", "image/", "Image/SVG+xml;", "Binary/octet-stream"]
# Less than the millionth that the service forgives where x + width passes 1: a bound forgives nothing.
STEP = 1e-9
# What needs a signature fails without one, what is deleted is gone, and a watch does not end.
LEFT_OUT = {"PutUpload", "WatchAnnotations", "DownloadImage", "DownloadImage2", "DeleteAnnotation"}
LEFT_OUT |= {"DeleteImage", "CompleteUpload"}


def main():
    document = json.load(urllib.request.urlopen(f"{GATEWAY}/openapi.json"))
    tried, wrong = 0, []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] in LEFT_OUT or operation.get("deprecated"):
                continue
            for request, field, keeps in Operation(document, method, path, operation).trials():
                tried += 1
                status, rejected = request.send()
                # A path has another name for what a message calls its `id`.
                named = field in rejected or (field.endswith("_id") and "id" in rejected)
                # What is wrong with a mask is told by the names in it.
                named |= field == "update_mask" and bool(rejected)
                if named == keeps or (not keeps and status not in (400, 415)):
                    verb = "rejected" if keeps else f"not rejected by name ({status}, {rejected})"
                    wrong.append(f"{operation['operationId']}: {field} of {request.value!r:.60} is {verb}")
    print(f"{tried} values tried")
    if tried < 150 or wrong:
        sys.exit("\n".join(wrong) or "too few")


class Request:
    """One request, and the value that is tried."""

    def __init__(self, method, path, query, body, value=None):
        self.method, self.path, self.query, self.body, self.value = method, path, query, body, value

    def with_value(self, place, name, value):
        """The same request with that value at a place: a parameter's, or a path in the body."""
        path, query, body = self.path, dict(self.query), copy.deepcopy(self.body)
        if place == "path":
            path = path.replace("{" + name + "}", quote(value))
        elif place == "query":
            query[name] = value
        else:
            holder = body
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1]] = value
            # The longest side begins at the edge.
            if (start := {"width": "x", "height": "y"}.get(place[-1])) in holder:
                holder[start] = 0
        return Request(self.method, path, query, body, value)

    def send(self):
        """The status, and the names of the fields that were rejected."""
        path = re.sub(r"\{(\w+)\}", lambda name: quote(default_id(name[1])), self.path)
        query = urllib.parse.urlencode(self.query)
        content, kind = self.body, "multipart/form-data; boundary=boundary"
        if not isinstance(content, bytes):
            content, kind = None if content is None else json.dumps(content).encode(), "application/json"
        headers = {"authorization": f"Bearer {os.environ['TOKEN']}", "content-type": kind}
        CONNECTION.request(self.method.upper(), f"{path}?{query}", content, headers)
        answer = CONNECTION.getresponse()
        body = json.load(answer)
        if answer.status < 300:
            # A stream stores what is valid, and reports the rest.
            invalid = body.get("invalid", [])
            return 400 if invalid else answer.status, {each["field"] for each in invalid}
        if body["error"].startswith("The declared content type must"):
            return answer.status, {"content_type"}
        fields = [violation["field"] for detail in body["details"] for violation in detail.get("field_violations", [])]
        return answer.status, {re.sub(r"\[\d+\]$", "", field).rpartition(".")[2] for field in fields}


class Operation:
    """An operation, and a request of it that is valid."""

    def __init__(self, document, method, path, operation):
        self.document = document
        self.parameters = [p for p in operation.get("parameters", []) if p["in"] in ("path", "query")]
        content = operation.get("requestBody", {}).get("content", {})
        self.schema = self.resolve(content.get("application/json", {}).get("schema"))
        body = None if self.schema is None else self.example(self.schema)
        # A body that is the file alone has headers that say more than the query.
        if "multipart/form-data" in content:
            body = form()
        self.request = Request(method, path, {}, body)

    def trials(self):
        """Requests, the field that each is about, and whether it keeps the field's rules."""
        for parameter in self.parameters:
            # A path without a segment is another path.
            texts = [text for text in TEXTS if text not in ("", "..")] if parameter["in"] == "path" else TEXTS[1:]
            name = parameter["name"]
            for value, keeps in values(parameter["schema"], texts):
                if parameter["in"] != "path" or (value and not keeps):
                    yield self.request.with_value(parameter["in"], name, value), name, keeps
        if self.schema is not None:
            for place, schema in self.fields(self.schema, ()):
                for value, keeps in values(schema, TEXTS, lambda: self.example(schema)):
                    yield self.request.with_value(place, None, value), place[-1], keeps

    def fields(self, schema, place):
        for name, field in schema.get("properties", {}).items():
            field = self.resolve(field)
            yield (*place, name), field
            items = self.resolve(field.get("items"))
            if items and items.get("type") == "object":
                yield from self.fields(items, (*place, name, 0))

    def example(self, schema):
        schema = self.resolve(schema)
        if schema.get("type") == "array":
            return [self.example(schema["items"]) for _ in range(schema.get("minItems", 1))]
        if schema.get("format") in IDS:
            return IDS[schema["format"]][0]
        if "properties" in schema:
            known = {name: self.resolve(field) for name, field in schema["properties"].items()}
            said = {n: f for n, f in known.items() if "examples" in f or f.get("type") == "array"}
            return {name: self.example(field) for name, field in said.items()}
        return schema["examples"][0]

    def resolve(self, schema):
        if schema and "$ref" in schema:
            return self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


def values(schema, texts, example=None):
    """Values, and whether each keeps the rules."""
    step = 1 if schema.get("type") == "integer" else STEP
    for bound, sign in (("minimum", -1), ("maximum", 1)):
        # The bounds of the type itself cannot be passed.
        if bound in schema and abs(schema[bound]) < 2**31 - 1:
            # The size of an upload is that of its bytes.
            yield from [(schema[bound], True)] if schema.get("format") != "upload-size" else []
            yield schema[bound] + sign * step, False
    if schema.get("type") == "array" and example:
        for bound, past in (("minItems", -1), ("maxItems", 1)):
            if bound in schema:
                one = example()[:1]
                yield one * schema[bound], True
                yield one * (schema[bound] + past), False
    if schema.get("type") == "string" and ("pattern" in schema or "maxLength" in schema):
        filler = schema.get("examples", ["x"])[0][:1]
        lengths = [n for n in (schema.get("maxLength"), schema.get("minLength")) if n is not None]
        for text in [*texts, *(filler * (n + more) for n in lengths for more in (-1, 0, 1) if n + more >= 0)]:
            # An id may be well formed, and nothing's.
            if schema.get("format") not in IDS or not keeps(schema, text):
                yield text, keeps(schema, text)


def keeps(schema, text):
    fits = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    # `$` is the end, also of a text that ends with a line break.
    return fits and re.search(schema.get("pattern", "").replace("$", r"\Z"), text) is not None


def quote(text):
    return urllib.parse.quote(text, safe="")


def default_id(name):
    kind = "annotation-id" if name == "annotation_id" else "image-id"
    return f"run-{next(STREAMS)}" if name == "stream_id" else IDS[kind][0]


main()
