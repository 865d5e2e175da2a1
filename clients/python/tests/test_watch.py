"""Watching a real server: what is told, and that nothing is missed or told twice."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from conftest import World
from disturbance import disturbed
from proxy import Proxy
from server import mint

from reticle_client import (
    Annotation,
    Changed,
    Current,
    Event,
    InvalidArgument,
    NotFound,
    Removed,
    Reset,
    Unauthenticated,
    Unavailable,
    watch,
)


class Known:
    """What a watcher knows of an image."""

    def __init__(self) -> None:
        self.boxes: dict[str, Annotation] = {}
        self.told: set[tuple[str, str]] = set()
        self.resets = 0

    def take(self, event: Event) -> None:
        match event:
            case Changed(box):
                self.boxes[box.id] = box
                self.once(box.id, box.etag)
            case Removed(id):
                # Of a box that came and went at once, only the end is told.
                self.boxes.pop(id, None)
                self.once(id, "removed")
            case Reset():
                self.boxes.clear()
                self.told.clear()
                self.resets += 1

    def once(self, id: str, etag: str) -> None:
        assert (id, etag) not in self.told, "told twice"
        self.told.add((id, etag))

    def take_until(self, label: str, events: Iterable[Event]) -> None:
        """Takes in events up to the box with that label."""
        for event in events:
            self.take(event)
            if isinstance(event, Changed) and event.annotation.label == label:
                return

    def assert_all(self, world: World) -> None:
        """The server knows the same."""
        listed = world.server.annotations(world.token, world.image_id)
        assert {box["id"]: (box["label"], box["etag"]) for box in listed} == {
            box.id: (box.label, box.etag) for box in self.boxes.values()
        }


def draw(world: World, label: str) -> str:
    """Stores a box and answers its id."""
    box = {"image_id": world.image_id, "label": label, "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
    return str(world.call("POST", "/api/annotations", box)["annotation"]["id"])


def relabel(world: World, id: str, label: str) -> None:
    world.call("PATCH", f"/api/annotations/{id}", {"label": label})


def remove(world: World, id: str) -> None:
    world.call("DELETE", f"/api/annotations/{id}")


def change_at_random(world: World, meanwhile: Callable[[], Iterable[int]]) -> None:
    """Draws, relabels and removes boxes, and draws `the last one` in the end."""
    dice, ids = random.Random(7), [draw(world, "first")]
    for number in meanwhile():
        kind = dice.randrange(4)
        if kind == 0 and len(ids) > 2:
            remove(world, ids.pop(dice.randrange(len(ids))))
        elif kind == 1:
            relabel(world, dice.choice(ids), f"relabelled {number}")
        else:
            ids.append(draw(world, f"box {number}"))
    draw(world, "the last one")


def test_boxes_are_told_then_changes_as_they_happen(world: World) -> None:
    first = draw(world, "car")
    with watch(world.target, world.token, world.image_id) as events:
        changed = next(events)
        assert isinstance(changed, Changed)
        stored = world.call("GET", f"/api/annotations/{first}")["annotation"]
        box: dict[str, Any] = {
            name: getattr(changed.annotation, name) for name in stored if not name.endswith("_at")
        }
        assert box == {name: value for name, value in stored.items() if not name.endswith("_at")}
        assert changed.annotation.created_at.isoformat(timespec="milliseconds").startswith(
            stored["created_at"][:19]
        )
        assert next(events) == Current()
        relabel(world, first, "bus")
        changed = next(events)
        assert isinstance(changed, Changed)
        assert changed.annotation.label == "bus"
        remove(world, first)
        assert next(events) == Removed(first)


def test_a_watcher_goes_on_behind_its_resume_token(world: World) -> None:
    draw(world, "before")
    with watch(world.target, world.token, world.image_id) as events:
        Known().take_until("before", events)
        assert next(events) == Current()
    draw(world, "meanwhile")
    with watch(world.target, world.token, world.image_id, resume_token=events.resume_token) as events:
        changed = next(events)
    assert isinstance(changed, Changed)
    assert changed.annotation.label == "meanwhile"


def test_every_cut_of_the_wire_is_got_over(world: World) -> None:
    proxy, known = Proxy(world.server.addresses["annotations"]), Known()
    changes = threading.Thread(target=change_at_random, args=[world, lambda: disturbed(proxy.cut)])
    changes.start()
    with watch(f"http://127.0.0.1:{proxy.port}", world.token, world.image_id) as events:
        known.take_until("the last one", events)
    changes.join()
    proxy.close()
    known.assert_all(world)
    assert known.resets == 0


def test_a_server_that_is_killed_and_one_that_is_stopped_are_got_over(fragile: World) -> None:
    known = Known()
    with watch(fragile.target, fragile.token, fragile.image_id) as events:
        for number, end in enumerate([fragile.server.kill, fragile.server.stop, fragile.server.kill]):
            draw(fragile, f"before end {number}")
            known.take_until(f"before end {number}", events)
            end()
            fragile.server.start()
            draw(fragile, f"after end {number}")
            known.take_until(f"after end {number}", events)
    known.assert_all(fragile)
    assert known.resets == 0


def test_a_history_that_is_gone_resets_the_watcher(fragile: World) -> None:
    server, copy, known = fragile.server, fragile.server.folder.with_name("copy"), Known()
    draw(fragile, "kept")
    server.kill()
    shutil.copytree(server.folder, copy)
    server.start()
    with watch(fragile.target, fragile.token, fragile.image_id) as events:
        for number in range(5):
            draw(fragile, f"lost {number}")
        known.take_until("lost 4", events)
        assert next(events) == Current()
        server.kill()
        shutil.rmtree(server.folder)
        copy.rename(server.folder)
        server.start()
        draw(fragile, "after")
        known.take_until("after", events)
    known.assert_all(fragile)
    assert known.resets == 1


def test_any_thread_may_end_it(world: World) -> None:
    events = watch(world.target, world.token, world.image_id)
    assert next(events) == Current()
    closer = threading.Timer(0.2, events.close)
    closer.start()
    assert list(events) == []
    closer.join()
    assert list(events) == []


def test_what_does_not_pass_is_raised(world: World) -> None:
    for error, token, image_id, resume_token in (
        (NotFound, world.token, "0" * 32, ""),
        (NotFound, mint("somebody else"), world.image_id, ""),
        (Unauthenticated, "nonsense", world.image_id, ""),
        (InvalidArgument, world.token, world.image_id, "nonsense"),
    ):
        with pytest.raises(error):
            next(watch(world.target, token, image_id, resume_token=resume_token))
    with pytest.raises(Unavailable):
        next(watch("http://127.0.0.1:1", world.token, world.image_id, patience=0))


def test_a_token_that_expired_is_asked_for_again(world: World) -> None:
    tokens = iter([mint("somebody", ttl=-3600), world.token])
    with watch(world.target, lambda: next(tokens), world.image_id) as events:
        assert next(events) == Current()
