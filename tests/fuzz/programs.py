"""Random NumPy programs: a sequence of steps, run with whichever `np` it is given.

A step names a function of this file; it is drawn so that shapes fit and values stay where the
functions are smooth. The same program runs under plain NumPy, under tidu and under HIPS autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

UNARY: dict[str, Callable[[Any, Any], Any]] = {
    "negative": lambda np, x: -x,
    "abs": lambda np, x: np.abs(x),
    "exp": lambda np, x: np.exp(np.tanh(x)),
    "expm1": lambda np, x: np.expm1(np.tanh(x)),
    "log": lambda np, x: np.log(np.abs(x) + 0.5),
    "log1p": lambda np, x: np.log1p(x * x),
    "log2": lambda np, x: np.log2(x * x + 1.0),
    "log10": lambda np, x: np.log10(x * x + 1.0),
    "sqrt": lambda np, x: np.sqrt(x * x + 0.5),
    "square": lambda np, x: np.square(x),
    "cube": lambda np, x: x**3,
    "reciprocal": lambda np, x: 1.0 / (1.0 + x * x),
    "sin": lambda np, x: np.sin(x),
    "cos": lambda np, x: np.cos(x),
    "tan": lambda np, x: np.tan(np.tanh(x)),
    "arcsin": lambda np, x: np.arcsin(0.9 * np.tanh(x)),
    "arccos": lambda np, x: np.arccos(0.9 * np.tanh(x)),
    "arctan": lambda np, x: np.arctan(x),
    "sinh": lambda np, x: np.sinh(np.tanh(x)),
    "cosh": lambda np, x: np.cosh(np.tanh(x)),
    "tanh": lambda np, x: np.tanh(x),
    "arcsinh": lambda np, x: np.arcsinh(x),
    "arccosh": lambda np, x: np.arccosh(x * x + 1.5),
    "arctanh": lambda np, x: np.arctanh(0.9 * np.tanh(x)),
    "sigmoid": lambda np, x: 1.0 / (1.0 + np.exp(-x)),
    "relu": lambda np, x: np.maximum(x, 0.0),
    "clip": lambda np, x: np.clip(x, -0.5, 0.5),
    "where": lambda np, x: np.where(x > 0.1, x * 2.0, np.sin(x)),
    "cumsum": lambda np, x: np.cumsum(x, axis=0),
    "sort": lambda np, x: np.sort(x.reshape(-1)),
    "ravel": lambda np, x: np.ravel(x),
    "T": lambda np, x: x.T,
    "flip": lambda np, x: np.flip(x, 0),
    "roll": lambda np, x: np.roll(x, 1, axis=0),
    "expand": lambda np, x: np.expand_dims(x, 0),
    "squeeze": lambda np, x: np.squeeze(x),
    "pad": lambda np, x: np.pad(x, [(1, 0)] * x.ndim, mode="constant"),
    "repeat": lambda np, x: np.repeat(x, 2, axis=0),
    "tile": lambda np, x: np.tile(x.reshape(-1), 2),
    "first": lambda np, x: x[0],
    "tail": lambda np, x: x[1:] if x.shape[0] > 1 else x,
    "stride": lambda np, x: x[::-1],
    "newaxis": lambda np, x: x[None, ..., None],
    "fancy": lambda np, x: x[[0, -1, 0]],
    "mask": lambda np, x: x.reshape(-1)[np.arange(int(x.size)) % 2 == 0],
    "split": lambda np, x: np.concatenate(np.split(x, [1], axis=0)[::-1], axis=0),
    "outer": lambda np, x: np.outer(x.reshape(-1)[:3], x.reshape(-1)[:4]),
    "gram": lambda np, x: np.dot(x.reshape(x.shape[0], -1), x.reshape(x.shape[0], -1).T),
    "normalize": lambda np, x: x / np.sqrt(np.sum(x * x) + 1.0),
    "softmax": lambda np, x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))),
    "diag": lambda np, x: np.diag(x.reshape(-1)[:4]),
    "triu": lambda np, x: np.triu(np.outer(x.reshape(-1)[:3], x.reshape(-1)[:3])),
    "tril": lambda np, x: np.tril(np.outer(x.reshape(-1)[:3], x.reshape(-1)[:3])),
    "mod": lambda np, x: np.mod(x, 0.7),
    "floor": lambda np, x: np.floor(x) + x,
    "ceil": lambda np, x: np.ceil(x) * x,
    "rint": lambda np, x: np.rint(x) - x,
    "sign": lambda np, x: np.sign(x) * x,
    "fabs": lambda np, x: np.fabs(x),
    "exp2": lambda np, x: np.exp2(np.tanh(x)),
    "sinc": lambda np, x: np.sinc(x + 2.5),
    "degrees": lambda np, x: np.deg2rad(x) + np.rad2deg(x * 0.01),
    "nan_to_num": lambda np, x: np.nan_to_num(x),
    "swapaxes": lambda np, x: np.swapaxes(x, 0, x.ndim - 1),
    "moveaxis": lambda np, x: np.moveaxis(x, 0, -1),
    "rollaxis": lambda np, x: np.rollaxis(x, x.ndim - 1),
    "flips": lambda np, x: np.flipud(np.fliplr(np.outer(x.reshape(-1)[:3], x.reshape(-1)[:2]))),
    "rot90": lambda np, x: np.rot90(np.outer(x.reshape(-1)[:3], x.reshape(-1)[:2])),
    "at least": lambda np, x: np.atleast_2d(x.reshape(-1)),
    "stacks": lambda np, x: np.vstack([x.reshape(-1), x.reshape(-1)]) + np.hstack([x.reshape(-1)[:1]]),
    "column_stack": lambda np, x: np.column_stack([x.reshape(-1), x.reshape(-1) ** 2]),
    "array_split": lambda np, x: np.array_split(x.reshape(-1), 2)[0],
    "diff": lambda np, x: np.diff(np.concatenate([x.reshape(-1), x.reshape(-1)])),
    "partition": lambda np, x: np.sort(np.partition(x.reshape(-1), 0)),
    "kron": lambda np, x: np.kron(x.reshape(-1)[:2], x.reshape(-1)[:3]),
    "select": lambda np, x: np.where(x < -0.3, x * x, np.where(x > 0.3, -x, x**3)),
    "ellipsis": lambda np, x: x[..., ::-1, None],
    "mixed index": lambda np, x: np.outer(x.reshape(-1)[:3], x.reshape(-1)[:3])[[0, -1], ::-1][:, [0, 0]],
    "empty": lambda np, x: np.concatenate([x.reshape(-1)[:0], x.reshape(-1)]),
    "var ddof": lambda np, x: np.var(np.concatenate([x.reshape(-1), x.reshape(-1) * 2.0]), ddof=1) * x,
}
REDUCTIONS: dict[str, Callable[[Any, Any, int | None, bool], Any]] = {
    "sum": lambda np, x, axis, keep: np.sum(x, axis=axis, keepdims=keep),
    "mean": lambda np, x, axis, keep: np.mean(x, axis=axis, keepdims=keep),
    "max": lambda np, x, axis, keep: np.max(x, axis=axis, keepdims=keep),
    "min": lambda np, x, axis, keep: np.min(x, axis=axis, keepdims=keep),
    "var": lambda np, x, axis, keep: np.var(x, axis=axis, keepdims=keep),
    "std": lambda np, x, axis, keep: np.std(np.concatenate([x, x * x + 1.0], 0), axis=axis, keepdims=keep),
    "prod": lambda np, x, axis, keep: np.prod(np.abs(x) + 0.5, axis=axis, keepdims=keep),
}
BINARY: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda np, x, y: x + y,
    "subtract": lambda np, x, y: x - y,
    "multiply": lambda np, x, y: x * y,
    "divide": lambda np, x, y: x / (y * y + 1.0),
    "power": lambda np, x, y: (np.abs(x) + 0.5) ** np.tanh(y),
    "maximum": lambda np, x, y: np.maximum(x, y + 0.1),
    "minimum": lambda np, x, y: np.minimum(x, y + 0.1),
    "arctan2": lambda np, x, y: np.arctan2(x, y * y + 1.0),
    "logaddexp": lambda np, x, y: np.logaddexp(x, y),
    "logaddexp2": lambda np, x, y: np.logaddexp2(x, y),
    "fmax": lambda np, x, y: np.fmax(x, y + 0.1),
    "fmin": lambda np, x, y: np.fmin(x, y + 0.1),
    "remainder": lambda np, x, y: np.remainder(x, y * y + 0.5),
    "where": lambda np, x, y: np.where(x > y, x * 2.0, y * y),
}
JOINS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "concatenate": lambda np, x, y: np.concatenate([x.reshape(-1), y.reshape(-1)]),
    "stack": lambda np, x, y: np.stack([x.reshape(-1)[:2], y.reshape(-1)[:2]]) if min(x.size, y.size) > 1 else x,
    "vdot": lambda np, x, y: np.dot(x.reshape(-1)[:3], y.reshape(-1)[:3]) if min(x.size, y.size) > 2 else x,
    "outer": lambda np, x, y: np.outer(x.reshape(-1)[:4], y.reshape(-1)[:3]),
    "tensordot": lambda np, x, y: np.tensordot(x.reshape(-1)[:3], y.reshape(-1)[:2], axes=0),
    "einsum": lambda np, x, y: np.einsum("i,j->ij", x.reshape(-1)[:3], y.reshape(-1)[:3]),
    "einsum trace": lambda np, x, y: np.einsum("ij,kj->ik", _matrix(np, x), _matrix(np, y)),
    "matmul": lambda np, x, y: np.matmul(_matrix(np, x), _matrix(np, y)),
    "inner": lambda np, x, y: np.inner(_matrix(np, x), _matrix(np, y)),
    "solve": lambda np, x, y: np.linalg.solve(_spd(np, x), _matrix(np, y)),
    "inv": lambda np, x, y: np.linalg.inv(_spd(np, x)) + _matrix(np, y),
    "cholesky": lambda np, x, y: np.linalg.cholesky(_spd(np, x)) * _matrix(np, y),
    "det": lambda np, x, y: np.linalg.det(_spd(np, x)) * y,
    "slogdet": lambda np, x, y: np.linalg.slogdet(_spd(np, x))[1] * y,
    "trace": lambda np, x, y: np.trace(_matrix(np, x)) * y,
    "norm": lambda np, x, y: np.linalg.norm(x.reshape(-1)) + y,
}


def _matrix(np: Any, x: Any) -> Any:
    """Return a 2 x 2 matrix of the first values of `x`, repeated as needed."""
    flat = x.reshape(-1)
    return np.concatenate([flat, flat, flat, flat])[:4].reshape((2, 2))


def _spd(np: Any, x: Any) -> Any:
    """Return a well-conditioned symmetric matrix that depends on `x`."""
    m = np.tanh(_matrix(np, x))
    return np.dot(m, m.T) + 2.0 * np.eye(2)


@dataclass(frozen=True)
class Step:
    """One line of a program: a function's name, the values it takes, and an axis."""

    table: str
    name: str
    left: int
    right: int = 0
    axis: int | None = None
    keepdims: bool = False


@dataclass(frozen=True)
class Program:
    """Inputs (by shape and seed) and steps; the result is a weighted sum of the last value."""

    shapes: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]
    seed: int

    def inputs(self) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng(self.seed)
        return tuple(rng.uniform(-1.5, 1.5, shape) for shape in self.shapes)

    def __call__(self, np: Any, *inputs: Any) -> Any:
        values = [x * 1.0 for x in inputs]
        for step in self.steps:
            x = values[step.left % len(values)]
            if step.table == "unary":
                new = UNARY[step.name](np, x if x.ndim else x.reshape(1))
            elif step.table == "reduction":
                x = x if x.ndim else x.reshape(1)
                axis = None if step.axis is None else step.axis % x.ndim
                new = REDUCTIONS[step.name](np, x, axis, step.keepdims)
            else:
                y = values[step.right % len(values)]
                table = BINARY if step.table == "binary" else JOINS
                if step.table == "binary" and not _broadcast(x.shape, y.shape):
                    y = np.sum(y)
                new = table[step.name](np, x, y)
            if not 0 < new.size <= 64:
                new = np.tanh(np.sum(new) if new.size else values[0].reshape(-1)[:1])
            values.append(np.tanh(new * 0.25) * 2.0 if step.table != "reduction" else new)
        last = values[-1]
        weights = np.cos(1.0 + np.arange(float(int(last.size)))).reshape(last.shape)
        return np.sum(last * weights) + np.sum(values[len(values) // 2]) * 0.5


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True
