"""A wrong target: the error says what is wrong and how to correct it."""

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
from server import new_annotations

from reticle_client import Current, IngestSession, Unavailable, WrongServer, watch
from reticle_client.attempts import Attempts
from reticle_client.failure import Failure
from reticle_client.wrong_server import explain

SERVICE = "reticle.annotations.v1.AnnotationsService"
PORTS = (
    "the target's port must be the annotations service's \\(50052 by default\\) or the gateway's \\(8787\\)"
)


def ingest(target: str, world: World) -> None:
    with IngestSession(target, world.token, "run-1", max_wait=0) as session:
        session.send(new_annotations(world.image_id, range(1)))


def open_watch(target: str, world: World) -> None:
    with watch(target, world.token, world.image_id, max_wait=0) as events:
        while not isinstance(next(events), Current):
            pass


both = pytest.mark.parametrize("call", [ingest, open_watch])
Call = Callable[[str, World], None]


@both
def test_the_gateway_s_port_serves_the_calls_too(world: World, call: Call) -> None:
    call(f"http://{world.server.addresses['gateway']}", world)


@both
def test_the_images_service_s_port_is_explained(world: World, call: Call) -> None:
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
def test_a_plain_http_server_is_explained(web_server: str, world: World, call: Call) -> None:
    with pytest.raises(
        WrongServer, match=f"^{web_server} does not speak HTTP/2: it is not a Reticle server.*{PORTS}"
    ):
        call(web_server, world)


@both
def test_a_server_without_tls_is_explained(world: World, call: Call) -> None:
    target = world.target.replace("http:", "https:")
    with pytest.raises(WrongServer, match=f"^{target} does not speak TLS: begin the target with http://"):
        call(target, world)


@both
def test_a_target_where_nothing_listens_is_explained(world: World, call: Call) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        target = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(
        Unavailable, match=f"gave up after 0 s: {target}: nothing listens there: start the server"
    ):
        call(target, world)


def test_a_session_that_waits_for_its_server_logs_why(
    fragile: World, caplog: pytest.LogCaptureFixture
) -> None:
    fragile.server.kill()
    logged, logger = threading.Event(), logging.getLogger("reticle_client")

    def start() -> None:
        logged.wait(60)
        fragile.server.start()

    def on_log(_: logging.LogRecord) -> bool:
        logged.set()
        return True

    logger.addFilter(on_log)
    starting = threading.Thread(target=start)
    starting.start()
    with IngestSession(fragile.target, fragile.token, "run-1") as session:
        session.send(new_annotations(fragile.image_id, range(1)))
    starting.join()
    logger.removeFilter(on_log)
    assert f"stream run-1: {fragile.target}: nothing listens there: start the server" in caplog.messages[0]
    assert fragile.labels() == ["0"]


@pytest.mark.parametrize(
    "original",
    [
        Failure(grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; Failed parsing HTTP/2"),
        # gRPC's status for a proxy's HTTP status 404.
        Failure(grpc.StatusCode.UNIMPLEMENTED, "Received http2 header with status: 404"),
    ],
)
def test_a_target_that_responded_once_is_the_right_server(original: Failure) -> None:
    failure = explain(original, "http://reticle", SERVICE)
    attempts = Attempts(max_wait=None, fresh_tokens=False)
    attempts.responded()
    assert attempts.delay_after(failure) > 0
    with pytest.raises(WrongServer):
        Attempts(max_wait=None, fresh_tokens=False).delay_after(failure)
