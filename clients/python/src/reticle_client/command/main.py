"""`reticle-ingest FILE`: stores the annotations of a file in Reticle, each once, also when it is run again."""

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

DONE, REJECTED_ROWS, USAGE, STOPPED, INTERRUPTED = 0, 1, 2, 3, 130


def main() -> None:
    """Runs the command and exits."""
    sys.exit(run(sys.argv[1:], sys.stderr))


def run(arguments: Sequence[str], out: TextIO) -> int:
    """Runs the command, reports to `out`, and returns the exit code."""
    options = parse(arguments)
    progress = Progress(out)
    try:
        _log_to(progress)
        return _ingest(options, progress)
    except sqlite3.Error as error:
        progress.print(f"reticle-ingest: the ledger in {options.state}: {error}; run it again to resume")
        return STOPPED
    except (InvalidArgument, OSError, ValueError) as error:
        progress.print(f"reticle-ingest: {error}")
        return USAGE
    except ReticleError as error:
        progress.print(f"reticle-ingest: {type(error).__name__}: {error}; run it again to resume")
        progress.print_durable()
        return STOPPED
    except KeyboardInterrupt:
        progress.print("reticle-ingest: interrupted; run it again to resume")
        progress.print_durable()
        return INTERRUPTED


def _ingest(options: Options, progress: Progress) -> int:
    server = Server(options.target, options.token, options.max_wait, options.root_certificates)
    _check_invalid_out(options)
    with options.file.open("rb") as file, closing(Ledger(_ledger_path(options))) as ledger:
        spool = Spool(ledger, keep_rows=options.invalid_out is not None)
        spool.load(read(file), _images(options), options.model)
        job = Job(server, options.stream_id or "ingest", ledger, spool, progress)
        job.run()
        _report_rejections(options.invalid_out, spool, progress)
        return _report(spool, job.stored_now, progress)


def _report(spool: Spool, now: int, progress: Progress) -> int:
    """Prints the counts. A row counts as stored only if the ledger has it as stored."""
    stored = spool.stored()
    rejected = spool.total - stored
    progress.print(
        f"{spool.total:,} rows: {now:,} stored now, {stored - now:,} stored before, {rejected:,} rejected"
    )
    if rejected:
        progress.print(
            "Rejected rows are not stored. Correct them and run it again: each run sends rejected rows again."
        )
    return REJECTED_ROWS if rejected else DONE


def _check_invalid_out(options: Options) -> None:
    """Raises an error if the rejected rows cannot be written. They are known only after all others are stored."""
    path = options.invalid_out
    if path is None:
        return
    if options.file.resolve() in (path.resolve(), _unfinished(path).resolve()):
        raise ValueError("--invalid-out must be another file than FILE")
    if path.is_dir():
        raise ValueError("--invalid-out must be a file, not a folder")
    # Does not empty the file: another run may be writing it.
    _unfinished(path).open("a").close()


def _unfinished(path: Path) -> Path:
    """The file that replaces `path` once it is complete."""
    return path.with_name(path.name + ".part")


def _report_rejections(path: Path | None, spool: Spool, progress: Progress) -> None:
    """Prints the rejected rows, or writes them to `path` and replaces those of an earlier run."""
    if path is None:
        for place, reasons, _ in spool.rejections():
            progress.print(f"row {place}: {'; '.join(reasons)}")
        return
    unfinished = _unfinished(path)
    with unfinished.open("w", encoding="utf-8") as out:
        for place, reasons, row in spool.rejections():
            out.write(json.dumps({"offset": place, "reasons": reasons, "row": row}) + "\n")
    unfinished.replace(path)


def _ledger_path(options: Options) -> Path:
    return ledger_path(options.state, options.target, _user(options.token), options.stream_id or "")


def _user(token: str) -> str:
    """Returns the user: the token's `sub`, not verified, or the token itself if it cannot be decoded."""
    try:
        claims = token.split(".")[1]
        return str(json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"])
    except (IndexError, KeyError, TypeError, ValueError):
        return token


def _images(options: Options) -> Images | None:
    if options.annotations_file is None:
        return None
    if options.image_map is None:
        server = Server(options.images_target, options.token, options.max_wait, options.root_certificates)
        find = by_file_name(server.images())
    else:
        image_map = json.loads(options.image_map.read_text(encoding="utf-8"))
        if not isinstance(image_map, dict):
            raise InvalidJson(f"{options.image_map} must be one JSON object")
        find = by_map(image_map)
    with options.annotations_file.open("rb") as file:
        return read_images(file, find)


def _log_to(progress: Progress) -> None:
    """Prints the session's log records as lines of the command."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            progress.print(record.getMessage())

    logger = logging.getLogger("reticle_client")
    logger.handlers, logger.propagate = [Lines()], False
