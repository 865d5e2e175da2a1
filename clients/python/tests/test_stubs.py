"""The committed stubs match the .proto files."""

from __future__ import annotations

import runpy
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def test_the_committed_stubs_are_current(tmp_path: Path) -> None:
    runpy.run_path(str(PACKAGE / "generate.py"))["generate"](tmp_path)
    made = tmp_path / "reticle_client/stubs"
    kept = PACKAGE / "src/reticle_client/stubs"
    names = {path.name for path in kept.glob("*_pb2*")}
    assert names == {path.name for path in made.iterdir()}
    old = [name for name in names if (made / name).read_text() != (kept / name).read_text()]
    assert old == [], "run generate.py"
