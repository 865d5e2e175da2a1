"""`reticle-ingest` as it is installed: files, exit codes and output."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import World

COMMAND = Path(sys.executable).with_name("reticle-ingest")


def arguments(world: World, file: Path, *more: str) -> list[str]:
    images = f"http://{world.server.addresses['images']}"
    target = ["--target", world.target, "--images-target", images, "--token", world.token]
    state = ["--state", str(file.parent / "state")]
    return [str(COMMAND), *target, *state, str(file), *more]


def ingest(world: World, file: Path, *more: str) -> tuple[int, str]:
    """Returns the exit code and the output."""
    done = subprocess.run(arguments(world, file, *more), stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def report(total: int, *, now: int = 0, before: int = 0, rejected: int = 0) -> str:
    """Returns the last lines of the output."""
    counts = f"{total:,} rows: {now:,} stored now, {before:,} stored before, {rejected:,} rejected\n"
    advice = (
        "Rejected rows are not stored. Correct them and run it again: each run sends rejected rows again.\n"
    )
    return counts + (advice if rejected else "")


def written(path: Path, rows: Iterable[Any]) -> Path:
    """Writes a file of rows, one per line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(world: World, number: int, **fields: Any) -> dict[str, Any]:
    annotation = {
        "image_id": world.image_id,
        "label": str(number),
        "x": 0.1,
        "y": 0.2,
        "width": 0.3,
        "height": 0.4,
    }
    return annotation | fields


def test_coco_results_find_their_images_by_file_name_and_are_stored_once(
    world: World, tmp_path: Path
) -> None:
    other = world.server.new_image(world.token, "b.png")
    instances, results = tmp_path / "instances.json", tmp_path / "results.json"
    images = [
        {"id": 1, "file_name": "val/a.png", "width": 200, "height": 100},
        {"id": 2, "file_name": "b.png", "width": 64, "height": 64},
    ]
    categories = [{"id": 3, "name": "car"}, {"id": 9, "name": "traffic light"}]
    instances.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
    found = [
        {"image_id": 1, "category_id": 9, "bbox": [20, 10, 100, 50], "score": 0.75},
        {"image_id": 2, "category_id": 3, "bbox": [0, 0, 64, 32], "score": 0.5},
    ]
    results.write_text(json.dumps(found))
    options = ["--annotations-file", str(instances), "--model", "yolo 11"]
    assert ingest(world, results, *options) == (0, report(2, now=2))
    stored = world.server.annotations(world.token, world.image_id) + world.server.annotations(
        world.token, other
    )
    names = ("label", "x", "y", "width", "height", "confidence", "model")
    assert [[annotation[name] for name in names] for annotation in stored] == [
        ["traffic light", 0.1, 0.1, 0.5, 0.5, 0.75, "yolo 11"],
        ["car", 0, 0, 1, 0.5, 0.5, "yolo 11"],
    ]
    assert ingest(world, results, *options) == (0, report(2, before=2))
    assert len(world.labels()) == 1
    image_map = tmp_path / "map.json"
    image_map.write_text(json.dumps({"1": world.image_id, "b.png": world.image_id}))
    assert ingest(world, results, *options, "--image-map", str(image_map), "--stream-id", "anew")[0] == 0
    assert len(world.labels()) == 3


def test_rejected_rows_are_reported_and_can_be_corrected(world: World, tmp_path: Path) -> None:
    rows = [
        row(world, 0),
        row(world, 1, width=3),
        {"label": "\ud800"},
        row(world, 3),
        row(world, 4, label=""),
    ]
    file, rejected = written(tmp_path / "rows.jsonl", rows), tmp_path / "rejected.jsonl"
    code, printed = ingest(world, file, "--stream-id", "again")
    assert code == 1
    assert printed.splitlines() == [
        "row 1: width must be between 0.001 and 1",
        "row 2: height is missing",
        "row 4: label must be 1 to 100 characters",
        *report(5, now=2, rejected=3).splitlines(),
    ]
    for now in (2, 0):
        code, printed = ingest(world, file, "--invalid-out", str(rejected))
        assert (code, printed) == (1, report(5, now=now, before=2 - now, rejected=3))
    kept = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [line["row"] for line in kept] == [rows[1], rows[2], rows[4]]
    assert kept[0]["reasons"] == ["width must be between 0.001 and 1"]
    for line, mended in zip(kept, (1, 2, 4), strict=True):
        line["row"] = row(world, mended)
    assert ingest(world, written(rejected, kept)) == (0, report(3, now=3))
    assert sorted(world.labels()) == ["0", "0", "1", "2", "3", "3", "4"]


def test_nothing_of_a_file_with_invalid_json_is_sent(world: World, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", [row(world, number) for number in range(3)])
    with file.open("a") as end:
        end.write('{"image_id": ')
    code, printed = ingest(world, file)
    assert (code, printed) == (
        2,
        "reticle-ingest: Expecting value in the value that begins with '{\"image_id\": '\n",
    )
    assert world.labels() == []


def run_with_kills(world: World, file: Path, seed: int) -> tuple[int, str]:
    """Runs the command and kills it until a run ends by itself; returns its exit code and its output.

    The first kill comes as soon as the server has an annotation, the others at times that vary.
    """
    source = random.Random(seed)
    with subprocess.Popen(arguments(world, file), stderr=subprocess.DEVNULL, text=True) as command:
        while not world.has_annotations():
            assert command.poll() is None
        command.kill()
    assert command.returncode == -signal.SIGKILL, "the command ended before the first kill"
    for kills in count(1):
        with subprocess.Popen(arguments(world, file), stderr=subprocess.PIPE, text=True) as command:
            try:
                # The time grows with each kill, so that a slow machine finishes, too.
                _, printed = command.communicate(timeout=source.uniform(0.3, 0.5) * 1.6**kills)
            except subprocess.TimeoutExpired:
                command.kill()
                command.communicate()
        if command.returncode != -signal.SIGKILL:
            break
    return command.returncode, printed


def test_a_killed_command_resumes_when_it_is_run_again(world: World, tmp_path: Path) -> None:
    total = 20_000
    file = written(tmp_path / "rows.jsonl", (row(world, number) for number in range(total)))
    code, printed = run_with_kills(world, file, seed=3)
    assert code == 0, printed
    assert world.labels() == [str(number) for number in range(total)]


def test_memory_does_not_grow_with_the_file(world: World, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        file = written(tmp_path / "rows.jsonl", (row(world, number) for number in range(count)))
        command = subprocess.Popen(arguments(world, file), stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(command.pid, 0)
        command.returncode = os.waitstatus_to_exitcode(status)
        assert command.returncode == 0
        return usage.ru_maxrss

    # As Python objects, the additional rows would take 40 MB.
    assert peak(70_000) - peak(30_000) < 10_000


def test_a_terminal_shows_a_progress_bar(world: World, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", (row(world, number) for number in range(3_000)))
    terminal, end = pty.openpty()
    with subprocess.Popen(arguments(world, file), stderr=end) as command:
        os.close(end)
        printed = b""
        try:
            while data := os.read(terminal, 65536):
                printed += data
        except OSError:
            # Linux raises it when the other side has closed.
            os.close(terminal)
    assert command.returncode == 0
    assert b"of 3,000 rows durable, " in printed
    assert printed.endswith(f"\r\x1b[K{report(3_000, now=3_000)[:-1]}\r\n".encode())


def test_a_failed_command_prints_why_and_exits_with_its_code(world: World, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", [row(world, 0)])
    missing = tmp_path / "missing.jsonl"
    code, printed = ingest(world, missing)
    assert (code, printed) == (2, f"reticle-ingest: [Errno 2] No such file or directory: '{missing}'\n")
    code, printed = ingest(world, file, "--target", "127.0.0.1:1")
    assert code == 2
    assert "must be http://HOST:PORT" in printed
    code, printed = ingest(world, file, "--stream-id", "a/b")
    assert code == 2
    assert printed.startswith("reticle-ingest: stream_id must be ")
    code, printed = ingest(world, file, "--token", "nonsense")
    assert code == 3
    assert printed.startswith("reticle-ingest: Unauthenticated: ")
    code, printed = ingest(world, file, "--target", "http://127.0.0.1:1", "--patience", "0")
    assert code == 3
    assert printed.startswith("reticle-ingest: Unavailable: gave up after 0 s: ")
    assert ingest(world, file, "--token", "")[0] == 2
    code, printed = ingest(world, file, "--invalid-out", str(file))
    assert (code, printed) == (2, "reticle-ingest: --invalid-out must be another file than FILE\n")
    code, printed = ingest(world, file, "--target", f"http://{world.server.addresses['images']}")
    assert code == 3
    assert "does not serve reticle.annotations.v1.AnnotationsService" in printed
    for rejected in (tmp_path / "missing" / "rejected.jsonl", tmp_path):
        code, printed = ingest(world, file, "--invalid-out", str(rejected))
        assert (code, world.labels()) == (2, []), printed
    broken = tmp_path / "broken"
    broken.write_text("not a folder")
    code, printed = ingest(world, file, "--state", str(broken))
    assert code == 2
    assert "File exists" in printed


@pytest.mark.parametrize("instances", ["", "[]", '{"images": [{}]}'])
def test_an_invalid_annotations_file_is_reported(world: World, tmp_path: Path, instances: str) -> None:
    path, file = tmp_path / "instances.json", written(tmp_path / "rows.jsonl", [])
    path.write_text(instances)
    code, printed = ingest(world, file, "--annotations-file", str(path))
    assert code == 2
    assert printed.startswith("reticle-ingest: ")
