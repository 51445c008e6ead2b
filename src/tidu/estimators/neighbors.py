"""Where are the estimators of nearest neighbors?

Reading order: `neighbors_parameters` (what their parameters may be), `neighbors_rows` and
`neighbors_targets` (what they are given), `neighbors_base` (rows kept, neighbors asked for),
`neighbors_search`, `neighbors_voting` and `neighbors_ballots` (votes within the limit of memory),
`neighbors_classifier`, `neighbors_regressor`, `neighbors_file` (saved and loaded).
"""

from __future__ import annotations

from tidu.estimators.neighbors_classifier import KNeighborsClassifier
from tidu.estimators.neighbors_regressor import KNeighborsRegressor
from tidu.estimators.neighbors_search import NearestNeighbors

__all__ = ["KNeighborsClassifier", "KNeighborsRegressor", "NearestNeighbors"]
