"""The stand-in for an array: NumPy's operators, methods and attributes, recorded.

Every operator and method goes through NumPy's own function (`np.add` for ``+``), so there is one table
of what is known (`tidu.core.table`). Nothing here names an operation of ours.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NoReturn

import numpy as np

from tidu.core.bind import Traced
from tidu.core.spec import Dtype, Shape, Spec, is_differentiable
from tidu.core.table import implementation
from tidu.errors import DtypeError, TraceError
from tidu.trace.methods import IN_PLACE, METHODS
from tidu.trace.operators import call_any, operate
from tidu.trace.protocol import call_function, call_ufunc, in_place, loses_gradient, unsupported

__all__ = ["TracedArray"]


class TracedArray(Traced):
    """Stands in for an array while a function is traced.

    Under `grad` its value is known and Python's control flow may follow it; under `jit` and `vmap`
    only its shape and dtype are.
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    # What is known.

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        return self.node.spec

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return self.node.spec.shape

    @property
    def dtype(self) -> Dtype:
        """The dtype."""
        return self.node.spec.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.node.spec.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.node.spec.size

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.node.spec.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.node.spec.nbytes

    @property
    def T(self) -> object:
        """The axes reversed."""
        return call_function(np.transpose, (self,), {})

    @property
    def mT(self) -> object:
        """The last two axes exchanged."""
        return call_function(np.swapaxes, (self, -1, -2), {})

    @property
    def real(self) -> object:
        """The value itself: traced values are real."""
        if self.dtype.kind == "c":
            raise DtypeError(
                "complex values cannot be traced; split them into real and imaginary parts", got=self.dtype
            )
        return self

    @property
    def imag(self) -> object:
        """Zeros: traced values are real."""
        return call_function(np.zeros_like, (self.real,), {})

    @property
    def flat(self) -> object:
        """The elements in row-major order, to read; writing into them is refused."""
        return call_function(np.ravel, (self,), {})

    # NumPy's protocols.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: object, **keywords: object) -> object:
        return call_ufunc(ufunc, method, operands, keywords)

    def __array_function__(
        self, function: Callable[..., object], types: object, operands: tuple[object, ...], keywords: dict[str, object]
    ) -> object:
        return call_function(function, operands, keywords)

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        return np

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise loses_gradient(
            "making a plain array", "use NumPy's functions on the traced value, and np.stack([...]) for a list of them"
        )

    # Operators, each through NumPy's function.

    def __add__(self, other: object) -> object:
        return operate(np.add, self, other)

    def __radd__(self, other: object) -> object:
        return operate(np.add, other, self)

    def __sub__(self, other: object) -> object:
        return operate(np.subtract, self, other)

    def __rsub__(self, other: object) -> object:
        return operate(np.subtract, other, self)

    def __mul__(self, other: object) -> object:
        return operate(np.multiply, self, other)

    def __rmul__(self, other: object) -> object:
        return operate(np.multiply, other, self)

    def __truediv__(self, other: object) -> object:
        return operate(np.divide, self, other)

    def __rtruediv__(self, other: object) -> object:
        return operate(np.divide, other, self)

    def __floordiv__(self, other: object) -> object:
        return operate(np.floor_divide, self, other)

    def __rfloordiv__(self, other: object) -> object:
        return operate(np.floor_divide, other, self)

    def __mod__(self, other: object) -> object:
        return operate(np.remainder, self, other)

    def __rmod__(self, other: object) -> object:
        return operate(np.remainder, other, self)

    def __divmod__(self, other: object) -> tuple[object, object]:
        return self // other, self % other

    def __rdivmod__(self, other: object) -> tuple[object, object]:
        return operate(np.floor_divide, other, self), operate(np.remainder, other, self)

    def __pow__(self, other: object) -> object:
        return operate(np.power, self, other)

    def __rpow__(self, other: object) -> object:
        return operate(np.power, other, self)

    def __matmul__(self, other: object) -> object:
        return call_ufunc(np.matmul, "__call__", (self, other), {})

    def __rmatmul__(self, other: object) -> object:
        return call_ufunc(np.matmul, "__call__", (other, self), {})

    def __neg__(self) -> object:
        return operate(np.negative, self)

    def __pos__(self) -> object:
        return self

    def __abs__(self) -> object:
        return operate(np.absolute, self)

    def __invert__(self) -> object:
        return operate(np.invert, self)

    def __and__(self, other: object) -> object:
        return operate(np.bitwise_and, self, other)

    def __rand__(self, other: object) -> object:
        return operate(np.bitwise_and, other, self)

    def __or__(self, other: object) -> object:
        return operate(np.bitwise_or, self, other)

    def __ror__(self, other: object) -> object:
        return operate(np.bitwise_or, other, self)

    def __xor__(self, other: object) -> object:
        return operate(np.bitwise_xor, self, other)

    def __rxor__(self, other: object) -> object:
        return operate(np.bitwise_xor, other, self)

    def __lt__(self, other: object) -> object:
        return call_ufunc(np.less, "__call__", (self, other), {})

    def __le__(self, other: object) -> object:
        return call_ufunc(np.less_equal, "__call__", (self, other), {})

    def __gt__(self, other: object) -> object:
        return call_ufunc(np.greater, "__call__", (self, other), {})

    def __ge__(self, other: object) -> object:
        return call_ufunc(np.greater_equal, "__call__", (self, other), {})

    def __eq__(self, other: object) -> object:  # type: ignore[override]
        return call_ufunc(np.equal, "__call__", (self, other), {})

    def __ne__(self, other: object) -> object:  # type: ignore[override]
        return call_ufunc(np.not_equal, "__call__", (self, other), {})

    def __round__(self, digits: int = 0) -> object:
        return call_function(np.round, (self, digits), {})

    # Methods.

    def __getattr__(self, name: str) -> Callable[..., object]:
        function = METHODS.get(name)
        if function is not None:
            return lambda *operands, **keywords: call_any(function, (self, *operands), keywords)
        if name in IN_PLACE:
            raise in_place(f"x.{name}()", IN_PLACE[name])
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        raise unsupported(f"x.{name}")

    def reshape(self, *shape: object, order: str = "C") -> object:
        """Return the same elements with another shape."""
        return call_function(np.reshape, (self, shape[0] if len(shape) == 1 else shape), {"order": order})

    def transpose(self, *axes: object) -> object:
        """Return the axes permuted; reversed by default."""
        order = axes[0] if len(axes) == 1 else axes or None
        return call_function(np.transpose, (self, order), {})

    def astype(self, dtype: object, **keywords: object) -> object:
        """Return the values as another dtype; the gradient flows through a floating one."""
        return call_function(np.astype, (self, np.dtype(dtype)), {})  # type: ignore[call-overload]

    def compress(self, condition: object, axis: int | None = None) -> object:
        """Return the entries along an axis where the condition holds."""
        return call_function(np.compress, (condition, self), {"axis": axis})

    def copy(self, order: str = "C") -> object:
        """Return the value itself: it cannot change."""
        return self

    def __copy__(self) -> TracedArray:
        return self

    def __deepcopy__(self, memo: object) -> TracedArray:
        return self

    def __reduce__(self) -> NoReturn:
        raise loses_gradient("pickling", "return the value from the traced function instead")

    # Items.

    def __getitem__(self, index: object) -> object:
        answer = implementation(operator.getitem)
        if answer is None:
            raise unsupported("indexing")
        return answer(self, index)

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise in_place("x[index] = values", "x = tidu.set_at(x, index, values)")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a traced scalar")
        return self.shape[0]

    def __iter__(self) -> Iterator[object]:
        return iter([self[i] for i in range(len(self))])

    def __contains__(self, value: object) -> bool:
        return bool(call_any(np.any, (self == value,), {}))

    # Where Python asks for the value itself.

    def concrete(self, what: str) -> object:
        """Return the plain value behind this one, for control flow.

        Raises
        ------
        TraceError
            If only shape and dtype are known, under `jit` or `vmap`.
        """
        value = self.value
        while isinstance(value, TracedArray):
            value = value.value
        if value is None:
            made = f", made at {self.node.source} ({self.node.source.place.text})," if self.node.source else ""
            raise TraceError(
                f"{what} needs the value of a traced array{made} of which only the spec {self.spec} is known under "
                "jit and vmap; write np.where(condition, a, b) instead of a branch, or keep the argument out of "
                "the trace with static_argnums",
                spec=self.spec,
                source=self.node.source,
            )
        return value

    def __bool__(self) -> bool:
        return bool(self.concrete("a branch (if, while, and, or, not)"))

    def _scalar(self, what: str) -> object:
        stopped = self.node.primitive is not None and self.node.primitive.name == "stop_gradient"
        if is_differentiable(self.dtype) and not stopped:
            raise loses_gradient(
                what, "use NumPy's function (np.exp, not math.exp), or tidu.stop_gradient(x) first if that is meant"
            )
        return self.concrete(what)

    def __float__(self) -> float:
        return float(self._scalar("float()"))  # type: ignore[arg-type]

    def __int__(self) -> int:
        return int(self._scalar("int()"))  # type: ignore[call-overload, no-any-return]

    def __index__(self) -> int:
        return operator.index(self._scalar("an index"))  # type: ignore[arg-type]

    def __trunc__(self) -> int:
        return int(self._scalar("math.trunc()"))  # type: ignore[call-overload, no-any-return]

    def __complex__(self) -> complex:
        return complex(self._scalar("complex()"))  # type: ignore[call-overload, no-any-return]

    def item(self, *index: int) -> object:
        """Return a Python number; only of what carries no gradient."""
        return np.asarray(self._scalar("x.item()")).item(*index)

    def tolist(self) -> object:
        """Return nested lists of numbers; only of what carries no gradient."""
        return np.asarray(self._scalar("x.tolist()")).tolist()

    def __repr__(self) -> str:
        value: object = self.value
        while isinstance(value, TracedArray):
            value = value.value
        return f"Traced<{self.spec}>" + ("" if value is None else f" with value {value!r}")

    def __format__(self, form: str) -> str:
        value: object = self.value
        while isinstance(value, TracedArray):
            value = value.value
        return repr(self) if value is None else format(value, form)


def _make_in_place(symbol: str) -> Callable[[TracedArray, object], object]:
    """Return an augmented assignment: NumPy's scalars are rebound, its arrays are written into."""
    plain = getattr(operator, f"__{symbol}__")

    def augmented(self: TracedArray, other: object) -> object:
        if self.ndim:
            raise in_place("an augmented assignment (x += y)", "x = x + y")
        return plain(self, other)

    return augmented


for _symbol in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    setattr(TracedArray, f"__i{_symbol}__", _make_in_place(_symbol))
