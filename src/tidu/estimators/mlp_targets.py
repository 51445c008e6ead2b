"""How do a classifier's labels become numbers that a network is trained on, and its scores become labels?

This file knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from tidu.errors import ParameterError

__all__ = ["ClassWeight", "LabelCoder"]

Array: TypeAlias = NDArray[np.generic]
ClassWeight: TypeAlias = Mapping[object, float] | Literal["balanced"] | None


@dataclass(frozen=True, slots=True, eq=False)
class LabelCoder:
    """The classes, and how their labels are coded.

    Attributes
    ----------
    classes : ndarray
        Sorted labels; of multilabel targets the column numbers.
    kind : {"binary", "multiclass", "multilabel-indicator"}
    binarizer : LabelBinarizer
        Gives multilabel predictions the form (dense or sparse) of the targets.
    """

    classes: Array
    kind: str
    binarizer: LabelBinarizer

    @classmethod
    def of(cls, y: ArrayLike) -> LabelCoder:
        """Learn the classes from labels."""
        binarizer = LabelBinarizer().fit(y)
        return cls(binarizer.classes_, binarizer.y_type_, binarizer)

    @property
    def n_outputs(self) -> int:
        """Columns of scores: one for two classes, else one for each class."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encode(self, y: Array) -> Array:
        """Return class numbers of shape (n_samples,), or 0 and 1 of shape (n_samples, n_outputs).

        Raises
        ------
        ParameterError
            If a label is not among the classes.
        """
        if self.kind == "multilabel-indicator":
            indicators = self.binarizer.transform(y)
            dense = cast("sparse.csr_array", indicators).toarray() if sparse.issparse(indicators) else indicators
            return np.asarray(dense).astype(bool)
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ParameterError(
                f"labels {unknown.tolist()} are not among the classes {self.classes.tolist()}",
                expected=self.classes,
                got=unknown,
            )
        codes = np.asarray(np.searchsorted(self.classes, y))
        return codes if self.kind == "multiclass" else (codes > 0)[:, None]

    def indicators(self, codes: Array) -> NDArray[np.float64]:
        """Return 0 and 1 of shape (n_samples, n_outputs)."""
        if codes.ndim == 1:
            return np.eye(len(self.classes))[codes.astype(np.intp)]
        return codes.astype(np.float64)

    def decode(self, outputs: NDArray[np.floating], threshold: float) -> Array:
        """Return the labels that scores or probabilities stand for."""
        if self.kind == "multiclass":
            return np.asarray(self.classes[outputs.argmax(axis=1)])
        if self.kind == "binary":
            return np.asarray(self.classes[(outputs.ravel() > threshold) * (len(self.classes) - 1)])
        return np.asarray(self.binarizer.inverse_transform(outputs, threshold=threshold))

    def weights(self, class_weight: ClassWeight, y: Array, sample_weight: Array | None) -> Array | None:
        """Return the weight of each row: its own times that of its class.

        Notes
        -----
        "balanced" gives each class that occurs the same total weight, counted with the rows' own weights.
        """
        if class_weight is None:
            return sample_weight
        if self.kind == "multilabel-indicator":
            of_class = compute_sample_weight(class_weight, y)
        elif isinstance(class_weight, str):
            codes = np.searchsorted(self.classes, y)
            totals = np.bincount(codes, sample_weight, minlength=len(self.classes))
            share = np.divide(totals.sum(), totals * np.count_nonzero(totals), where=totals > 0, out=totals * 0.0)
            of_class = share[codes]
        else:
            unknown = [label for label in class_weight if label not in self.classes]
            if unknown:
                raise ParameterError(f"class_weight names {unknown}, not in {self.classes.tolist()}", got=unknown)
            found = compute_class_weight(dict(class_weight), classes=self.classes, y=y)
            of_class = found[np.searchsorted(self.classes, y)]
        return np.asarray(of_class if sample_weight is None else of_class * sample_weight)
