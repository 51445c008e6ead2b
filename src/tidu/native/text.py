"""How is a native function written down as text?

A `FunctionText` collects the instructions of one function of LLVM IR: fresh names, loops as phi nodes
(clean SSA, so that hardly any pass is needed afterwards), and the outside functions that it calls. It
knows nothing of arrays and operations, and does not import llvmlite: the binding's own IR builder lacks
bfloat16 and intrinsics on vectors, so all code is text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["FunctionText", "Kernel", "Loop"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A native function without its name; equal texts are compiled once.

    Parameters
    ----------
    parameters : tuple of str
        LLVM types with attributes, one for each parameter ``%p0``, ``%p1`` ...
    body : str
        Its instructions.
    declarations : tuple of str
        Declarations of what it calls.
    functions : tuple of str
        Symbols among them that must be found in the running process.
    """

    parameters: tuple[str, ...]
    body: str
    declarations: tuple[str, ...]
    functions: tuple[str, ...]

    def define(self, name: str, linkage: str = "", attributes: str = "") -> str:
        """Return the whole definition under `name`."""
        parameters = ", ".join(f"{kind} %p{i}" for i, kind in enumerate(self.parameters))
        words = ["define", linkage, f"void @{name}({parameters})", "nounwind", attributes]
        return f"{' '.join(filter(None, words))} {{\n{self.body}}}\n"


@dataclass(slots=True)
class Loop:
    """A loop being written.

    Parameters
    ----------
    index : str
        The counter, from 0.
    carried : tuple of str
        Values handed from one round to the next, as this round sees them.
    """

    index: str
    carried: tuple[str, ...]
    following: tuple[str, ...] = ()

    def hand_on(self, *values: str) -> None:
        """Give the carried values of the next round; after the loop they are the results."""
        self.following = values


class FunctionText:
    """Writes the body of one native function.

    Parameters
    ----------
    parameters : sequence of str
        LLVM types of the parameters, which are named ``%p0``, ``%p1`` ...
    features : set of str
        What the processor can do, in LLVM's words, where a shorter way may be taken because of it.

    Examples
    --------
    >>> text = FunctionText(["ptr"])
    >>> with text.loop(4) as loop:
    ...     place = text.value(f"getelementptr inbounds double, ptr %p0, i64 {loop.index}")
    ...     text.do(f"store double 0.0, ptr {place}")
    >>> print(text.finish().define("zeros"))
    define void @zeros(ptr %p0) nounwind {
    start:
      br label %loop1
    loop1:
      %i1 = phi i64 [0, %start], [%v3, %loop1]
      %v2 = getelementptr inbounds double, ptr %p0, i64 %i1
      store double 0.0, ptr %v2
      %v3 = add nuw nsw i64 %i1, 1
      %v4 = icmp ult i64 %v3, 4
      br i1 %v4, label %loop1, label %after1
    after1:
      ret void
    }
    """

    def __init__(self, parameters: Sequence[str], features: Set[str] = frozenset()) -> None:
        self.parameters = tuple(parameters)
        self.features = frozenset(features)
        self.block = "start"
        self._lines = ["start:"]
        self._count = 0
        self._declarations: dict[str, None] = {}
        self._functions: dict[str, None] = {}

    def value(self, instruction: str) -> str:
        """Write an instruction that gives a value, and return the value's name."""
        name = self._fresh("%v")
        self._lines.append(f"  {name} = {instruction}")
        return name

    def do(self, instruction: str) -> None:
        """Write an instruction that gives no value."""
        self._lines.append(f"  {instruction}")

    def offset(self, element: str, place: str, count: int | str) -> str:
        """Return the place `count` elements further on."""
        if count in (0, "0"):
            return place
        return self.value(f"getelementptr inbounds {element}, ptr {place}, i64 {count}")

    def label(self, kind: str) -> str:
        """Return a new name for a block."""
        return self._fresh(kind)

    def begin(self, label: str) -> None:
        """Begin the block `label`; the one before must have ended in a branch."""
        self._lines.append(f"{label}:")
        self.block = label

    def call(self, result: str, function: str, operands: Sequence[str], *, outside: bool) -> str:
        """Write the call of a pure function of `result`-typed operands.

        Parameters
        ----------
        outside : bool
            True of a function of the running process, False of one of LLVM's intrinsics.
        """
        kinds = ", ".join([result] * len(operands))
        # Pure: C's errno is nobody's business here, and the optimizer may hoist or drop the call.
        effects = " nounwind willreturn memory(none)" if outside else ""
        self._declarations[f"declare {result} @{function}({kinds}){effects}"] = None
        if outside:
            self._functions[function] = None
        given = ", ".join(f"{result} {x}" for x in operands)
        return self.value(f"call {result} @{function}({given})")

    def declare(self, declaration: str) -> None:
        """Add the declaration of an intrinsic whose operands are not all of its result's type."""
        self._declarations[declaration] = None

    @contextmanager
    def loop(self, count: int | str, carried: Sequence[tuple[str, str]] = ()) -> Iterator[Loop]:
        """Write a loop around what is written inside the ``with`` block.

        Parameters
        ----------
        count : int or str
            Rounds, at least one: the test stands at the end. An ``i64`` value if it is not known yet.
        carried : sequence of (type, value)
            What is handed from round to round, and its first value.
        """
        assert count != 0, "a loop of no rounds would run once"
        self._count += 1
        number, before = self._count, self.block
        label, after = f"loop{number}", f"after{number}"
        self.do(f"br label %{label}")
        self.begin(label)
        heads = len(self._lines)
        loop = Loop(f"%i{number}", tuple(f"%c{number}.{j}" for j in range(len(carried))))
        yield loop
        assert len(loop.following) == len(carried), "a carried value was not handed on"
        index = self.value(f"add nuw nsw i64 {loop.index}, 1")
        again = self.value(f"icmp ult i64 {index}, {count}")
        self.do(f"br i1 {again}, label %{label}, label %{after}")
        # Only now is it known which block jumps back.
        phis = [f"  {loop.index} = phi i64 [0, %{before}], [{index}, %{self.block}]"]
        for name, (kind, first), following in zip(loop.carried, carried, loop.following, strict=True):
            phis.append(f"  {name} = phi {kind} [{first}, %{before}], [{following}, %{self.block}]")
        self._lines[heads:heads] = phis
        self.begin(after)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Run what is written inside the ``with`` block only where the ``i1`` holds; no value leaves it."""
        self._count += 1
        inside, after = f"then{self._count}", f"else{self._count}"
        self.do(f"br i1 {condition}, label %{inside}, label %{after}")
        self.begin(inside)
        yield
        self.do(f"br label %{after}")
        self.begin(after)

    def finish(self) -> Kernel:
        """Return the function, ended by a return."""
        lines = [*self._lines, "  ret void", ""]
        return Kernel(self.parameters, "\n".join(lines), tuple(self._declarations), tuple(self._functions))

    def _fresh(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"
