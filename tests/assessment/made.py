"""Assessments with numbers of our choice, for tests of how they are told and drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tidu.assessment.contradictions import Contradiction, Contradictions, Leakage
from tidu.assessment.dependence import Dependence
from tidu.assessment.gamma import GammaTest
from tidu.assessment.learning import LearningPoint
from tidu.assessment.likelihood import Model, NoiseEstimate, Profile
from tidu.assessment.result import Assessment, Floor

SHARES = 10.0 ** np.arange(-4.0, 0.6, 0.1)


def likelihood(heights: np.ndarray | None = None) -> NoiseEstimate:
    """Return an estimate of 20 % noise, from 10 % to 30 %."""
    if heights is None:
        heights = -40.0 * np.log10(SHARES / 0.2) ** 2
        heights -= heights.max()
    return NoiseEstimate(
        share=0.2,
        interval=(0.1, 0.3),
        least=0.1,
        left_share=0.25,
        resolution=0.015,
        rows=np.arange(4),
        predicted=np.zeros((4, 1)),
        model=Model("Matern 3/2", 1.0, (0, 1)),
        profile=Profile(SHARES, heights),
    )


def numbers(**changes: Any) -> Assessment:
    """Return an assessment of 400 rows with a number as target, of variance 10."""
    rng = np.random.default_rng(0)
    found = Assessment(
        verdict="noisy function",
        findings=("noise", "dependent", "enough_rows"),
        task="regression",
        name="houses.csv",
        n_samples=400,
        n_features=2,
        feature_names=("size", "age"),
        class_names=(),
        floor=Floor(2.0, 1.0, 3.0, 10.0),
        contradictions=Contradictions(400, 7, 3, 4, 0.997, 0.5, 1.25, (Contradiction((12, 345), (1.5, 4.25), 2, 3.8),)),
        n_copies=0,
        leakage=Leakage(50, 2, 3, 0.5, True, ((7, 120), (9, 3), (30, 31))),
        dependence=Dependence(0.625, 0.005, 0.375, 0.005, 0.5, np.array([0.125, 0.5]), (1, 0), (0.5, 0.625)),
        likelihood=likelihood(),
        gamma=GammaTest(2.25, 4.0, 2.5, 2.375, (0.25, 0.5, 0.75), (3.25, 4.25, 5.25)),
        gamma_interval=(1.875, 2.625),
        left_out_errors={1: 4.5, 5: 2.75},
        cover_hart=None,
        learning=(LearningPoint(100, 3.5, 2.5), LearningPoint(200, 3.0, 2.4), LearningPoint(400, 2.75, 2.25)),
        intrinsic_dimension=1.75,
        pairs=rng.uniform(size=(300, 2)),
    )
    return replace(found, **changes)


def classes(**changes: Any) -> Assessment:
    """Return an assessment of 400 rows of three classes, of which the most frequent has half the rows."""
    rng = np.random.default_rng(0)
    found = replace(
        numbers(),
        task="classification",
        class_names=("iris", "rose", "tulip"),
        floor=Floor(0.0625, 0.03125, 0.125, 0.5),
        contradictions=Contradictions(400, 7, 3, 4, 0.9975, 0.5, 0.1, (Contradiction((12, 345), (0.0, 2.0), 2, 1.0),)),
        gamma=None,
        gamma_interval=None,
        left_out_errors={1: 0.15, 5: 0.11},
        cover_hart=(0.08, 0.15),
        learning=(LearningPoint(200, 0.14, 0.18), LearningPoint(400, 0.11, 0.15)),
        pairs=np.stack([rng.uniform(size=300), 0.5 * (rng.uniform(size=300) < 0.2)], axis=1),
    )
    return replace(found, **changes)
