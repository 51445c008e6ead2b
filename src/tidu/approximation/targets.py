"""What shall be approximated: an expression, a function or data, on a box of numbers, with points to learn from.

This file knows nothing of networks.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.approximation.domains import Box, DomainLike, box_of
from tidu.errors import DataError, ParameterError, TiduError
from tidu.expressions import Expression, parse_expression

__all__ = ["Samples", "Target", "TargetLike", "as_target", "data_target", "require_measurable"]

Vector: TypeAlias = NDArray[np.float64]
TargetLike: TypeAlias = "str | Expression | Callable[..., object] | tuple[ArrayLike, ArrayLike] | Target"

_HELD_OUT = 3  # of data, one row in so many is held out to measure errors
_FEWEST_ROWS = 12
_SEED = 0  # of what networks learn from and are measured on: the same for all of them
_LARGEST, _LEAST = 1e100, 1e-100  # errors are squared
_ASKED_AGAIN = 7  # points at which a function is asked once more
_SAME = 1e-4  # of the largest value; more than the rounding of a function computed in float32
_STREAM = 7919  # points must not be drawn by the very numbers by which training with the same seed holds rows out


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Points and the values there.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features), float64
    y : ndarray of shape (n_samples,), float64
    """

    X: Vector
    y: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A function on a box, or data drawn from an unknown one.

    Attributes
    ----------
    name : str
        As it was written, or what the function is called.
    names : tuple of str
        The variables.
    domain : tuple of (float, float)
        The low and high end of each variable.
    data : Samples or None
        The rows, where there is no function but data.
    """

    name: str
    names: tuple[str, ...]
    domain: Box
    data: Samples | None = None
    _function: Callable[[Vector], object] | None = field(default=None, repr=False)

    @property
    def n_features(self) -> int:
        """Number of variables."""
        return len(self.domain)

    def __call__(self, X: Vector) -> Vector:
        """Return the values at the rows of X, of shape (n_samples, n_features).

        Raises
        ------
        DataError
            If a value is not a finite number; it says where.
        ParameterError
            If the target is data: nothing is known between the rows.
        """
        values = self.values(X)
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            where = ", ".join(f"{name} = {x:.6g}" for name, x in zip(self.names, X[wrong[0]], strict=True))
            raise DataError(
                f"{self.name} is {values[wrong[0]]} at {where}; give a domain where it is a finite number",
                where=X[wrong[0]],
                got=values[wrong[0]],
            )
        return values

    def values(self, X: Vector) -> Vector:
        """Return the values at the rows of X, finite or not: outside the domain there may be none."""
        if self._function is None:
            raise ParameterError(f"{self.name} are data: they have no value between their rows", got=self.name)
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(self._function(X))
        except TiduError:  # of another target that this one is made of
            raise
        except (TypeError, ValueError, IndexError) as error:
            hint = "take one array for each variable" if isinstance(error, IndexError) else "write it in NumPy"
            raise DataError(
                f"{self.name} fails on whole arrays: {error}; {hint}, as in def f(x, y): return np.sin(x) * y",
                got=error,
            ) from error
        if found.dtype.kind not in "biuf":
            raise DataError(
                f"{self.name} gives values of type {found.dtype}; expected one real number for each point",
                expected="real numbers",
                got=found.dtype,
            )
        array = found.astype(np.float64)
        if array.shape not in ((), (len(X),), (len(X), 1)):
            raise DataError(
                f"{self.name} gives shape {array.shape} for {len(X)} points; expected one number for each, "
                "in NumPy code that works on whole arrays",
                expected=(len(X),),
                got=array.shape,
            )
        return np.broadcast_to(array.reshape(-1), (len(X),)).copy()

    def training(self, n_points: int) -> Samples:
        """Return what a network may learn from: points all over the domain, or the rows that are not held out."""
        return self._rows(learned=True) if self.data else self._at(stratified_points(self.domain, n_points, _SEED))

    def testing(self, n_points: int) -> Samples:
        """Return where errors are measured: a dense grid, quasi-random points, or the rows that are held out."""
        return self._rows(learned=False) if self.data else self._at(dense_points(self.domain, n_points))

    def _at(self, X: Vector) -> Samples:
        return Samples(X, self(X))

    def _rows(self, learned: bool) -> Samples:
        assert self.data is not None, "rows are asked of data"
        order = np.random.default_rng([_SEED, _STREAM]).permutation(len(self.data.y))
        n_held = len(order) // _HELD_OUT
        chosen = np.sort(order[n_held:] if learned else order[:n_held])
        return Samples(self.data.X[chosen], self.data.y[chosen])


def as_target(target: TargetLike, domain: DomainLike | None = None) -> Target:
    """Return the target that a person means.

    Parameters
    ----------
    target : str, Expression, callable, (X, y) or Target
        An expression in one or more variables (parsed, never run as Python); a function of one array for each
        variable, in NumPy code; or data, X of shape (n_samples,) or (n_samples, n_features) and y (n_samples,). A
        target stays as it is.
    domain : optional
        ``(low, high)`` for every variable, or one such pair for each, in order or by name. By default (-1, 1);
        for data their own range.

    Raises
    ------
    ExpressionError
        If the text is no expression.
    DataError
        If data are too few, not finite or of shapes that do not fit.
    ParameterError
        If the domain is none, or the target is nothing of the above.

    Examples
    --------
    >>> f = as_target("sin(3*x)", (0, 1))
    >>> f.names, f.domain, f(np.array([[0.0], [0.5]])).round(3).tolist()
    (('x',), ((0.0, 1.0),), [0.0, 0.997])
    """
    if isinstance(target, Target):
        if domain is not None:
            raise ParameterError(f"{target.name} has its domain already; leave out domain={domain!r}", got=domain)
        return target
    if isinstance(target, (str, Expression)):
        expression = parse_expression(target) if isinstance(target, str) else target
        if not expression.names:
            raise ParameterError(f"{expression.text} has no variable; write, say, sin(3*x)", got=expression.text)
        return _of_expression(expression, box_of(domain, expression.names))
    if callable(target):
        return _of_function(target, domain)
    given: object = target
    if isinstance(given, (tuple, list)) and len(given) == 2:
        return data_target(given[0], given[1], domain)
    raise ParameterError(
        f"the target must be an expression, a function or data (X, y); got {type(target).__name__}", got=type(target)
    )


def _of_expression(expression: Expression, domain: Box) -> Target:
    def function(X: Vector) -> object:
        return expression.run(dict(zip(expression.names, X.T, strict=True)))

    return Target(expression.text, expression.names, domain, None, function)


def _of_function(function: Callable[..., object], domain: DomainLike | None) -> Target:
    try:
        parameters = inspect.signature(function).parameters.values()
        names = tuple(one.name for one in parameters if one.default is one.empty and one.kind < one.KEYWORD_ONLY)
        variadic = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    except (TypeError, ValueError):  # NumPy's own functions have no signature
        names, variadic = ("x",), False
    if variadic or not names:
        raise ParameterError(
            "the function must take one array for each variable: def f(x): ... or def f(x, y): ...", got=names
        )

    def by_columns(X: Vector) -> object:
        return function(*X.T.copy())  # it may write into its arguments

    return Target(getattr(function, "__name__", "f"), names, box_of(domain, names), None, by_columns)


def data_target(
    X: ArrayLike, y: ArrayLike, domain: DomainLike | None = None, names: Sequence[str] = (), name: str = ""
) -> Target:
    """Return data as a target.

    Parameters
    ----------
    X : array_like of shape (n_samples,) or (n_samples, n_features)
    y : array_like of shape (n_samples,)
    domain : optional
        As in `as_target`; rows outside are left out.
    names : sequence of str, optional
        Of the features. By default the columns of a data frame, or ``x``, or ``x0``, ``x1`` and so on.
    name : str, optional
        Of the target. By default the name of a series, or ``y``.

    Raises
    ------
    DataError
        If rows are too few, not finite or of shapes that do not fit, or a feature is the same in all of them.
    ParameterError
        If the domain is none.
    """
    rows, values = _checked_rows(X, y)
    known = names or [str(one) for one in getattr(X, "columns", ())]
    names = tuple(known) or (("x",) if rows.shape[1] == 1 else tuple(f"x{i}" for i in range(rows.shape[1])))
    if domain is None:
        for column, feature in zip(rows.T, names, strict=True):
            if column.min() == column.max():
                raise DataError(
                    f"{feature} is {column[0]:.6g} in all rows: leave such a column out, or give its domain",
                    column=feature,
                )
        domain = list(zip(rows.min(axis=0).tolist(), rows.max(axis=0).tolist(), strict=True))
    box = box_of(domain, names)
    inside = np.all([(low <= x) & (x <= high) for x, (low, high) in zip(rows.T, box, strict=True)], axis=0)
    if inside.sum() < _FEWEST_ROWS:
        raise DataError(
            f"{inside.sum()} rows lie in the domain; give a domain with {_FEWEST_ROWS} or more", got=int(inside.sum())
        )
    label = name or str(getattr(y, "name", None) or "y")
    return Target(label, names, box, Samples(rows[inside], values[inside]))


def _checked_rows(X: ArrayLike, y: ArrayLike) -> tuple[Vector, Vector]:
    try:
        given = np.asarray(X), np.asarray(y)
        if any(np.iscomplexobj(one) for one in given):
            raise TypeError("complex numbers have no order")
        rows, values = (one.astype(np.float64) for one in given)
    except (TypeError, ValueError):
        raise DataError("the data must be real numbers", got=type(X)) from None
    if rows.ndim == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or values.shape != (len(rows),) or rows.shape[1] < 1:
        raise DataError(
            f"the data must be X (n_samples, n_features) and y (n_samples,); got {rows.shape} and {values.shape}",
            got=(rows.shape, values.shape),
        )
    if len(values) < _FEWEST_ROWS:
        raise DataError(f"{len(values)} rows are too few; give {_FEWEST_ROWS} or more", got=len(values))
    if not (np.isfinite(rows).all() and np.isfinite(values).all()):
        raise DataError("the data hold a NaN or an infinity; leave such rows out")
    return rows, values


def require_measurable(target: Target, n_points: int) -> None:
    """Refuse, before any work, what is no function of each point alone, or has values that cannot be squared.

    Raises
    ------
    DataError
        Also if a value is not a finite number.
    """
    samples = target.training(n_points)
    y = np.concatenate([samples.y, target.testing(n_points).y])
    largest, spread = float(np.abs(y).max()), float(np.ptp(y))
    if largest > _LARGEST or 0 < spread < _LEAST:
        raise DataError(
            f"{target.name} has values from {y.min():.6g} to {y.max():.6g}, whose squares are no numbers any more; "
            "give it in another unit",
            got=(float(y.min()), float(y.max())),
        )
    if target.data is not None:
        return
    # In another order, or a sum up to each point would pass.
    chosen = np.arange(len(samples.y))[:: -max(1, len(samples.y) // _ASKED_AGAIN)]
    if np.abs(target(samples.X[chosen]) - samples.y[chosen]).max() > _SAME * largest:
        raise DataError(
            f"{target.name} has other values at the same points when it is asked for fewer of them; expected a "
            "function of each point alone: no sum, mean, dot or max over the points, and nothing random",
            got=target.name,
        )


def stratified_points(domain: Box, n_points: int, seed: int) -> Vector:
    """Return random points of which, along each variable, one lies in each of `n_points` equal pieces.

    References
    ----------
    McKay, Beckman and Conover, A comparison of three methods for selecting values of input variables, Technometrics
    21 (1979): Latin hypercube sampling.

    Examples
    --------
    >>> x = stratified_points(((0.0, 4.0),), 4, seed=0)[:, 0]
    >>> np.sort(x).astype(int).tolist()
    [0, 1, 2, 3]
    """
    rng = np.random.default_rng([seed, _STREAM])
    columns = [(rng.permutation(n_points) + rng.uniform(size=n_points)) / n_points for _ in domain]
    return _stretched(np.stack(columns, axis=1), domain)


def dense_points(domain: Box, n_points: int) -> Vector:
    """Return the midpoints of equal pieces, or Sobol's quasi-random points where there are several variables.

    References
    ----------
    Sobol', On the distribution of points in a cube, USSR Comput. Math. Math. Phys. 7 (1967); `scipy.stats.qmc`.

    Examples
    --------
    >>> dense_points(((0.0, 1.0),), 2)[:, 0].tolist()
    [0.25, 0.75]
    """
    if len(domain) == 1:
        return _stretched((np.arange(n_points)[:, None] + 0.5) / n_points, domain)
    from scipy.stats import qmc

    exponent = math.ceil(math.log2(n_points))
    # The sequence begins in the corner of the cube; half a cell further it is symmetric.
    points = qmc.Sobol(len(domain), scramble=False).random_base2(exponent) + 0.5 / 2**exponent
    return _stretched(points, domain)


def _stretched(unit: Vector, domain: Box) -> Vector:
    low, high = np.array(domain).T
    return cast("Vector", low + (high - low) * unit)
