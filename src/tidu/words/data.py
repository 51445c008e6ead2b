"""The phrases of `data`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {}
