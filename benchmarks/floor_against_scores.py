"""Does any model of scikit-learn beat the best score that `tidu.assess` holds possible?

    python benchmarks/floor_against_scores.py                       # bundled data, and houses that are made up
    python benchmarks/floor_against_scores.py --cifar10 FOLDER      # CIFAR-10's python batches, too

Scores are means over five folds (CIFAR-10: 2,000 held-out pictures, 6,000 to learn from). A model beats the floor if
its score exceeds the upper end of the interval by more than twice the standard error of that mean.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn import datasets, ensemble, linear_model, neighbors, neural_network, svm
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tidu
from tidu.data import open_dataset

CLASSIFIERS = {
    "logistic regression": linear_model.LogisticRegression(max_iter=2000),
    "k-NN": neighbors.KNeighborsClassifier(5),
    "random forest": ensemble.RandomForestClassifier(200, random_state=0),
    "boosting": ensemble.HistGradientBoostingClassifier(random_state=0),
    "SVM": svm.SVC(C=10.0),
    "network": neural_network.MLPClassifier(hidden_layer_sizes=(100,), max_iter=500, random_state=0),
}
REGRESSORS = {
    "ridge": linear_model.RidgeCV(np.logspace(-3, 3, 13)),
    "k-NN": neighbors.KNeighborsRegressor(10),
    "random forest": ensemble.RandomForestRegressor(200, random_state=0),
    "boosting": ensemble.HistGradientBoostingRegressor(random_state=0),
    "SVM": svm.SVR(C=10.0),
    "network": neural_network.MLPRegressor(hidden_layer_sizes=(100,), max_iter=500, random_state=0),
}


def houses(n: int = 5000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return made-up houses like California's: eight skewed features, a price that is capped, and noise."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(1.25, 0.45, n)
    age = rng.integers(1, 53, n)
    rooms, people = rng.lognormal(1.65, 0.25, n), rng.lognormal(1.05, 0.3, n)
    bedrooms = rooms * rng.uniform(0.15, 0.3, n)
    population = rng.lognormal(7.0, 0.7, n)
    latitude = np.where(rng.random(n) < 0.5, rng.normal(34.0, 0.6, n), rng.normal(37.7, 0.8, n))
    longitude = -119.5 - 1.1 * (latitude - 35.6) + rng.normal(0.0, 0.6, n)
    coast = np.exp(-np.abs(longitude + 119.5 + 1.3 * (latitude - 35.6)))
    price = 0.45 * income + 1.3 * coast - 0.25 * (people - 3.0) + 0.008 * age + 0.15 * np.sqrt(rooms)
    price *= np.exp(0.18 * rng.normal(size=n))
    X = np.column_stack([income, age, rooms, bedrooms, population, people, latitude, longitude])
    return X, np.minimum(price, 5.0)


def best(X: np.ndarray, y: np.ndarray, classifies: bool, held_out: bool) -> tuple[str, float, float]:
    """Return the best model, its score and the standard error of that."""
    found = {}
    models: dict[str, BaseEstimator] = dict(CLASSIFIERS if classifies else REGRESSORS)
    if held_out:
        folds = ShuffleSplit(1, test_size=0.25, random_state=0)
        models.pop("boosting")  # minutes on 3,072 features
    else:
        folds = (StratifiedKFold if classifies else KFold)(5, shuffle=True, random_state=0)
    for name, model in models.items():
        scores = cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=folds)
        found[name] = scores.mean(), scores.std() / np.sqrt(len(scores))
    name = max(found, key=lambda one: found[one][0])
    score, error = found[name]
    if held_out:
        error = float(np.sqrt(score * (1 - score) / (len(y) // 4)))
    return name, float(score), float(error)


def main() -> None:
    """Print a line for each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cifar10", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    problems = {
        "digits": (*datasets.load_digits(return_X_y=True), True),
        "wine": (*datasets.load_wine(return_X_y=True), True),
        "breast cancer": (*datasets.load_breast_cancer(return_X_y=True), True),
        "iris": (*datasets.load_iris(return_X_y=True), True),
        "diabetes": (*datasets.load_diabetes(return_X_y=True), False),
        "houses (made up)": (*houses(), False),
    }
    if given.cifar10:
        data = open_dataset(str(given.cifar10))
        problems["CIFAR-10"] = data.X.read(0, 8000), data.y.read(0, 8000), True
    print("| data | rows x features | verdict | best possible score (95 %) | best of scikit-learn | beaten | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (X, y, classifies) in problems.items():
        begun = time.perf_counter()
        found = tidu.assess(X, y, task="classification" if classifies else "regression")
        elapsed_s = time.perf_counter() - begun
        low, high = found.best_score_interval
        model, score, error = best(X, y, classifies, held_out=name == "CIFAR-10")
        beaten = "yes" if score - 2 * error > high else "no"
        possible = f"{found.best_score:.3f} ({low:.3f} to {high:.3f})"
        reached = f"{score:.3f} ± {2 * error:.3f} ({model})"
        size = f"{len(X):,} x {X.shape[1]:,}"
        print(
            f"| {name} | {size} | {found.verdict} | {possible} | {reached} | {beaten} | {elapsed_s:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
