"""Compares the OpenAPI description with the services: bounds.py FOLDER GATEWAY.

Tests each bound, pattern and length in the description with requests that are valid except for one field: a value that
satisfies the rule must not be rejected for that field, and a value that violates it must be rejected with the field's name.
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
# Each request has its own stream.
STREAMS = itertools.count()
# Texts that violate at least one of the patterns.
TEXTS = ["", "\x07", "\x7f", "a\x85b", "..", "a/b", "a b", "0" * 32, "A" * 32, "g" * 32, "0" * 64, "-1", "photo.jpg"]
# Characters that separate lines or change the direction of text: the limits of each range, and their neighbors.
TEXTS += [f"cat{mark}gnp" for mark in "\u061b\u061c\u200d\u200e\u200f\u2010\u2027\u2028\u2029\u202a\u202e\u202f\u2065\u2066\u2069\u206a"]
# The highest offset of a stream, and the next number.
TEXTS += ["999999999999", "1000000000000"]
# The length of a name is that of the last segment of a path.
TEXTS += ["n" * 255, "n" * 256, "a/b\\" + "n" * 255, "a/" + "n" * 256, "a/..", "..a", "a/", "a\u2028b"]
# Media types: of accepted formats, their aliases, of other formats, and invalid ones.
TEXTS += ["image/jpeg", "image/x-ms-bmp; a=b", "image/tif", "image/x-tif", "image/heic", "image/svg+xml", "text/html"]
TEXTS += ["IMAGE/Jpeg", " \timage/png\t ;\u2028", "\u3000image/png", "image/", "Image/SVG+xml;", "Binary/octet-stream"]
# Less than the tolerance of 1e-6 for x + width > 1: bounds have no tolerance.
STEP = 1e-9
# Operations that need a signature, that delete records, or that do not end.
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
                # A path parameter has another name than the message's field `id`.
                named = field in rejected or (field.endswith("_id") and "id" in rejected)
                # An invalid mask is reported by the names in it.
                named |= field == "update_mask" and bool(rejected)
                if named == keeps or (not keeps and status not in (400, 415)):
                    verb = "rejected" if keeps else f"not rejected by name ({status}, {rejected})"
                    wrong.append(f"{operation['operationId']}: {field} of {request.value!r:.60} is {verb}")
    print(f"{tried} values tested")
    if tried < 150 or wrong:
        sys.exit("\n".join(wrong) or "too few values")


class Request:
    """One request, and the tested value."""

    def __init__(self, method, path, query, body, value=None):
        self.method, self.path, self.query, self.body, self.value = method, path, query, body, value

    def with_value(self, place, name, value):
        """The same request with that value in a path or query parameter, or at a path in the body."""
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
            # The longest valid side begins at 0.
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
        response = CONNECTION.getresponse()
        body = json.load(response)
        if response.status < 300:
            # A stream stores what is valid, and reports the rest.
            invalid = body.get("invalid", [])
            return 400 if invalid else response.status, {each["field"] for each in invalid}
        if body["error"].startswith("The declared content type must"):
            return response.status, {"content_type"}
        fields = [violation["field"] for detail in body["details"] for violation in detail.get("field_violations", [])]
        return response.status, {re.sub(r"\[\d+\]$", "", field).rpartition(".")[2] for field in fields}


class Operation:
    """An operation, and a valid request of it."""

    def __init__(self, document, method, path, operation):
        self.document = document
        self.parameters = [p for p in operation.get("parameters", []) if p["in"] in ("path", "query")]
        content = operation.get("requestBody", {}).get("content", {})
        self.schema = self.resolve(content.get("application/json", {}).get("schema"))
        body = None if self.schema is None else self.example(self.schema)
        # Send a form: with a raw file as the body, headers would override the query.
        if "multipart/form-data" in content:
            body = form()
        self.request = Request(method, path, {}, body)

    def trials(self):
        """Requests, the field that each tests, and whether its value satisfies the field's rules."""
        for parameter in self.parameters:
            # Without this segment, the path would be another one.
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
            given = {n: f for n, f in known.items() if "examples" in f or f.get("type") == "array"}
            return {name: self.example(field) for name, field in given.items()}
        return schema["examples"][0]

    def resolve(self, schema):
        if schema and "$ref" in schema:
            return self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


def values(schema, texts, example=None):
    """Values, and whether each satisfies the rules."""
    step = 1 if schema.get("type") == "integer" else STEP
    for bound, sign in (("minimum", -1), ("maximum", 1)):
        # Values past the bounds of the type itself cannot be sent.
        if bound in schema and abs(schema[bound]) < 2**31 - 1:
            # The declared size must be the real size of the file.
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
            # A well-formed id may not exist, so only malformed ids are tested.
            if schema.get("format") not in IDS or not keeps(schema, text):
                yield text, keeps(schema, text)


def keeps(schema, text):
    length_fits = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    # Python's `$` also matches before a final line break; `\Z` does not.
    return length_fits and re.search(schema.get("pattern", "").replace("$", r"\Z"), text) is not None


def quote(text):
    return urllib.parse.quote(text, safe="")


def default_id(name):
    kind = "annotation-id" if name == "annotation_id" else "image-id"
    return f"run-{next(STREAMS)}" if name == "stream_id" else IDS[kind][0]


main()
