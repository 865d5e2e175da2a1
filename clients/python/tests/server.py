"""A real server on this machine, which tests may kill and restart at the same addresses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import struct
import subprocess
import threading
import time
import urllib.request
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from reticle_client import NewAnnotation

SECRET = "a secret for tests, and for nothing else"
PORTS = ("gateway", "images", "annotations")
BINARY = Path(os.environ.get("RETICLE_BINARY", Path(__file__).parents[3] / "target/debug/reticle"))


class Server:
    """A process `reticle serve` with its own data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses = dict.fromkeys(PORTS, "127.0.0.1:0")
        self.start()

    def start(self) -> None:
        """Starts the server and waits until it listens. A restart uses the same addresses as the first start."""
        flags = dict(zip(PORTS, ("--listen", "--images-listen", "--annotations-listen"), strict=True))
        listen = [word for port in PORTS for word in (flags[port], self.addresses[port])]
        command = [str(BINARY), "serve", "--jwt-secret", SECRET, "--data-dir", str(self.folder), *listen]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self._await_ports(self.process.stderr)

    def _await_ports(self, log: IO[str]) -> None:
        missing, seen = set(PORTS), ""
        for line in log:
            seen += line
            event = json.loads(line) if line.startswith("{") else {}
            port = str(event.get("message", "")).partition(" listens on ")[0]
            if port in missing:
                missing.remove(port)
                self.addresses[port] = event["address"]
            if not missing:
                threading.Thread(target=_drain, args=[log], daemon=True).start()
                return
        raise AssertionError(f"the server did not start:\n{seen}")

    def kill(self) -> None:
        """Kills the server (SIGKILL)."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Shuts the server down (SIGTERM)."""
        self.process.terminate()
        self.process.wait()

    def freeze(self) -> None:
        """Suspends the server; its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resumes the server."""
        self.process.send_signal(signal.SIGCONT)

    @property
    def target(self) -> str:
        """The URL of the annotations service."""
        return f"http://{self.addresses['annotations']}"

    def call(self, method: str, path: str, token: str, body: bytes | None = None, kind: str = "") -> Any:
        """Returns the JSON of the gateway's response."""
        url = f"http://{self.addresses['gateway']}{path}"
        headers = {"authorization": f"Bearer {token}", "content-type": kind or "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as response:
            return json.load(response)

    def new_image(self, token: str, filename: str = "a.png", size: tuple[int, int] = (32, 24)) -> str:
        """Uploads an image and returns its id."""
        path = f"/api/images/upload?filename={filename}"
        return str(self.call("POST", path, token, png(*size), "image/png")["image"]["id"])

    def annotations(self, token: str, image_id: str) -> list[dict[str, Any]]:
        """All annotations of an image, the oldest first."""
        found: list[dict[str, Any]] = []
        page_token = ""
        while True:
            path = f"/api/annotations/by-image/{image_id}?page_token={page_token}"
            page = self.call("GET", path, token)
            found += page["annotations"]
            page_token = page["next_page_token"]
            if not page_token:
                return found[::-1]

    def labels(self, token: str, image_id: str) -> list[str]:
        """The labels of all annotations of an image, the oldest first."""
        return [annotation["label"] for annotation in self.annotations(token, image_id)]


def _drain(log: IO[str]) -> None:
    """Reads the rest of the log, so that the pipe does not fill."""
    with log:
        for _ in log:
            pass


def mint(subject: str, ttl: int = 3600, **claims: str) -> str:
    """A token for an hour, or for `ttl` seconds."""

    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    payload = {"sub": subject, "exp": int(time.time()) + ttl, **claims}
    parts = [encode(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, payload)]
    signature = hmac.digest(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join([*parts, encode(signature)])


def new_annotations(image_id: str, offsets: range, **fields: Any) -> Sequence[NewAnnotation]:
    """Returns annotations whose labels are their offsets."""
    return [NewAnnotation(image_id, str(offset), 0.1, 0.2, 0.3, 0.4, **fields) for offset in offsets]


def png(width: int, height: int) -> bytes:
    """Returns a black image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = (b"\0" + bytes(width * 3)) * height
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
