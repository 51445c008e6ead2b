"""How is a small picture of pixels put into an SVG: the least PNG writer that is valid.

Knows nothing of what the pixels show. Format: W3C PNG, third edition, sections 5 and 11.
"""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DtypeError, ShapeError

__all__ = ["encode_png", "png_data_uri"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 3: 2, 4: 6}  # channels: gray, RGB, RGBA


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG file.

    Parameters
    ----------
    pixels : ndarray of shape (height, width) or (height, width, 1, 3 or 4), uint8
        Gray, RGB or RGBA.

    Raises
    ------
    DtypeError
        If the pixels are not uint8.
    ShapeError
        If the shape is another, or a side is 0.

    Examples
    --------
    >>> encode_png(np.zeros((2, 2), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    if pixels.dtype != np.uint8:
        raise DtypeError(f"pixels must be uint8, 0 to 255; got {pixels.dtype}", got=pixels.dtype)
    image = pixels[..., None] if pixels.ndim == 2 else pixels
    if image.ndim != 3 or image.shape[2] not in _COLOR_TYPES or 0 in image.shape:
        raise ShapeError(
            f"an image has shape (height, width) or (height, width, 3), sides at least 1; got {pixels.shape}",
            got=pixels.shape,
        )
    height, width, channels = image.shape
    # each row is preceded by its filter type, 0: none
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def png_data_uri(pixels: NDArray[np.uint8]) -> str:
    """Return the image as a ``data:`` address for an ``<image>`` element.

    Examples
    --------
    >>> png_data_uri(np.zeros((2, 2), np.uint8))[:22]
    'data:image/png;base64,'
    """
    return "data:image/png;base64," + base64.b64encode(encode_png(pixels)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
