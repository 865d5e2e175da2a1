"""`reticle-ingest FILE`: streams a file of boxes into Reticle, and goes on where it was when it is run again."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, BinaryIO, TextIO

from ..box import Box
from ..errors import InvalidArgument, ReticleError
from ..ingest import IngestSession
from .coco import Images, by_file_name, by_map, read_images
from .images import uploaded
from .json_stream import InvalidJson
from .options import Options, parse
from .pending import Pending
from .progress import Progress
from .rows import InvalidRow, read, to_box

DONE, REFUSED_ROWS, WRONG, BROKEN_OFF, INTERRUPTED = 0, 1, 2, 3, 130

_CHUNK = 1024 * 1024
_REDRAW_SECONDS = 0.2
# What takes the place of a row that is no box: the server refuses it, and every row keeps its place.
_NO_BOX = Box(image_id="", label="", x=0.0, y=0.0, width=0.0, height=0.0)


def main() -> None:
    """The command."""
    sys.exit(run(sys.argv[1:], sys.stderr))


def run(arguments: Sequence[str], out: TextIO) -> int:
    """Does what the arguments say, tells `out` of it, and answers the exit code."""
    options = parse(arguments)
    try:
        with ExitStack() as stack:
            file = stack.enter_context(options.file.open("rb"))
            invalid_out = options.invalid_out
            refused = stack.enter_context(invalid_out.open("a", encoding="utf-8")) if invalid_out else None
            progress = Progress(out)
            _log_to(progress)
            return _ingest(options, file, progress, Pending(progress.say, refused))
    except (InvalidArgument, OSError, ValueError) as error:
        print(f"reticle-ingest: {error}", file=out)
        return WRONG
    except ReticleError as error:
        print(f"reticle-ingest: {type(error).__name__}: {error}; run it again to go on", file=out)
        return BROKEN_OFF
    except KeyboardInterrupt:
        print("reticle-ingest: interrupted; run it again to go on", file=out)
        return INTERRUPTED


def _ingest(options: Options, file: BinaryIO, progress: Progress, pending: Pending) -> int:
    images = _images(options)
    content_id, total = _survey(file)
    session = IngestSession(
        options.target,
        options.token,
        options.stream_id or content_id,
        on_invalid=pending.refuse,
        patience=options.patience,
        root_certificates=options.root_certificates,
    )
    try:
        with session:
            known = session.next_offset
            _begin(known, total, progress)
            for offset, row in islice(enumerate(read(file)), known, None):
                box, problem = _boxed(row, images, options.model)
                pending.add(offset, row, problem)
                session.send(box)
                pending.settle(session.durable_offset)
                progress.show(session.durable_offset)
            while not _flushed(session):
                progress.show(session.durable_offset)
    finally:
        pending.settle(session.durable_offset)
    stored = total - known - pending.refused
    progress.say(f"{stored:,} rows stored, {pending.refused:,} refused; all {total:,} are done")
    return REFUSED_ROWS if pending.refused else DONE


def _begin(known: int, total: int, progress: Progress) -> None:
    if known > total:
        raise ValueError(f"the stream is another file's: it has {known:,} rows, and the file {total:,}")
    if known:
        progress.say(f"going on behind {known:,} rows that are done already")
    progress.begin(known, total)


def _boxed(row: Any, images: Images | None, model: str) -> tuple[Box, str | None]:
    """The box to send, and what is wrong with the row."""
    try:
        return to_box(row, images, model), None
    except InvalidRow as invalid:
        return _NO_BOX, str(invalid)


def _flushed(session: IngestSession) -> bool:
    try:
        session.flush(_REDRAW_SECONDS)
    except TimeoutError:
        return False
    return True


def _images(options: Options) -> Images | None:
    if options.annotations_file is None:
        return None
    if options.image_map is None:
        find = by_file_name(uploaded(options.images_target, options.token, options.root_certificates))
    else:
        image_map = json.loads(options.image_map.read_text(encoding="utf-8"))
        if not isinstance(image_map, dict):
            raise InvalidJson(f"{options.image_map} must be one JSON object")
        find = by_map(image_map)
    with options.annotations_file.open("rb") as file:
        return read_images(file, find)


def _survey(file: BinaryIO) -> tuple[str, int]:
    """A name for the content, and how many rows it has. A file that is broken further down is not begun.

    The same content has the same name: who ingests a file twice stores nothing twice.
    """
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    total = sum(1 for _ in read(file))
    file.seek(0)
    return f"sha256-{digest.hexdigest()}", total


def _log_to(progress: Progress) -> None:
    """What the session warns of is printed as the rest is."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress.say(record.getMessage())

    logger = logging.getLogger("reticle_client")
    logger.handlers, logger.propagate = [Lines()], False
