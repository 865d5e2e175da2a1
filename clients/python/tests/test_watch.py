"""Watching a real server: which events a watcher receives; none is missed or repeated."""

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
    """The state that a watcher has of an image."""

    def __init__(self) -> None:
        self.annotations: dict[str, Annotation] = {}
        self.seen: set[tuple[str, str]] = set()
        self.resets = 0
        self.is_current = False

    def apply(self, event: Event) -> None:
        match event:
            case Changed(annotation):
                self.annotations[annotation.id] = annotation
                self.assert_new(annotation.id, annotation.etag)
            case Removed(id):
                # If an annotation was created and removed between two reads, only `Removed` is sent.
                self.annotations.pop(id, None)
                self.assert_new(id, "removed")
            case Reset():
                self.annotations.clear()
                self.seen.clear()
                self.resets += 1
                self.is_current = False
            case Current():
                self.is_current = True

    def assert_new(self, id: str, etag: str) -> None:
        assert (id, etag) not in self.seen, "the event was sent twice"
        self.seen.add((id, etag))

    def apply_until(self, label: str, events: Iterable[Event]) -> None:
        """Applies events up to the annotation with this label, and up to `Current`.

        The first annotations have no order: before `Current`, this one may come before older ones.
        """
        has_label = False
        for event in events:
            self.apply(event)
            has_label |= isinstance(event, Changed) and event.annotation.label == label
            if has_label and self.is_current:
                return

    def assert_all(self, world: World) -> None:
        """Asserts that the server has the same annotations."""
        listed = world.server.annotations(world.token, world.image_id)
        assert {annotation["id"]: (annotation["label"], annotation["etag"]) for annotation in listed} == {
            annotation.id: (annotation.label, annotation.etag) for annotation in self.annotations.values()
        }


def create(world: World, label: str) -> str:
    """Stores an annotation and returns its id."""
    annotation = {"image_id": world.image_id, "label": label, "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
    return str(world.call("POST", "/api/annotations", annotation)["annotation"]["id"])


def relabel(world: World, id: str, label: str) -> None:
    world.call("PATCH", f"/api/annotations/{id}", {"label": label})


def remove(world: World, id: str) -> None:
    world.call("DELETE", f"/api/annotations/{id}")


def change_at_random(world: World, meanwhile: Callable[[], Iterable[int]]) -> None:
    """Creates, relabels and removes annotations, and creates `the last one` at the end."""
    dice, ids = random.Random(7), [create(world, "first")]
    for number in meanwhile():
        kind = dice.randrange(4)
        if kind == 0 and len(ids) > 2:
            remove(world, ids.pop(dice.randrange(len(ids))))
        elif kind == 1:
            relabel(world, dice.choice(ids), f"relabelled {number}")
        else:
            ids.append(create(world, f"annotation {number}"))
    create(world, "the last one")


def test_a_watch_sends_annotations_then_each_change(world: World) -> None:
    first = create(world, "car")
    with watch(world.target, world.token, world.image_id) as events:
        changed = next(events)
        assert isinstance(changed, Changed)
        stored = world.call("GET", f"/api/annotations/{first}")["annotation"]
        annotation: dict[str, Any] = {
            name: getattr(changed.annotation, name) for name in stored if not name.endswith("_at")
        }
        assert annotation == {name: value for name, value in stored.items() if not name.endswith("_at")}
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


def test_a_watcher_resumes_after_its_token(world: World) -> None:
    create(world, "before")
    with watch(world.target, world.token, world.image_id) as events:
        Known().apply_until("before", events)
    create(world, "meanwhile")
    with watch(world.target, world.token, world.image_id, resume_token=events.resume_token) as events:
        changed = next(events)
    assert isinstance(changed, Changed)
    assert changed.annotation.label == "meanwhile"


def test_a_watch_survives_broken_connections(world: World) -> None:
    proxy, known = Proxy(world.server.addresses["annotations"]), Known()
    changes = threading.Thread(target=change_at_random, args=[world, lambda: disturbed(proxy.cut)])
    changes.start()
    with watch(f"http://127.0.0.1:{proxy.port}", world.token, world.image_id) as events:
        known.apply_until("the last one", events)
    changes.join()
    proxy.close()
    known.assert_all(world)
    assert known.resets == 0


def test_a_watch_survives_kills_and_restarts_of_the_server(fragile: World) -> None:
    known = Known()
    with watch(fragile.target, fragile.token, fragile.image_id) as events:
        for number, end in enumerate([fragile.server.kill, fragile.server.stop, fragile.server.kill]):
            create(fragile, f"before end {number}")
            known.apply_until(f"before end {number}", events)
            end()
            fragile.server.start()
            create(fragile, f"after end {number}")
            known.apply_until(f"after end {number}", events)
    known.assert_all(fragile)
    assert known.resets == 0


def test_a_restored_database_resets_the_watcher(fragile: World) -> None:
    server, copy, known = fragile.server, fragile.server.folder.with_name("copy"), Known()
    create(fragile, "kept")
    server.kill()
    shutil.copytree(server.folder, copy)
    server.start()
    with watch(fragile.target, fragile.token, fragile.image_id) as events:
        for number in range(5):
            create(fragile, f"lost {number}")
        known.apply_until("lost 4", events)
        server.kill()
        shutil.rmtree(server.folder)
        copy.rename(server.folder)
        server.start()
        create(fragile, "after")
        known.apply_until("after", events)
    known.assert_all(fragile)
    assert known.resets == 1


def test_any_thread_may_close_a_watch(world: World) -> None:
    events = watch(world.target, world.token, world.image_id)
    assert next(events) == Current()
    closer = threading.Timer(0.2, events.close)
    closer.start()
    assert list(events) == []
    closer.join()
    assert list(events) == []


def test_permanent_failures_are_raised(world: World) -> None:
    for error, token, image_id, resume_token in (
        (NotFound, world.token, "0" * 32, ""),
        (NotFound, mint("another user"), world.image_id, ""),
        (Unauthenticated, "nonsense", world.image_id, ""),
        (InvalidArgument, world.token, world.image_id, "nonsense"),
    ):
        with pytest.raises(error):
            next(watch(world.target, token, image_id, resume_token=resume_token))
    with pytest.raises(Unavailable):
        next(watch("http://127.0.0.1:1", world.token, world.image_id, max_wait=0))


def test_an_expired_token_is_replaced(world: World) -> None:
    tokens = iter([mint("a user", ttl=-3600), world.token])
    with watch(world.target, lambda: next(tokens), world.image_id) as events:
        assert next(events) == Current()
