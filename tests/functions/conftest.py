"""Every test of this folder draws its own random numbers."""

from __future__ import annotations

import zlib

import pytest

from tests.functions.checking import reseed


@pytest.fixture(autouse=True)
def _own_numbers(request: pytest.FixtureRequest) -> None:
    reseed(zlib.crc32(request.node.nodeid.encode()))
