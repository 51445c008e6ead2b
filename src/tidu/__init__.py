"""tidu (梯度): learn a function from data on an ordinary CPU, and see how it was learned."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
