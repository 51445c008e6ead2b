"""How wrong are predictions: losses as one number, the mean over samples, with weights if wanted.

Weighted means divide by the sum of the weights of the batch, as scikit-learn's metrics and PyTorch do; a
batch whose weights are all zero has loss zero. This file knows nothing of networks.
"""

from __future__ import annotations

import math

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.value import Value
from tidu.errors import DtypeError, ParameterError, ShapeError
from tidu.functions.indexing import take, take_along_axis
from tidu.functions.stable import log_softmax, softplus
from tidu.ops.arithmetic import absolute, divide, multiply, negative, subtract
from tidu.ops.compare import greater, less_equal, not_equal, where
from tidu.ops.convert import astype
from tidu.ops.extremes import maximum
from tidu.ops.movement import reshape
from tidu.ops.reduce import sum_
from tidu.trace.tree import flatten

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "huber",
    "l1",
    "l2",
    "multiclass_hinge",
    "softmax_cross_entropy",
    "squared_error",
]


def squared_error(predictions: object, targets: object, sample_weight: object = None) -> Value:
    """Return the mean of ``(prediction - target)**2`` over samples and outputs.

    As PyTorch's ``MSELoss`` and scikit-learn's ``mean_squared_error``. (scikit-learn's MLPRegressor
    minimizes half of it.)

    Parameters
    ----------
    predictions, targets : array_like of shape (n_samples, ...)
        Of equal shape.
    sample_weight : array_like of shape (n_samples,), optional

    Raises
    ------
    ShapeError
        If the shapes differ: broadcasting would compare every prediction with every target.

    Examples
    --------
    >>> float(squared_error(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    2.5
    """
    difference = _difference("squared_error", predictions, targets)
    return _mean(_per_sample(multiply(difference, difference)), sample_weight)


def absolute_error(predictions: object, targets: object, sample_weight: object = None) -> Value:
    """Return the mean of ``|prediction - target|`` over samples and outputs.

    As PyTorch's ``L1Loss``; parameters as in `squared_error`.

    Examples
    --------
    >>> float(absolute_error(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    1.5
    """
    return _mean(_per_sample(absolute(_difference("absolute_error", predictions, targets))), sample_weight)


def huber(predictions: object, targets: object, delta: float = 1.0, sample_weight: object = None) -> Value:
    """Return the mean of Huber's loss: a parabola near zero, straight lines from `delta` on.

    ``d**2 / 2`` where ``|d| <= delta``, else ``delta * (|d| - delta / 2)``, as PyTorch's ``HuberLoss``;
    other parameters as in `squared_error`.

    References
    ----------
    Huber, Robust estimation of a location parameter, 1964, doi:10.1214/aoms/1177703732.

    Examples
    --------
    >>> float(huber(np.array([0.5, 3.0]), np.array([0.0, 0.0])))
    1.3125
    """
    if not (delta > 0.0 and math.isfinite(delta)):
        raise ParameterError(f"delta must be a positive number; got {delta!r}", got=delta)
    difference = _difference("huber", predictions, targets)
    size = absolute(difference)
    bent = where(less_equal(size, delta), multiply(difference, difference) * 0.5, (size - 0.5 * delta) * delta)
    return _mean(_per_sample(bent), sample_weight)


def softmax_cross_entropy(
    logits: object, labels: object, sample_weight: object = None, class_weight: object = None
) -> Value:
    """Return the mean of ``-log(softmax(logits)[label])``.

    As PyTorch's ``CrossEntropyLoss``, its weighted mean included.

    Parameters
    ----------
    logits : array_like of shape (n_samples, n_classes)
    labels : array_like of shape (n_samples,), integer
        From 0 to n_classes - 1.
    sample_weight : array_like of shape (n_samples,), optional
    class_weight : array_like of shape (n_classes,), optional
        Multiplied with the sample's own weight.

    Raises
    ------
    ShapeError, DtypeError
        If the labels are not one integer for each row.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning (2006), (4.108).

    Examples
    --------
    >>> round(float(softmax_cross_entropy(np.array([[0.0, 0.0]]), np.array([1]))), 4)
    0.6931
    """
    _require_labels("softmax_cross_entropy", logits, labels)
    losses = negative(_of_label(log_softmax(logits, axis=-1), labels))
    return _mean(losses, sample_weight, _class_weight(class_weight, labels, logits))


def multiclass_hinge(
    scores: object,
    labels: object,
    margin: float = 1.0,
    sample_weight: object = None,
    class_weight: object = None,
) -> Value:
    """Return the mean of ``sum over j != label of max(0, score_j - score_label + margin)``.

    The loss of CS231n's linear classifier. Parameters as in `softmax_cross_entropy`.

    References
    ----------
    Weston and Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999;
    cs231n.github.io/linear-classify.

    Examples
    --------
    >>> round(float(multiclass_hinge(np.array([[3.2, 5.1, -1.7]]), np.array([0]))), 4)
    2.9
    """
    _require_labels("multiclass_hinge", scores, labels)
    right = reshape(_of_label(scores, labels), (shape_of(scores)[0], 1))
    excess = subtract(scores, right) + margin
    # The label's own term is the margin itself, whatever the scores; where() keeps its gradient out.
    n_classes = shape_of(scores)[1]
    other = _not_label(labels, n_classes)
    losses = sum_(where(other, maximum(excess, 0.0), 0.0), axis=1)
    return _mean(losses, sample_weight, _class_weight(class_weight, labels, scores))


def binary_cross_entropy(
    logits: object, targets: object, sample_weight: object = None, class_weight: object = None
) -> Value:
    """Return the mean of ``-t log(p) - (1 - t) log(1 - p)`` with ``p = sigmoid(logit)``.

    Computed from the logits without overflow, and without losing small values to rounding, as
    ``t * softplus(-z) + (1 - t) * softplus(z)``; PyTorch's ``BCEWithLogitsLoss``.

    Parameters
    ----------
    logits, targets : array_like of shape (n_samples, ...)
        Of equal shape; targets are 0, 1, booleans or probabilities.
    sample_weight : array_like of shape (n_samples,), optional
    class_weight : array_like of shape (2,), optional
        Factors of the terms of class 0 and class 1. They scale the loss and do not enter the divisor.

    References
    ----------
    Bishop, Pattern Recognition and Machine Learning (2006), (4.90).

    Examples
    --------
    >>> round(float(binary_cross_entropy(np.array([0.0]), np.array([1]))), 4)
    0.6931
    """
    _require_equal("binary_cross_entropy", logits, targets)
    target = astype(targets, spec_of(logits).dtype)
    positive, negatives = multiply(target, softplus(negative(logits))), (1.0 - target) * softplus(logits)
    if class_weight is not None:
        factors = np.asarray(class_weight)
        if factors.shape != (2,):
            raise ShapeError(
                f"class_weight must have one factor for each of 2 classes; got shape {list(factors.shape)}",
                expected=(2,),
                got=factors.shape,
            )
        positive, negatives = positive * float(factors[1]), negatives * float(factors[0])
    return _mean(_per_sample(positive + negatives), sample_weight)


def l1(params: object) -> Value:
    """Return the sum of absolute values of all arrays; its gradient is the sign, 0 at 0.

    Pass what is to be small: ``l1(tidu.nn.weights(params))`` leaves the biases out.

    Examples
    --------
    >>> float(l1([np.array([1.0, -2.0])]))
    3.0
    """
    return _total([sum_(absolute(leaf)) for leaf in flatten(params)[0]])


def l2(params: object) -> Value:
    """Return half the sum of squares of all arrays; its gradient is the arrays themselves.

    So ``strength * l2(...)`` is a weight decay of `strength` for SGD. Pass what is to be small:
    ``l2(tidu.nn.weights(params))`` leaves the biases out.

    Examples
    --------
    >>> float(l2([np.array([1.0, -2.0])]))
    2.5
    """
    return _total([sum_(multiply(leaf, leaf)) * 0.5 for leaf in flatten(params)[0]])


def _total(terms: list[Value]) -> Value:
    if not terms:
        raise ParameterError("a penalty needs at least one array; got none", got=0)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _difference(what: str, predictions: object, targets: object) -> Value:
    _require_equal(what, predictions, targets)
    return subtract(predictions, targets)


def _require_equal(what: str, predictions: object, targets: object) -> None:
    if shape_of(predictions) != shape_of(targets):
        raise ShapeError(
            f"{what}: predictions have shape {list(shape_of(predictions))}, targets {list(shape_of(targets))}; they "
            "must be equal, so reshape one of them",
            expected=shape_of(predictions),
            got=shape_of(targets),
        )


def _require_labels(what: str, scores: object, labels: object) -> None:
    shape = shape_of(scores)
    if len(shape) != 2 or shape_of(labels) != shape[:1]:
        raise ShapeError(
            f"{what}: expected scores (n_samples, n_classes) and labels (n_samples,), got {list(shape)} and "
            f"{list(shape_of(labels))}",
            expected=shape[:1],
            got=shape_of(labels),
        )
    if spec_of(labels).dtype.kind not in "iu":
        raise DtypeError(
            f"{what}: labels must be integers from 0 to {shape[1] - 1}, got {spec_of(labels).dtype}",
            got=spec_of(labels).dtype,
        )


def _of_label(scores: object, labels: object) -> Value:
    """Return for each row the entry of its label."""
    n_samples = shape_of(labels)[0]
    return reshape(take_along_axis(scores, reshape(labels, (n_samples, 1)), axis=1), (n_samples,))


def _not_label(labels: object, n_classes: int) -> Value:
    return not_equal(reshape(labels, (shape_of(labels)[0], 1)), np.arange(n_classes))


def _per_sample(losses: Value) -> Value:
    """Return the mean over all axes but the first."""
    shape = shape_of(losses)
    axes = tuple(range(1, len(shape)))
    return sum_(losses, axis=axes) * (1.0 / max(math.prod(shape[1:]), 1)) if axes else losses


def _class_weight(class_weight: object, labels: object, scores: object) -> Value | None:
    if class_weight is None:
        return None
    if shape_of(class_weight) != shape_of(scores)[1:]:
        raise ShapeError(
            f"class_weight must have one factor for each of {shape_of(scores)[1]} classes; got shape "
            f"{list(shape_of(class_weight))}",
            expected=shape_of(scores)[1:],
            got=shape_of(class_weight),
        )
    return take(np.asarray(class_weight), labels)


def _mean(losses: Value, sample_weight: object, class_weight: Value | None = None) -> Value:
    """Return the weighted mean over samples."""
    if sample_weight is None and class_weight is None:
        if not losses.ndim:
            return losses
        return sum_(losses) * (1.0 / max(losses.shape[0], 1))
    if sample_weight is not None and shape_of(sample_weight) != losses.shape[:1]:
        raise ShapeError(
            f"sample_weight must have one number for each of {losses.shape[0]} samples; got shape "
            f"{list(shape_of(sample_weight))}",
            expected=losses.shape[:1],
            got=shape_of(sample_weight),
        )
    given = [w for w in (sample_weight, class_weight) if w is not None]
    weight = given[0] if len(given) == 1 else multiply(given[0], given[1])
    weight = astype(weight, losses.dtype)
    total = sum_(weight)
    return divide(sum_(multiply(weight, losses)), where(greater(total, 0.0), total, 1.0))
