"""`reticle-ingest` run again: it stores what is left, stores nothing twice, and its exit code is correct."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from conftest import World
from test_command import arguments, ingest, report, row, run_with_kills, written

NOT_IN_RETICLE = "image 2 is not in Reticle, or several images have its file name"


def coco(folder: Path) -> tuple[Path, list[str]]:
    """Writes results for the images `a.png` and `b.png`, two each; returns their file and options."""
    images = [
        {"id": n, "file_name": name, "width": 100, "height": 100} for n, name in ((1, "a.png"), (2, "b.png"))
    ]
    instances = folder / "instances.json"
    instances.write_text(json.dumps({"images": images, "categories": [{"id": 3, "name": "car"}]}))
    found = [{"image_id": n, "category_id": 3, "bbox": [left, 0, 9, 9]} for left in (0, 50) for n in (1, 2)]
    (folder / "results.json").write_text(json.dumps(found))
    return folder / "results.json", ["--annotations-file", str(instances)]


def count(world: World, image_id: str) -> int:
    return len(world.server.annotations(world.token, image_id))


def set_deleted(world: World, image_id: str, deleted: bool) -> None:
    path = f"/api/images/{image_id}"
    world.call("DELETE", path) if deleted else world.call("POST", f"{path}:undelete", {})


def test_the_rows_of_an_image_that_is_uploaded_later_are_stored_by_the_next_run(
    world: World, tmp_path: Path
) -> None:
    results, options = coco(tmp_path)
    for now in (2, 0):
        code, printed = ingest(world, results, *options)
        assert (code, printed) == (
            1,
            f"row 1: {NOT_IN_RETICLE}\nrow 3: {NOT_IN_RETICLE}\n{report(4, now=now, before=2 - now, rejected=2)}",
        )
    other = world.server.new_image(world.token, "b.png")
    assert ingest(world, results, *options) == (0, report(4, now=2, before=2))
    assert ingest(world, results, *options) == (0, report(4, before=4))
    assert (count(world, world.image_id), count(world, other)) == (2, 2)


def test_rows_that_the_server_rejects_are_sent_again_by_each_run(world: World, tmp_path: Path) -> None:
    hidden = world.server.new_image(world.token, "b.png")
    set_deleted(world, hidden, True)
    rows = [row(world, 0), row(world, 1, image_id=hidden), row(world, 2)]
    file = written(tmp_path / "rows.jsonl", rows)
    rejected = "row 1: image_id must be an image that exists\n"
    assert ingest(world, file) == (1, rejected + report(3, now=2, rejected=1))
    for _ in range(2):
        assert ingest(world, file) == (1, rejected + report(3, before=2, rejected=1))
    set_deleted(world, hidden, False)
    assert ingest(world, file) == (0, report(3, now=1, before=2))
    assert ingest(world, file) == (0, report(3, before=3))
    assert (world.labels(), count(world, hidden)) == (["0", "2"], 1)


def test_a_corrected_image_map_moves_only_the_rows_that_it_changes(world: World, tmp_path: Path) -> None:
    results, options = coco(tmp_path)
    right, wrong = (world.server.new_image(world.token, name) for name in ("right.png", "wrong.png"))
    image_map = tmp_path / "map.json"
    for image_id, before, expected in ((wrong, 0, (2, 2, 0)), (right, 2, (2, 2, 2)), (right, 4, (2, 2, 2))):
        image_map.write_text(json.dumps({"1": world.image_id, "2": image_id}))
        printed = report(4, now=4 - before, before=before)
        assert ingest(world, results, *options, "--image-map", str(image_map)) == (0, printed)
        assert tuple(count(world, image) for image in (world.image_id, wrong, right)) == expected


def test_rows_are_stored_again_with_another_model(world: World, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", [row(world, 0), row(world, 1, model="its own")])
    for model, now in (("a", 2), ("b", 1), ("a", 0), ("b", 0)):
        assert ingest(world, file, "--model", model) == (0, report(2, now=now, before=2 - now))
    stored = [
        (annotation["label"], annotation["model"])
        for annotation in world.server.annotations(world.token, world.image_id)
    ]
    assert sorted(stored) == [("0", "a"), ("0", "b"), ("1", "its own")]


def test_only_the_new_rows_of_a_changed_file_are_stored(world: World, tmp_path: Path) -> None:
    rows = [row(world, 0), row(world, 1, width=3), row(world, 2)]
    file = tmp_path / "rows.jsonl"
    assert ingest(world, written(file, rows))[0] == 1
    rows[1] = row(world, 1)
    assert ingest(world, written(file, [row(world, 3), *rows])) == (0, report(4, now=2, before=2))
    assert ingest(world, written(tmp_path / "copy.jsonl", rows[:2])) == (0, report(2, before=2))
    assert sorted(world.labels()) == ["0", "1", "2", "3"]


def test_a_row_that_is_twice_in_the_file_is_stored_exactly_twice(world: World, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for copies, now in ((2, 2), (2, 0), (3, 1)):
        rows = [row(world, 0)] * copies
        assert ingest(world, written(file, rows)) == (0, report(copies, now=now, before=copies - now))
    assert world.labels() == ["0", "0", "0"]


def test_a_run_without_its_ledger_asks_the_server_what_is_stored(world: World, tmp_path: Path) -> None:
    hidden = world.server.new_image(world.token, "b.png")
    set_deleted(world, hidden, True)
    rows = [row(world, 0), row(world, 1, image_id=hidden), row(world, 2)]
    file = written(tmp_path / "rows.jsonl", rows)
    for folder, now in (("a", 2), ("b", 0)):
        code, printed = ingest(world, file, "--state", str(tmp_path / folder))
        assert (code, printed.splitlines()[1:]) == (
            1,
            report(3, now=now, before=2 - now, rejected=1).splitlines(),
        )
    set_deleted(world, hidden, False)
    for folder, now in (("a", 1), ("b", 0), ("c", 0)):
        assert ingest(world, file, "--state", str(tmp_path / folder)) == (
            0,
            report(3, now=now, before=3 - now),
        )
    assert (world.labels(), count(world, hidden)) == (["0", "2"], 1)


def test_rejected_rows_are_known_after_any_number_of_kills(world: World, tmp_path: Path) -> None:
    total = 20_000
    rows = (row(world, number, width=0.3 if number % 7 else 3) for number in range(total))
    file, bad = written(tmp_path / "rows.jsonl", rows), len(range(0, total, 7))
    assert run_with_kills(world, file, seed=7)[0] == 1
    code, printed = ingest(world, file, "--invalid-out", str(tmp_path / "bad.jsonl"))
    assert (code, printed) == (1, report(total, before=total - bad, rejected=bad))
    kept = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [line["offset"] for line in kept] == list(range(0, total, 7))
    assert world.labels() == [str(number) for number in range(total) if number % 7]


def test_a_correction_after_a_kill_stores_nothing_twice(world: World, tmp_path: Path) -> None:
    total = 5_000
    rows = [row(world, number) for number in range(total)]
    file = written(tmp_path / "rows.jsonl", rows)
    with subprocess.Popen(arguments(world, file), stderr=subprocess.DEVNULL) as command:
        while not world.has_annotations():
            assert command.poll() is None
        command.kill()
    # In another order, with one row more and one row less.
    rows = [row(world, total), *rows[:0:-1]]
    assert ingest(world, written(file, rows))[0] == 0
    once = Counter(world.labels())
    assert once | Counter(["0"]) == Counter(str(number) for number in range(total + 1))


def test_concurrent_runs_store_each_row_once_and_one_of_them_succeeds(world: World, tmp_path: Path) -> None:
    total = 5_000
    file = written(tmp_path / "rows.jsonl", (row(world, number) for number in range(total)))
    runs = [subprocess.Popen(arguments(world, file), stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended: list[tuple[int, Any]] = []
    for run in runs:
        _, printed = run.communicate()
        ended.append((run.returncode, printed))
    assert any(code == 0 for code, _ in ended), ended
    assert all(code == 0 or (code == 3 and "Fenced" in printed) for code, printed in ended), ended
    assert ingest(world, file)[0] == 0
    assert Counter(world.labels()) == Counter(str(number) for number in range(total))


def test_rows_that_the_server_has_lost_are_stored_again(fragile: World, tmp_path: Path) -> None:
    server, copy = fragile.server, fragile.server.folder.with_name("copy")
    rows = [row(fragile, number) for number in range(6)]
    first, all_of_them = written(tmp_path / "first.jsonl", rows[:3]), tmp_path / "rows.jsonl"
    assert ingest(fragile, first)[0] == 0
    server.stop()
    shutil.copytree(server.folder, copy)
    server.start()
    assert ingest(fragile, written(all_of_them, rows)) == (0, report(6, now=3, before=3))
    server.stop()
    shutil.rmtree(server.folder)
    copy.rename(server.folder)
    server.start()
    code, printed = ingest(fragile, all_of_them)
    assert (code, printed.splitlines()[-1] + "\n") == (0, report(6, now=3, before=3))
    assert "the server has lost the annotations of stream ingest-" in printed
    assert fragile.labels() == [str(number) for number in range(6)]
