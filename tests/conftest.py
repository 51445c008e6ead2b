"""Nothing that a test does is kept in the user's home."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

_VARIABLE = "TIDU_CACHE_DIR"
_made = pytest.StashKey[str]()

# No test may depend on how busy the machine is.
settings.register_profile("tidu", deadline=None)
settings.load_profile("tidu")


def pytest_configure(config: pytest.Config) -> None:
    """Keep machine code in a directory of this session, unless one is named; worker processes inherit it."""
    if _VARIABLE not in os.environ:
        config.stash[_made] = os.environ[_VARIABLE] = tempfile.mkdtemp(prefix="tidu-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that directory."""
    if _made in config.stash:
        shutil.rmtree(config.stash[_made], ignore_errors=True)
        os.environ.pop(_VARIABLE, None)
