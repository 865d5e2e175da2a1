"""Images for the requests."""

import struct
import zlib


def png(width: int = 1, height: int = 1) -> bytes:
    """A black image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(width)) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def form() -> bytes:
    """The same image in a form with the boundary `boundary`."""
    head = b'--boundary\r\ncontent-disposition: form-data; name="image"; filename="b.png"\r\n\r\n'
    return head + png() + b"\r\n--boundary--\r\n"
