"""Killed servers and producers, broken connections, frozen servers: each annotation is stored once."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trustme
from conftest import World
from disturbance import disturbed, moments
from proxy import Proxy
from server import new_annotations

from reticle_client import Fenced, IngestSession, Rewound, Unavailable


def test_each_annotation_is_stored_once_when_the_server_is_killed(fragile: World) -> None:
    def kill() -> None:
        fragile.server.kill()
        fragile.server.start()

    with IngestSession(
        fragile.target, fragile.token, "run-1", batch_size=23, max_unacknowledged=400
    ) as session:
        for offset in disturbed(kill):
            session.send(new_annotations(fragile.image_id, range(offset, offset + 1)))
    assert fragile.labels() == [str(offset) for offset in range(session.durable_offset)]


def test_each_annotation_is_stored_once_when_the_producer_is_killed(world: World) -> None:
    command = [sys.executable, str(Path(__file__).with_name("producer.py")), world.target, world.token]
    began: list[int] = []
    for pause in moments():
        endless = [*command, "run-1", world.image_id, "1000000"]
        with subprocess.Popen(endless, stdout=subprocess.PIPE, text=True) as producer:
            assert producer.stdout is not None
            began.append(int(producer.stdout.readline()))
            with pytest.raises(subprocess.TimeoutExpired):
                producer.wait(pause)
            producer.kill()
    assert began == sorted(began)
    assert began[-1] > 0
    offsets = began[-1] + 10_000
    subprocess.run([*command, "run-1", world.image_id, str(offsets)], check=True, capture_output=True)
    assert world.labels() == [str(offset) for offset in range(offsets)]


def test_each_annotation_is_stored_once_when_connections_break(world: World) -> None:
    proxy = Proxy(world.server.addresses["annotations"])
    target = f"http://127.0.0.1:{proxy.port}"
    with IngestSession(target, world.token, "run-1", batch_size=23, max_unacknowledged=400) as session:
        for offset in disturbed(proxy.cut):
            session.send(new_annotations(world.image_id, range(offset, offset + 1)))
    proxy.close()
    assert world.labels() == [str(offset) for offset in range(session.durable_offset)]


def test_each_invalid_annotation_is_reported_when_connections_break(world: World) -> None:
    proxy, reported = Proxy(world.server.addresses["annotations"]), set[int]()
    with IngestSession(
        f"http://127.0.0.1:{proxy.port}",
        world.token,
        "run-1",
        batch_size=23,
        max_unacknowledged=400,
        on_invalid=lambda offset, *_: reported.add(offset),
    ) as session:
        for offset in disturbed(proxy.cut):
            session.send(new_annotations(world.image_id if offset % 3 else "", range(offset, offset + 1)))
    proxy.close()
    offsets = range(session.durable_offset)
    assert reported == {offset for offset in offsets if offset % 3 == 0}
    assert world.labels() == [str(offset) for offset in offsets if offset % 3]


def test_memory_is_bounded_while_the_server_is_frozen(fragile: World) -> None:
    with IngestSession(fragile.target, fragile.token, "run-1", max_unacknowledged=500) as session:
        fragile.server.freeze()
        held, is_full = [], threading.Event()

        def produce() -> None:
            for annotation in new_annotations(fragile.image_id, range(2_000)):
                session.send(annotation)
                held.append(session.unacknowledged)
                if len(held) == 500:
                    is_full.set()

        producer = threading.Thread(target=produce)
        producer.start()
        assert is_full.wait(60)
        with pytest.raises(TimeoutError):
            session.flush(timeout=0.5)
        assert producer.is_alive()
        assert (len(held), session.unacknowledged, session.durable_offset) == (500, 500, 0)
        fragile.server.thaw()
        producer.join()
    assert max(held) == 500
    assert fragile.labels() == [str(offset) for offset in range(2_000)]


def test_a_server_that_lost_acknowledged_annotations_is_detected(fragile: World) -> None:
    server, copy = fragile.server, fragile.server.folder.with_name("copy")
    server.kill()
    shutil.copytree(server.folder, copy)
    server.start()
    with pytest.raises(Rewound) as rewound, IngestSession(fragile.target, fragile.token, "run-1") as session:
        session.send(new_annotations(fragile.image_id, range(10)))
        session.flush()
        server.kill()
        shutil.rmtree(server.folder)
        copy.rename(server.folder)
        server.start()
        session.send(new_annotations(fragile.image_id, range(10, 12)))
    assert (rewound.value.next_offset, len(rewound.value.unstored)) == (10, 2)


def test_a_second_producer_during_a_broken_connection_fences_the_first(world: World) -> None:
    proxy = Proxy(world.server.addresses["annotations"])
    target = f"http://127.0.0.1:{proxy.port}"
    with pytest.raises(Fenced), IngestSession(target, world.token, "run-1") as first:
        proxy.rejecting = True
        proxy.cut()
        with IngestSession(world.target, world.token, "run-1") as second:
            second.send(new_annotations(world.image_id, range(3)))
        proxy.rejecting = False
        first.send(new_annotations(world.image_id, range(90, 91)))
    proxy.close()
    assert world.labels() == ["0", "1", "2"]


def test_https_targets_are_verified_and_encrypted(world: World) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    context.set_alpn_protocols(["h2"])
    proxy = Proxy(world.server.addresses["annotations"], tls=context)
    target, certificate = f"https://localhost:{proxy.port}", authority.cert_pem.bytes()
    with IngestSession(target, world.token, "run-1", root_certificates=certificate) as session:
        session.send(new_annotations(world.image_id, range(3)))
    assert len(world.labels()) == 3
    with pytest.raises(Unavailable), IngestSession(target, world.token, "run-1", max_wait=0):
        pass
    proxy.close()
