"""Reads JSON files of any length value by value, with one value and one chunk in memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

CHUNK = 64 * 1024
# The longest value, in characters.
MAX_VALUE = 16 * 1024 * 1024
# How many characters after a number are needed to know that it ends there.
LOOK_AHEAD = 3

_SPACE = " \t\n\r"


class InvalidJson(ValueError):
    """The file is not valid JSON, or has another structure than expected."""


class JsonStream:
    """A cursor into a JSON text."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """Returns the next character that is not white space; an empty text at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """Reads the next value."""
        if not self.peek():
            raise InvalidJson("the file ends before the JSON value is complete")
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise InvalidJson("a value is nested too deeply") from None
            except json.JSONDecodeError as error:
                # The value is invalid, or not read completely yet.
                if len(self._text) - self._at > MAX_VALUE or not self._more():
                    start = self._text[self._at : self._at + 40]
                    raise InvalidJson(f"{error.msg} in the value that begins with {start!r}") from None
                continue
            # A number may continue in the next chunk, as `1` or `1e+` may.
            if end + LOOK_AHEAD <= len(self._text) or not self._more():
                self._at = end
                return value

    def items(self) -> Iterator[Any]:
        """Yields the elements of the next value, which must be an array."""
        self._take("[")
        if self.peek() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self.peek() == "]":
                self._take("]")
                return
            self._take(",")

    def members(self) -> Iterator[str]:
        """Yields the names of the next value, which must be an object. The caller reads each value before the next."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise InvalidJson(f"the name of a member must be a string, not {name!r}")
            self._take(":")
            yield name
            if self.peek() == "}":
                self._take("}")
                return
            self._take(",")

    def skip(self) -> None:
        """Skips the next value; an array element by element."""
        if self.peek() == "[":
            for _ in self.items():
                pass
        else:
            self.value()

    def end(self) -> None:
        """Checks that the file ends here."""
        if rest := self.peek():
            raise InvalidJson(f"{rest!r} follows the end of the JSON value")

    def _take(self, wanted: str) -> None:
        found = self.peek()
        if found != wanted:
            raise InvalidJson(
                f"{wanted!r} is missing before {found!r}"
                if found
                else "the file ends before the JSON value is complete"
            )
        self._at += 1

    def _more(self) -> bool:
        """Reads at least the number of buffered bytes, so that the attempts to parse a long value stay few."""
        rest = self._text[self._at :]
        chunk = b"" if self._ended else self._file.read(max(CHUNK, len(rest)))
        try:
            decoded = self._decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            raise InvalidJson(f"the file is not UTF-8: {error.reason}") from None
        if not chunk:
            self._ended = True
            return False
        self._text, self._at = rest + decoded, 0
        return True
