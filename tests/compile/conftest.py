"""What the tests of the compiler share."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(scope="module")
def general_path() -> Iterator[None]:
    """Lower small graphs as large ones are: to kernels with loops, not to one with everything unrolled."""
    # The module: the package may have a function of its name.
    with mock.patch.object(importlib.import_module("tidu.compile.lower"), "_UNROLLED", -1):
        yield
