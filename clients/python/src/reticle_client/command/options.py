"""The arguments of `reticle-ingest`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTION = """\
Stores the annotations of a file in Reticle. FILE is a COCO results file (a list of {image_id, category_id, bbox,
score}), or annotations ({"image_id", "label", "x", "y", "width", "height"}, optionally "confidence" and "model"), as a
JSON list or as one JSON object per line. It is not read into memory as a whole.

COCO results need --annotations-file. Their images are found in Reticle by file name, or by --image-map.

Run it as often as you like: it stores what is not stored yet. It resumes after it was killed, sends rejected rows again
(their image may have been uploaded since), and sends rows whose annotation has changed, by the file, --image-map or
--model; the earlier annotation stays. A stored row is not stored again, also if it is in another file: the folder
--state records what is stored.
"""

_EPILOG = """\
exit codes:
  0    every row is stored
  1    some rows were rejected and reported; all others are stored
  2    the arguments or the file are invalid
  3    stopped: the server rejected the call or was unavailable; run it again to resume
  130  interrupted; run it again to resume

Rejected rows are reported by their number in the file, from 0. --invalid-out writes the rows themselves to a file that
can be corrected and ingested.
"""


@dataclass(frozen=True)
class Options:
    """The parsed arguments."""

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
    max_wait: float
    root_certificates: bytes | None


def parse(arguments: Sequence[str]) -> Options:
    """Parses the arguments. If they are invalid, prints why and exits with code 2."""
    parser = _parser()
    found = parser.parse_args(arguments)
    if not found.token:
        parser.error("a token is missing: set --token or RETICLE_TOKEN")
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
    add("--stream-id", metavar="ID", help="stores again the rows that were stored with another ID or none")
    add("--annotations-file", type=Path, metavar="JSON", help="COCO's images and categories")
    add("--image-map", type=Path, metavar="JSON", help="maps COCO ids or file names to ids in Reticle")
    add(
        "--images-target",
        default=env("RETICLE_IMAGES_URL", images_target),
        metavar="URL",
        help=f"the images service, for file names: RETICLE_IMAGES_URL, or {images_target}",
    )
    add("--model", default="", help="the model's name and version, for rows without a model")
    add("--invalid-out", type=Path, metavar="FILE", help="the file for this run's rejected rows")
    add(
        "--state",
        type=Path,
        default=_state_folder(),
        metavar="FOLDER",
        help="the record of what is stored: RETICLE_STATE, or reticle in XDG_STATE_HOME or ~/.local/state",
    )
    add(
        "--patience",
        dest="max_wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to retry while the server is unavailable (60)",
    )
    add(
        "--root-certificates",
        type=_read_bytes,
        metavar="PEM",
        help="the authorities that verify https:// targets",
    )
    return parser


def _state_folder() -> Path:
    if folder := os.environ.get("RETICLE_STATE"):
        return Path(folder)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "reticle"


def _read_bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
