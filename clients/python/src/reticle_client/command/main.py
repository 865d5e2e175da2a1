"""`reticle-ingest FILE`: stores a file of boxes in Reticle, each once, however often it is run."""

from __future__ import annotations

import json
import logging
import sqlite3
import sys
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TextIO

from ..errors import InvalidArgument, ReticleError
from .calls import Server
from .coco import Images, by_file_name, by_map, read_images
from .job import Job
from .json_stream import InvalidJson
from .ledger import Ledger, ledger_path
from .options import Options, parse
from .progress import Progress
from .rows import read
from .spool import Spool

DONE, REJECTED_ROWS, WRONG, BROKEN_OFF, INTERRUPTED = 0, 1, 2, 3, 130


def main() -> None:
    """The command."""
    sys.exit(run(sys.argv[1:], sys.stderr))


def run(arguments: Sequence[str], out: TextIO) -> int:
    """Does what the arguments say, reports to `out`, and returns the exit code."""
    options = parse(arguments)
    progress = Progress(out)
    try:
        _log_to(progress)
        return _ingest(options, progress)
    except sqlite3.Error as error:
        progress.say(f"reticle-ingest: the record in {options.state}: {error}; run it again to go on")
        return BROKEN_OFF
    except (InvalidArgument, OSError, ValueError) as error:
        progress.say(f"reticle-ingest: {error}")
        return WRONG
    except ReticleError as error:
        progress.say(f"reticle-ingest: {type(error).__name__}: {error}; run it again to go on")
        progress.say_how_far()
        return BROKEN_OFF
    except KeyboardInterrupt:
        progress.say("reticle-ingest: interrupted; run it again to go on")
        progress.say_how_far()
        return INTERRUPTED


def _ingest(options: Options, progress: Progress) -> int:
    server = Server(options.target, options.token, options.patience, options.root_certificates)
    if options.invalid_out is not None and options.invalid_out.resolve() == options.file.resolve():
        raise ValueError("--invalid-out must be another file than FILE")
    with options.file.open("rb") as file, closing(Ledger(_ledger_path(options))) as ledger:
        spool = Spool(ledger, keep_rows=options.invalid_out is not None)
        spool.load(read(file), _images(options), options.model)
        job = Job(server, options.stream_id or "ingest", ledger, spool, progress)
        job.run()
        _report_rejections(options.invalid_out, spool, progress)
        return _report(spool, job.stored_now, progress)


def _report(spool: Spool, now: int, progress: Progress) -> int:
    """Counts what the ledger knows to be stored: everything else is not."""
    stored = spool.stored()
    rejected = spool.total - stored
    progress.say(
        f"{spool.total:,} rows: {now:,} stored now, {stored - now:,} stored before, {rejected:,} rejected"
    )
    if rejected:
        progress.say(
            "Rejected rows are not stored. Correct what is wrong and run it again: it sends them again."
        )
    return REJECTED_ROWS if rejected else DONE


def _report_rejections(path: Path | None, spool: Spool, progress: Progress) -> None:
    """Prints the rejected rows, or writes them to `path` in place of those of an earlier run."""
    if path is None:
        for place, reasons, _ in spool.rejections():
            progress.say(f"row {place}: {'; '.join(reasons)}")
        return
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8") as out:
        for place, reasons, row in spool.rejections():
            out.write(json.dumps({"offset": place, "reasons": reasons, "row": row}) + "\n")
    unfinished.replace(path)


def _ledger_path(options: Options) -> Path:
    return ledger_path(options.state, options.target, _user(options.token), options.stream_id or "")


def _user(token: str) -> str:
    """Whose annotations they are: a token's `sub`, unchecked; the token itself if there is none to be seen."""
    try:
        claims = token.split(".")[1]
        return str(json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return token


def _images(options: Options) -> Images | None:
    if options.annotations_file is None:
        return None
    if options.image_map is None:
        server = Server(options.images_target, options.token, options.patience, options.root_certificates)
        find = by_file_name(server.images())
    else:
        image_map = json.loads(options.image_map.read_text(encoding="utf-8"))
        if not isinstance(image_map, dict):
            raise InvalidJson(f"{options.image_map} must be one JSON object")
        find = by_map(image_map)
    with options.annotations_file.open("rb") as file:
        return read_images(file, find)


def _log_to(progress: Progress) -> None:
    """What the session warns of is printed as the rest is."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress.say(record.getMessage())

    logger = logging.getLogger("reticle_client")
    logger.handlers, logger.propagate = [Lines()], False
