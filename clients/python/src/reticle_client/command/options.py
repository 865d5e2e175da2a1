"""The arguments of `reticle-ingest`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTION = """\
Streams a file of boxes into Reticle. FILE is a COCO results file (a list of {image_id, category_id, bbox, score}), or
boxes ({"image_id", "label", "x", "y", "width", "height"}, "confidence" and "model" at will), as a JSON list or one on a
line. It is read piece by piece. Run again on the same file, it goes on where it was, and stores nothing twice.

COCO results need --annotations-file. Their images are those of the same file names in Reticle, or as --image-map says.
"""

_EPILOG = """\
exit codes:
  0    every row is stored
  1    every row is done, and some were refused, which was told
  2    the arguments or the file are wrong
  3    broken off: the server refused the call or was out of reach; run it again to go on
  130  interrupted; run it again to go on

Refused rows are told by their place in the file, from 0; --invalid-out keeps the rows themselves, in a file that can
be ingested once they are mended.
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
    add("--stream-id", metavar="ID", help="made of the file's content if absent")
    add("--annotations-file", type=Path, metavar="JSON", help="COCO's images and categories")
    add("--image-map", type=Path, metavar="JSON", help="ids in Reticle, by COCO ids or file names")
    add(
        "--images-target",
        default=env("RETICLE_IMAGES_URL", images_target),
        metavar="URL",
        help=f"where file names are looked up: RETICLE_IMAGES_URL, or {images_target}",
    )
    add("--model", default="", help="the model's name and version, for rows that have none")
    add("--invalid-out", type=Path, metavar="FILE", help="where refused rows are appended")
    add("--patience", type=float, default=60.0, metavar="SECONDS", help="how long to try to reach it (60)")
    add("--root-certificates", type=_bytes, metavar="PEM", help="what https:// targets are checked by")
    return parser


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
