"""The Python of the READMEs does what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import World

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("readme", ["README.md", "clients/python/README.md"])
def test_the_readme_stores_its_boxes_once(world: World, readme: str) -> None:
    block = BLOCK.search((ROOT / readme).read_text(encoding="utf-8"))
    assert block is not None
    code = block[1].replace("http://127.0.0.1:50052", world.target)
    assert code != block[1]
    variables = os.environ | {"TOKEN": world.token, "IMAGE_ID": world.image_id}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env=variables, check=True)
    boxes = world.server.annotations(world.token, world.image_id)
    assert [(box["label"], box["confidence"], box["model"]) for box in boxes] == [
        ("car", 0.91, "yolo 11"),
        ("bus", 0.77, "yolo 11"),
    ]
