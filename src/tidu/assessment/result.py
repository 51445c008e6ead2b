"""What an assessment holds, and the forms in which it can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.contradictions import Contradictions, Leakage
from tidu.assessment.dependence import Dependence
from tidu.assessment.gamma import GammaTest
from tidu.assessment.learning import LearningPoint
from tidu.assessment.likelihood import NoiseEstimate
from tidu.assessment.verdict import Verdict
from tidu.data.target import Task

if TYPE_CHECKING:
    from tidu.words import Language

__all__ = ["Assessment", "Floor"]


@dataclass(frozen=True, slots=True)
class Floor:
    """The least error that any function of the features can reach, with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        Variance of the noise, in squared units of the target; of classes the share of rows that are wrong.
    whole : float
        What knowing nothing leaves: the target's variance, or the error of always saying the most frequent class.
    """

    value: float
    low: float
    high: float
    whole: float

    def share(self, error: float) -> float:
        """Return an error as a share of what knowing nothing leaves."""
        return error / self.whole


@dataclass(frozen=True, eq=False)
class Assessment:
    """Whether the data follow a function, and how well any model could do; made by `tidu.assess`.

    Attributes
    ----------
    verdict : {"function", "noisy function", "no dependence found", "cannot tell"}
    findings : tuple of str
        Why: keys of phrases; `reasons` and `explain` tell them in words.
    task : {"classification", "regression"}
    name : str
        What was assessed.
    n_samples, n_features : int
    feature_names, class_names : tuple of str
        `class_names` is empty for numbers.
    floor : Floor
    contradictions : Contradictions
    n_copies : int
        Rows that are copies of others, target included; all but the contradictions was found without them.
    leakage : Leakage or None
        None without held-out rows.
    dependence : Dependence
    likelihood : NoiseEstimate
        From which the floor of numbers follows; of classes, the mean of ``sum_c p_c (1 - p_c)``, as a share.
    gamma : GammaTest or None
        None for classes.
    gamma_interval : (float, float) or None
        Its 95 % interval, by subsampling.
    left_out_errors : dict of int to float
        Error of predicting each row by its k nearest others, for several k.
    cover_hart : (float, float) or None
        Of classes: the band of the floor by the error of the nearest row alone.
    learning : tuple of LearningPoint
        A quarter, a half and all of the rows.
    intrinsic_dimension : float
        Dimensionless.
    pairs : ndarray of shape (n_pairs, 2), float64
        Squared distance and half the squared difference of the targets, of rows and their neighbors.
    """

    verdict: Verdict
    findings: tuple[str, ...]
    task: Task
    name: str
    n_samples: int
    n_features: int
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    floor: Floor
    contradictions: Contradictions
    n_copies: int
    leakage: Leakage | None
    dependence: Dependence
    likelihood: NoiseEstimate
    gamma: GammaTest | None
    gamma_interval: tuple[float, float] | None
    left_out_errors: dict[int, float]
    cover_hart: tuple[float, float] | None
    learning: tuple[LearningPoint, ...]
    intrinsic_dimension: float
    pairs: NDArray[np.float64]

    @property
    def noise_variance(self) -> float:
        """The floor: variance of the noise, in squared units of the target; of classes the lowest error rate."""
        return self.floor.value

    @property
    def noise_variance_interval(self) -> tuple[float, float]:
        """The 95 % interval of `noise_variance`."""
        return self.floor.low, self.floor.high

    @property
    def best_score(self) -> float:
        """The highest R^2, or accuracy, that any function of the features can be expected to reach."""
        return self._score(self.floor.value)

    @property
    def best_score_interval(self) -> tuple[float, float]:
        """The 95 % interval of `best_score`."""
        return self._score(self.floor.high), self._score(self.floor.low)

    def _score(self, error: float) -> float:
        # The mean is a function of the features, too: its R^2 is 0.
        return max(0.0, 1.0 - self.floor.share(error)) if self.task == "regression" else 1.0 - error

    @property
    def resolution(self) -> float:
        """The noise that the method reports at most for a target without noise as rough as this one.

        In the units of `noise_variance`, for numbers; for classes as a share of the variance of their 0/1 outputs.
        """
        return self.likelihood.resolution * (self.floor.whole if self.task == "regression" else 1.0)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why this verdict, in plain words."""
        return self.explain()

    def explain(self, lang: Language = "en") -> tuple[str, ...]:
        """Return the reasons for the verdict, the weightiest first, in English or Chinese."""
        from tidu.assessment.text import told

        return told(self, lang)

    def text(self, lang: Language = "en") -> str:
        """Return verdict, reasons and all numbers as a table, in English or Chinese."""
        from tidu.assessment.text import write_text

        return write_text(self, lang)

    def to_html(self, lang: Language = "en") -> str:
        """Return one self-contained page with the pictures and the numbers."""
        from tidu.assessment.page import write_page

        return write_page(self, lang)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        low, high = self.best_score_interval
        return f"<assessment of {self.n_samples} rows: {self.verdict}, best score {low:.3g} to {high:.3g}>"

    def _repr_html_(self) -> str:
        from tidu.assessment.page import write_fragment

        return write_fragment(self, "en")
