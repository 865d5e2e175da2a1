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


def block(readme: str, number: int, world: World) -> str:
    """A block of Python of a README, for this world's server."""
    code = BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))[number]
    assert "http://127.0.0.1:50052" in code
    return str(code.replace("http://127.0.0.1:50052", world.target))


def variables(world: World) -> dict[str, str]:
    return os.environ | {"TOKEN": world.token, "IMAGE_ID": world.image_id}


@pytest.mark.parametrize("readme", ["README.md", "clients/python/README.md"])
def test_the_readme_stores_its_boxes_once(world: World, readme: str) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", block(readme, 0, world)], env=variables(world), check=True)
    boxes = world.server.annotations(world.token, world.image_id)
    assert [(box["label"], box["confidence"], box["model"]) for box in boxes] == [
        ("car", 0.91, "yolo 11"),
        ("bus", 0.77, "yolo 11"),
    ]


def test_the_readme_watches_what_it_has_stored(world: World) -> None:
    code = "".join(block("clients/python/README.md", number, world) for number in range(2))
    command = [sys.executable, "-u", "-c", code]
    with subprocess.Popen(command, env=variables(world), stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "2 boxes\n"
        watcher.kill()
