"""Which real data sets come along: those that scikit-learn carries, by name, without a download."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.data.dataset import Dataset, closest, dataset_of
from tidu.data.source import ArraySource
from tidu.errors import DataError

__all__ = ["BUNDLED", "bundled"]

BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")
"""Names of the bundled data sets."""

_IMAGES: dict[str, tuple[tuple[int, int, int], int]] = {"digits": ((8, 8, 1), 16)}


def bundled(name: str) -> Dataset:
    """Load one of scikit-learn's bundled data sets.

    Parameters
    ----------
    name : {"breast_cancer", "diabetes", "digits", "iris", "wine"}
        Which one. ``diabetes`` has a number as its target, the others classes.

    Examples
    --------
    >>> digits = bundled("digits")
    >>> digits.X.shape, digits.image_shape, digits.pixel_max, digits.class_names[:3]
    ((1797, 64), (8, 8, 1), 16, ('0', '1', '2'))
    """
    if name not in BUNDLED:
        raise DataError(f"there is no bundled data set {name!r}{closest(name, BUNDLED)}", name=name, available=BUNDLED)
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")()
    image_shape, pixel_max = _IMAGES.get(name, (None, None))
    class_names = getattr(found, "target_names", None)
    return dataset_of(
        ArraySource(cast("NDArray[np.float64]", found.data), name),
        ArraySource(cast("NDArray[np.generic]", found.target), name),
        feature_names=[str(feature) for feature in found.feature_names],
        target_name="target",
        class_names=None if class_names is None else [str(label) for label in class_names],
        image_shape=image_shape,
        pixel_max=pixel_max,
    )
