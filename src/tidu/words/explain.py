"""The phrases of `explain`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "value": {"en": "value", "zh": "值"},
    "gradient": {"en": "gradient", "zh": "梯度"},
}
