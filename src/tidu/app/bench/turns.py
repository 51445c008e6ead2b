"""How do all peers of all cases take their turns, round after round, and what is the median of what they found?

Ratios are taken within a round, where the machine was the same for both. This file knows nothing of what is
measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tidu.app.bench.processes import MeasurementFailed

__all__ = ["Row", "Rows", "take_turns"]

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Row(Generic[Found]):
    """What was found of one peer at one case.

    Parameters
    ----------
    results : list
        One of each round, a dataclass.
    failure : list of str
        The last line of what a process said that failed; empty if none did.
    """

    results: list[Found] = field(default_factory=list)
    failure: list[str] = field(default_factory=list)

    def figures(self, figure: str) -> list[float]:
        """Return an attribute of the results of all rounds, without those that have none."""
        return [value for value in (getattr(result, figure) for result in self.results) if value is not None]

    def median(self, figure: str) -> float | None:
        """Return the median of an attribute of the results; None where there is none."""
        found = self.figures(figure)
        return statistics.median(found) if found else None

    def ratio(self, other: Row[Found], figure: str) -> float | None:
        """Return the median over the rounds of this row's figure over the other's; None where there is none."""
        pairs = zip(self.figures(figure), other.figures(figure), strict=False)
        ratios = [mine / theirs for mine, theirs in pairs if mine and theirs]
        return statistics.median(ratios) if ratios else None


Rows = dict[tuple[str, str], Row[Found]]
"""By case and peer."""


def take_turns(
    rounds: int,
    peers_of: Mapping[str, Sequence[str]],
    measure: Callable[[str, str, Row[Found]], Found],
    tell: Callable[[str], None],
    before: Callable[[str], None] = lambda case: None,
) -> Rows[Found]:
    """Measure everything in turn; a peer that failed once gets no turn any more at that case.

    Parameters
    ----------
    rounds : int
    peers_of : mapping of case to peers
    measure : callable
        Takes case, peer and what was found of them so far, and returns what it finds, or raises
        `MeasurementFailed`.
    tell : callable
        Hears what comes next.
    before : callable
        Called with each case in each round before its peers.
    """
    rows: Rows[Found] = {(case, peer): Row() for case, peers in peers_of.items() for peer in peers}
    for number in range(rounds):
        for case, peers in peers_of.items():
            before(case)
            for peer in peers:
                row = rows[case, peer]
                if row.failure:
                    continue
                tell(f"{number + 1}/{rounds} {case}: {peer}")
                try:
                    row.results.append(measure(case, peer, row))
                except MeasurementFailed as failed:
                    row.failure.append(str(failed))
    return rows
