"""Fixtures: a running server, a user, an image."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from server import Server, mint


@dataclass
class World:
    """A server, a new user of it, and an image of the user's."""

    server: Server
    token: str
    image_id: str

    @property
    def target(self) -> str:
        return self.server.target

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Returns the JSON of the gateway's response."""
        content = None if body is None else json.dumps(body).encode()
        return self.server.call(method, path, self.token, content)

    def labels(self) -> list[str]:
        """The labels of all annotations on the image, the oldest first."""
        return self.server.labels(self.token, self.image_id)

    def has_annotations(self) -> bool:
        """Whether the image has an annotation."""
        page = self.call("GET", f"/api/annotations/by-image/{self.image_id}?page_size=1")
        return bool(page["annotations"])


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests must leave running."""
    server = Server(tmp_path_factory.mktemp("data"))
    yield server
    server.stop()


@pytest.fixture
def world(shared_server: Server) -> World:
    """A world on the shared server."""
    return new_world(shared_server)


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[World]:
    """A world with its own server, which the test may kill."""
    server = Server(tmp_path / "data")
    yield new_world(server)
    server.kill()


def new_world(server: Server) -> World:
    token = mint(f"user-{uuid.uuid4().hex}")
    return World(server, token, server.new_image(token))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A filter that matches no test is not a failure."""
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the result in the format of Rust's test programs, which `cargo xtask test` adds up."""
    stats = terminalreporter.stats
    passed, failed = len(stats.get("passed", [])), len(stats.get("failed", [])) + len(stats.get("error", []))
    terminalreporter.write_line(
        f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed"
    )
