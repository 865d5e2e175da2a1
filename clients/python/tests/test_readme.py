"""The Python examples of the READMEs work."""

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
    """Returns a Python example of a README, with the address of this world's server."""
    code = BLOCK.findall((ROOT / readme).read_text(encoding="utf-8"))[number]
    assert "http://127.0.0.1:50052" in code
    return str(code.replace("http://127.0.0.1:50052", world.target))


def variables(world: World) -> dict[str, str]:
    return os.environ | {"TOKEN": world.token, "IMAGE_ID": world.image_id}


def run(code: str, world: World, folder: Path) -> str:
    """Runs the code as a program; returns its warnings."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=variables(world), cwd=folder, check=True, stderr=subprocess.PIPE, text=True
    )
    return done.stderr


def found(world: World) -> list[tuple[str, float, str]]:
    stored = world.server.annotations(world.token, world.image_id)
    return [(annotation["label"], annotation["confidence"], annotation["model"]) for annotation in stored]


both = pytest.mark.parametrize("readme", ["README.md", "clients/python/README.md"])


@both
def test_the_readme_s_camera_sends_new_annotations_each_time(
    world: World, tmp_path: Path, readme: str
) -> None:
    for _ in range(2):
        assert run(block(readme, 0, world), world, tmp_path) == ""
    assert found(world) == [("car", 0.91, "yolo 11"), ("bus", 0.77, "yolo 11")] * 2


@both
def test_the_readme_s_job_stores_its_annotations_once(world: World, tmp_path: Path, readme: str) -> None:
    code, file = block(readme, 1, world), tmp_path / "detections.jsonl"
    line = next(line for line in code.splitlines() if line.startswith("# {"))
    first = line.removeprefix("# ").replace("…", f'"{world.image_id}"')
    warnings: list[str] = []
    for annotation in (first, first, first.replace("car", "bus")):
        file.write_text(f"{annotation}\n")
        warnings.append(run(code, world, tmp_path))
    assert ["NothingSent" in warning for warning in warnings] == [False, True, False]
    assert found(world) == [("car", 0.91, "yolo 11"), ("bus", 0.91, "yolo 11")]


def test_the_readme_s_watcher_receives_the_stored_annotations(world: World, tmp_path: Path) -> None:
    readme = "clients/python/README.md"
    run(block(readme, 0, world), world, tmp_path)
    command = [sys.executable, "-u", "-c", block(readme, 2, world)]
    with subprocess.Popen(command, env=variables(world), stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "2 annotations\n"
        watcher.kill()
