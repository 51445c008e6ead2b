"""Elements are escaped, numbers are short, texts fit, and images are PNG files that others can read."""

from __future__ import annotations

import struct
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tidu.drawing.png import encode_png, png_data_uri
from tidu.drawing.svg import document, element, format_length, group, shorten, text, text_width
from tidu.errors import DtypeError, ParameterError, ShapeError


@given(content=st.text(), attribute=st.text())
def test_any_text_survives_in_content_and_attributes(content: str, attribute: str) -> None:
    parsed = ElementTree.fromstring(str(element("text", content, data_x=attribute)))
    legal = "".join(char if _is_xml(char) else "\ufffd" for char in content)
    # a parser reads every line end as one line feed
    assert (parsed.text or "") == legal.replace("\r\n", "\n").replace("\r", "\n")


def _is_xml(char: str) -> bool:
    code = ord(char)
    return char in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code > 0xFFFF


def test_script_in_a_label_stays_text() -> None:
    svg = document(9, 9, [text("<script>alert(1)</script>", 0, 0, tooltip='"><b>')], "</title><script>", "]]>&")
    root = ElementTree.fromstring(svg)
    assert not [item for item in root.iter() if "script" in item.tag]
    assert "<script" not in svg


@pytest.mark.parametrize("name", ["a b", "x=1", "", "1a", "a>"])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(ParameterError):
        element(name)
    with pytest.raises(ParameterError):
        element("g", **{name: 1})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_coordinate_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ParameterError):
        format_length(value)


def test_an_attribute_of_none_is_left_out() -> None:
    assert str(element("g", x=None, y=1)) == '<g y="1"/>'


def test_deep_nesting_is_written_without_recursion() -> None:
    inner = element("g")
    for _ in range(10_000):
        inner = group(inner)
    assert str(inner).count("<g>") == 10_000


@given(content=st.text(st.characters(exclude_categories=["Cs"])), width=st.floats(20, 300))
def test_a_shortened_text_fits(content: str, width: float) -> None:
    shown = shorten(content, width)
    assert text_width(shown) <= width
    assert shown == " ".join(content.split()) or shown.endswith("…")


def test_chinese_counts_as_wide() -> None:
    assert text_width("梯度") > text_width("ab")


def decoded(png: bytes) -> np.ndarray:
    """Read a PNG of unfiltered rows, checking every sum."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", png[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(kind + data)
        chunks[kind] = data
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, color = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert depth == 8
    channels = {0: 1, 2: 3, 6: 4}[color]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width * channels)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels)


@given(
    pixels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    | hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3, 4])))
)
def test_a_png_holds_exactly_the_pixels(pixels: np.ndarray) -> None:
    shown = decoded(encode_png(pixels[::-1]))
    np.testing.assert_array_equal(shown.reshape(pixels.shape), pixels[::-1])


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(DtypeError):
        encode_png(np.zeros((2, 2)))  # type: ignore[arg-type]
    for shape in [(2,), (2, 2, 2), (0, 3), (2, 2, 3, 1)]:
        with pytest.raises(ShapeError):
            png_data_uri(np.zeros(shape, np.uint8))
