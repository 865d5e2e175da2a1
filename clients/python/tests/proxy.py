"""A TCP proxy whose connections tests may break, optionally with TLS on the clients' side."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading


class Proxy:
    """Forwards bytes between its own address and `upstream`. While `rejecting` is set, it closes new connections."""

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        host, _, number = upstream.rpartition(":")
        self._upstream = (host, int(number))
        self._tls = tls
        self.rejecting = False
        self._wires: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """Breaks all connections; returns how many there were."""
        wires, self._wires = self._wires, []
        for wire in wires:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        return len(wires) // 2

    def close(self) -> None:
        """Breaks all connections, and accepts no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._join, args=[client], daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            if self.rejecting:
                return
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            server = socket.create_connection(self._upstream)
            self._wires += [client, server]
            threading.Thread(target=_forward, args=[client, server], daemon=True).start()
            _forward(server, client)


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError), source, sink:
        while data := source.recv(64 * 1024):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
