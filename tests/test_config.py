"""Amounts of memory and the settings of the process."""

from __future__ import annotations

import pytest

import tidu.config as config
from tidu.config import override, parse_bytes
from tidu.errors import ParameterError


@pytest.mark.parametrize(
    ("amount", "wanted"),
    [
        (17, 17),
        ("17", 17),
        ("64MB", 64_000_000),
        ("1GiB", 2**30),
        ("1.5 kib", 1536),
        ("0.1GB", 10**8),
        (" 2 TB ", 2 * 10**12),
        ("8b", 8),
    ],
)
def test_amounts_of_memory_are_read_exactly(amount, wanted):
    assert parse_bytes(amount) == wanted


@pytest.mark.parametrize(
    "nonsense", ["", "MB", "-1MB", "1e6", "64 M", "6 4MB", "nan", 0, -3, "0.2B", 1.5, True, None, "٣MB"]
)
def test_nonsense_is_refused(nonsense):
    with pytest.raises(ParameterError) as caught:
        parse_bytes(nonsense)
    assert caught.value.got is nonsense


def test_an_override_ends_with_its_block_even_by_an_error():
    seen = []

    def fail():
        with override(check_finite=True):
            seen.append(config.check_finite)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert seen == [True]
    assert not config.check_finite
