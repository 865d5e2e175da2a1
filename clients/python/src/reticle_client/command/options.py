"""The arguments of `reticle-ingest`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTION = """\
Stores a file of boxes in Reticle. FILE is a COCO results file (a list of {image_id, category_id, bbox, score}), or
boxes ({"image_id", "label", "x", "y", "width", "height"}, "confidence" and "model" at will), as a JSON list or one on a
line. It is read piece by piece.

COCO results need --annotations-file. Their images are those of the same file names in Reticle, or as --image-map says.

Run it as often as you like: it stores what is not stored yet. It goes on after it was killed, sends rejected rows again
(their image may have been uploaded since), and sends rows that mean something else now, as after a change of the file,
of --image-map or of --model; what it stored for their old meaning stays. A row that is stored is not stored again, also
if it comes in another file: what is stored is recorded in the folder --state.
"""

_EPILOG = """\
exit codes:
  0    every row is stored
  1    some rows were rejected, which was reported; all others are stored
  2    the arguments or the file are wrong
  3    broken off: the server rejected the call or was out of reach; run it again to go on
  130  interrupted; run it again to go on

Rejected rows are reported by their place in the file, from 0; --invalid-out keeps the rows themselves, in a file that
can be corrected and ingested.
"""


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    file: Path
    target: str
    token: str
    stream_id: str | None
    annotations_file: Path | None
    image_map: Path | None
    images_target: str
    model: str
    invalid_out: Path | None
    state: Path
    patience: float
    root_certificates: bytes | None


def parse(arguments: Sequence[str]) -> Options:
    """The options; prints what is wrong and ends the program with code 2 if they are."""
    parser = _parser()
    found = parser.parse_args(arguments)
    if not found.token:
        parser.error("a token is needed: --token or RETICLE_TOKEN")
    return Options(**vars(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "reticle-ingest",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, env = parser.add_argument, os.environ.get
    target, images_target = "http://127.0.0.1:50052", "http://127.0.0.1:50051"
    add("file", type=Path, metavar="FILE")
    add("--target", default=env("RETICLE_URL", target), metavar="URL", help=f"RETICLE_URL, or {target}")
    add("--token", default=env("RETICLE_TOKEN", ""), help="RETICLE_TOKEN")
    add(
        "--stream-id", metavar="ID", help="stores rows once more that were stored without it or by another ID"
    )
    add("--annotations-file", type=Path, metavar="JSON", help="COCO's images and categories")
    add("--image-map", type=Path, metavar="JSON", help="ids in Reticle, by COCO ids or file names")
    add(
        "--images-target",
        default=env("RETICLE_IMAGES_URL", images_target),
        metavar="URL",
        help=f"where file names are looked up: RETICLE_IMAGES_URL, or {images_target}",
    )
    add("--model", default="", help="the model's name and version, for rows that have none")
    add("--invalid-out", type=Path, metavar="FILE", help="where this run's rejected rows are written")
    add(
        "--state",
        type=Path,
        default=_state(),
        metavar="FOLDER",
        help="where it is recorded what is stored: RETICLE_STATE, or reticle in XDG_STATE_HOME or ~/.local/state",
    )
    add("--patience", type=float, default=60.0, metavar="SECONDS", help="how long to try to reach it (60)")
    add("--root-certificates", type=_bytes, metavar="PEM", help="what https:// targets are checked by")
    return parser


def _state() -> Path:
    if folder := os.environ.get("RETICLE_STATE"):
        return Path(folder)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "reticle"


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
