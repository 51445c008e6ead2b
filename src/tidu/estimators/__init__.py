"""Estimators with scikit-learn's interface, drop-in for those of the same names.

A package of classes; what they compute stands in `tidu.learn` and `tidu.neighbors`.
"""

from __future__ import annotations

from tidu.estimators.linear_certificate import LinearCertificate
from tidu.estimators.mlp_classifier import MLPClassifier
from tidu.estimators.mlp_regressor import MLPRegressor
from tidu.estimators.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

__all__ = [
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "LinearCertificate",
    "MLPClassifier",
    "MLPRegressor",
    "NearestNeighbors",
]
