"""Which NumPy function answers each method of an array, and what to write instead of those that write in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["IN_PLACE", "METHODS"]

METHODS: Mapping[str, Callable[..., object]] = {
    "all": np.all,
    "any": np.any,
    "argmax": np.argmax,
    "argmin": np.argmin,
    "argsort": np.argsort,
    "choose": np.choose,
    "clip": np.clip,
    "conj": np.conj,
    "conjugate": np.conj,
    "cumprod": np.cumprod,
    "cumsum": np.cumsum,
    "diagonal": np.diagonal,
    "dot": np.dot,
    "max": np.max,
    "mean": np.mean,
    "min": np.min,
    "nonzero": np.nonzero,
    "prod": np.prod,
    "ravel": np.ravel,
    "flatten": np.ravel,
    "repeat": np.repeat,
    "round": np.round,
    "searchsorted": np.searchsorted,
    "squeeze": np.squeeze,
    "std": np.std,
    "sum": np.sum,
    "swapaxes": np.swapaxes,
    "take": np.take,
    "trace": np.trace,
    "var": np.var,
}
IN_PLACE: Mapping[str, str] = {
    "sort": "y = np.sort(x)",
    "fill": "y = np.full_like(x, value)",
    "partition": "y = np.sort(x)",
    "put": "y = tidu.set_at(x, index, values)",
    "resize": "y = np.reshape(x, shape)",
    "itemset": "y = tidu.set_at(x, index, value)",
    "setfield": "y = tidu.set_at(x, index, value)",
}
