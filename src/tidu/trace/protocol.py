"""How NumPy's functions find ours: the dispatch behind ``__array_ufunc__`` and ``__array_function__``.

What has no rule, writes in place or would lose the gradient is refused in one line that names the
function, the user's line and what to write instead.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from tidu.core.bind import spec_of
from tidu.core.source import current_source
from tidu.core.table import implementation
from tidu.errors import InPlaceError, TiduError, TraceError, UnsupportedError

__all__ = ["call_function", "call_ufunc", "in_place", "located", "loses_gradient", "unsupported"]

_REDUCTIONS: Mapping[str, Callable[..., object]] = {
    "add": np.sum,
    "multiply": np.prod,
    "maximum": np.max,
    "minimum": np.min,
    "logical_and": np.all,
    "logical_or": np.any,
}
_ACCUMULATIONS: Mapping[str, Callable[..., object]] = {"add": np.cumsum, "multiply": np.cumprod}
_DEFAULTS: Mapping[str, object] = {"where": True, "casting": "same_kind", "order": "K", "subok": True, "out": None}
_INSTEAD: Mapping[str, str] = {
    "fill_diagonal": "np.where(np.eye(n, dtype=bool), value, x)",
    "copyto": "np.where(mask, new, old) or np.full_like(x, value)",
    "put": "tidu.set_at(x, index, values)",
    "put_along_axis": "tidu.set_at(x, index, values)",
    "place": "np.where(mask, values, x)",
    "putmask": "np.where(mask, values, x)",
    "save": "return the value from the function and save it outside",
    "round": "np.rint(x)",
}

_STACK = "write np.stack([...]) or np.concatenate([...])"
_CONVERSIONS: Mapping[str, str] = {
    "array": _STACK,
    "asarray": f"leave it out, or of a list {_STACK}",
    "asanyarray": f"leave it out, or of a list {_STACK}",
    "full": "write np.full_like(plain, x), or x * np.ones(shape)",
    "arange": "its length would depend on the value; count with plain integers",
    "vectorize": "write the function with NumPy's operations on whole arrays, or use tidu.vmap",
    "logsumexp": "write tidu.nn.logsumexp",
    "softmax": "write tidu.nn.softmax",
    "log_softmax": "write tidu.nn.log_softmax",
    "fill": "write np.full_like(y, x)",
}
_ASSIGNMENT = re.compile(r"\]\s*[-+*/@%&|^]*=(?!=)")


def call_ufunc(ufunc: np.ufunc, method: str, operands: Sequence[object], keywords: Mapping[str, object]) -> object:
    """Answer a ufunc, or one of its methods, on operands of which one is traced."""
    name = _label(ufunc) if method == "__call__" else f"{_label(ufunc)}.{method}"
    if keywords.get("out") is not None:
        raise in_place(f"{name}(..., out=)", f"y = {name}(...)")
    given = {key: value for key, value in keywords.items() if not _is_default(key, value)}
    if method == "__call__":
        return _apply(ufunc, name, operands, given)
    if method == "outer":
        left, right = operands
        expand = (..., *(None,) * spec_of(right).ndim)
        return _apply(ufunc, name, (left[expand], right), given)  # type: ignore[index]
    own = getattr(ufunc, method)  # bound methods of one ufunc are equal, so they can stand in the table
    if implementation(own) is not None:
        return _apply(own, name, operands, given)
    table = {"reduce": _REDUCTIONS, "accumulate": _ACCUMULATIONS}.get(method, {})
    if ufunc.__name__ not in table:
        raise unsupported(name)
    function = table[ufunc.__name__]
    axis = operands[1] if len(operands) > 1 else given.pop("axis", 0)
    return _apply(function, name, (operands[0],), {**given, "axis": axis})


def call_function(
    function: Callable[..., object], operands: Sequence[object], keywords: Mapping[str, object]
) -> object:
    """Answer one of NumPy's other functions."""
    name = _label(function)
    if keywords.get("out") is not None:
        raise in_place(f"{name}(..., out=)", f"y = {name}(...)")
    return _apply(function, name, operands, {k: v for k, v in keywords.items() if k != "out"})


def _apply(
    function: Callable[..., object], name: str, operands: Sequence[object], keywords: Mapping[str, object]
) -> object:
    answer = implementation(function)
    if answer is None:
        raise unsupported(name)
    if "keepdims" in keywords and keywords["keepdims"] is not getattr(np, "_NoValue", None):
        keywords = {**keywords, "keepdims": bool(keywords["keepdims"])}
    try:
        return answer(*operands, **keywords)
    except TiduError as error:
        raise located(error) from error.__cause__
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise unsupported(f"{name} with these arguments ({error})") from None


@lru_cache(maxsize=1024)
def _label(function: Callable[..., object]) -> str:
    """Return how a function is written, ``np.linalg.qr``; a ufunc does not say where it lives, so it is looked for."""
    name, module = function.__name__, getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:
        module = "scipy.special" if getattr(sys.modules.get("scipy.special"), name, None) is function else ""
        return f"{module}.{name}".removeprefix(".")
    return ".".join(["np", *module.split(".")[1:2], name])


def _is_default(key: str, value: object) -> bool:
    return key in _DEFAULTS and (value is _DEFAULTS[key] or (isinstance(value, str) and value == _DEFAULTS[key]))


def _here() -> str:
    source = current_source()
    return f" ({source}: {source.place.text})" if source else ""


def unsupported(name: str) -> UnsupportedError:
    """Return the error for a function without a rule."""
    bare = name.removeprefix("np.").split(" ")[0].split(".")[0]
    instead = _INSTEAD.get(
        bare, "functions that tidu knows (docs/primitives.md), or wrap it with its derivative in tidu.custom_vjp"
    )
    return UnsupportedError(
        f"{name} is not supported on a traced value{_here()}; use {instead}", function=name, source=current_source()
    )


def in_place(what: str, instead: str) -> InPlaceError:
    """Return the error for writing into an array."""
    return InPlaceError(
        f"{what} writes into an array, which a traced function cannot do{_here()}; write {instead}",
        what=what,
        instead=instead,
        source=current_source(),
    )


def located(error: TiduError) -> TiduError:
    """Return `error` with the user's line, if it does not have one yet."""
    source = current_source()
    if source is None or "source" in error.facts:
        return error
    return type(error)(f"{error}{_here()}", **error.facts, source=source)


def loses_gradient(what: str, instead: str) -> TraceError:
    """Return the error for turning a traced value into a plain one.

    The user's own line tells what he is about: a call is named, and an assignment into a plain array gets the
    advice that it needs.
    """
    source = current_source()
    if source:
        called = source.place.called
        what = called or what
        instead = _CONVERSIONS.get(called.rpartition(".")[2], instead)
        if not called and _ASSIGNMENT.search(source.place.text):
            what, instead = "assigning it into a plain array", "write y = tidu.set_at(y, index, x)"
    return TraceError(
        f"{what} would turn a traced value into a plain one and lose its gradient{_here()}; {instead}",
        what=what,
        instead=instead,
        source=current_source(),
    )
