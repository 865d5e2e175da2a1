"""A target that is wrong says so, and what to do."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import HTTPServer, SimpleHTTPRequestHandler

import grpc
import pytest
from conftest import World
from server import boxes

from reticle_client import Current, IngestSession, Unavailable, WrongServer, watch
from reticle_client.attempts import Attempts
from reticle_client.failure import Failure
from reticle_client.wrong_server import explained

SERVICE = "reticle.annotations.v1.AnnotationsService"
PORTS = (
    "the target's port must be the annotations service's \\(50052 by default\\) or the gateway's \\(8787\\)"
)


def ingest(target: str, world: World) -> None:
    with IngestSession(target, world.token, "run-1", patience=0) as session:
        session.send(boxes(world.image_id, range(1)))


def look(target: str, world: World) -> None:
    with watch(target, world.token, world.image_id, patience=0) as events:
        while not isinstance(next(events), Current):
            pass


both = pytest.mark.parametrize("call", [ingest, look])
Call = Callable[[str, World], None]


@both
def test_the_gateway_s_port_serves_it_too(world: World, call: Call) -> None:
    call(f"http://{world.server.addresses['gateway']}", world)


@both
def test_the_images_service_s_port_is_told_apart(world: World, call: Call) -> None:
    target = f"http://{world.server.addresses['images']}"
    with pytest.raises(WrongServer, match=f"^{target} does not serve {SERVICE}: {PORTS}"):
        call(target, world)


@pytest.fixture
def web_server() -> Iterator[str]:
    """A plain HTTP/1 server."""
    server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@both
def test_a_plain_http_server_is_told_apart(web_server: str, world: World, call: Call) -> None:
    with pytest.raises(WrongServer, match=f"^{web_server} does not speak HTTP/2: it is no server .*{PORTS}"):
        call(web_server, world)


@both
def test_a_server_without_tls_is_told_apart(world: World, call: Call) -> None:
    target = world.target.replace("http:", "https:")
    with pytest.raises(WrongServer, match=f"^{target} does not speak TLS: its URL begins with http://"):
        call(target, world)


@both
def test_that_nothing_listens_is_said(world: World, call: Call) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        target = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(
        Unavailable, match=f"no answer for 0 s: {target}: nothing listens there: start the server"
    ):
        call(target, world)


def test_a_session_that_waits_for_its_server_says_for_what(
    fragile: World, caplog: pytest.LogCaptureFixture
) -> None:
    fragile.server.kill()
    said, logger = threading.Event(), logging.getLogger("reticle_client")

    def start() -> None:
        said.wait(60)
        fragile.server.start()

    def hear(_: logging.LogRecord) -> bool:
        said.set()
        return True

    logger.addFilter(hear)
    starting = threading.Thread(target=start)
    starting.start()
    with IngestSession(fragile.target, fragile.token, "run-1") as session:
        session.send(boxes(fragile.image_id, range(1)))
    starting.join()
    logger.removeFilter(hear)
    assert f"stream run-1: {fragile.target}: nothing listens there: start the server" in caplog.messages[0]
    assert fragile.labels() == ["0"]


def test_what_answered_once_is_the_right_server() -> None:
    said = Failure(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; Failed parsing HTTP/2")
    failure = explained(said, "http://reticle", SERVICE)
    attempts = Attempts(patience=None, fresh_tokens=False)
    attempts.answered()
    assert attempts.delay_after(failure) > 0
    with pytest.raises(WrongServer):
        Attempts(patience=None, fresh_tokens=False).delay_after(failure)
