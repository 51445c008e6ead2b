"""What must a peer be able to do, to be measured at training?

This file knows no peer.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from tidu.app.bench.train.arrays import Rows, Weights

__all__ = ["ADAM", "MOMENTUM", "Foreign", "Speed", "Trainer"]

MOMENTUM = 0.9
ADAM = (0.9, 0.999, 1e-8)
"""b1, b2 and eps."""
Foreign: TypeAlias = Any
"""A value of a peer: it may not be installed, so its types are not known here."""
Speed: TypeAlias = dict[str, float | str]
"""``per_s``, and what else the peer tells of its measurement: ``note``, ``call_per_s``."""


class Trainer(Protocol):
    """A peer that holds the data of a case already, as it likes them best."""

    def train(self, rows: Rows) -> Weights | None:
        """Take steps with these rows from the first weights on; None if it chooses its rows itself."""
        ...

    def speed(self, budget_s: float) -> Speed:
        """Measure steps a second, for about that long."""
        ...
