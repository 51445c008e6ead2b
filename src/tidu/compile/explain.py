"""What does a compiled program do, for those who want to read it?

A `PlanReport` lists the kernels with their work, the memory, and what the interpreter runs; on demand it shows
LLVM's text and the processor's instructions. It runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tidu.compile.pieces import Piece
from tidu.compile.program import LARGEST, LARGEST_IN_LOOPS, MOST_STAGES, CompiledProgram
from tidu.compile.reading import Step
from tidu.core.graph import Operation
from tidu.words import say
from tidu.words.table import aligned

__all__ = ["Interpreted", "PlanReport"]

_COLUMNS = ("kernel", "space", "flops", "bytes", "intensity", "threads", "interval")
_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Interpreted:
    """A node that the interpreter runs.

    Parameters
    ----------
    what : str
        The operation.
    where : str
        The user's line; empty if it is not known.
    reason : str
        Why it has no native code.
    """

    what: str
    where: str
    reason: str


@dataclass(frozen=True, eq=False)
class PlanReport:
    """How a function runs for arguments of certain shapes; made by `tidu.explain_plan`.

    Parameters
    ----------
    program : CompiledProgram
        What runs.
    """

    program: CompiledProgram

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The native functions, in their order; the interpreter runs between them."""
        return tuple(runs for _, runs in self.program.stages if isinstance(runs, Piece))

    @property
    def kernels(self) -> tuple[Step, ...]:
        """The kernels, in their order."""
        return tuple(step for piece in self.pieces for step in piece.described.steps)

    @property
    def flops(self) -> int:
        """Operations of a call, those of the interpreter left out."""
        return sum(step.flops for step in self.kernels)

    @property
    def arena_bytes(self) -> int:
        """Memory between kernels."""
        return sum(piece.plan.arena_bytes for piece in self.pieces)

    @property
    def peak_bytes(self) -> int:
        """The same with the results of native code; the arguments are the caller's."""
        return self.arena_bytes + sum(piece.plan.output_bytes for piece in self.pieces)

    @property
    def n_threads(self) -> int:
        """How many threads share the work of the largest piece."""
        return max((piece.n_threads for piece in self.pieces), default=1)

    @property
    def from_cache(self) -> bool:
        """Whether all code had been compiled before."""
        return bool(self.pieces) and all(piece.from_cache for piece in self.pieces)

    @cached_property
    def interpreted(self) -> tuple[Interpreted, ...]:
        """The nodes that the interpreter runs, and why; none if it runs all of them for their number."""
        return tuple(
            Interpreted(
                node.op.primitive.name if isinstance(node.op, Operation) else node.name,
                f"{node.source}: {node.source.place.text}" if node.source else "",
                reason,
            )
            for node, reason in self.program.interpreted
        )

    def ir(self) -> str:
        """Return the native functions in LLVM's language."""
        return "\n".join(piece.text for piece in self.pieces)

    def assembly(self) -> str:
        """Return the processor's instructions."""
        return "\n".join(piece.assembly() for piece in self.pieces)

    def text(self, lang: str = "en") -> str:
        """Return a table of the kernels, with what else there is to know.

        Parameters
        ----------
        lang : {"en", "zh"}
            The language.
        """
        return "\n".join(self._lines(lang))

    def _lines(self, lang: str) -> list[str]:
        program = self.program
        if program.too_large:
            n = len(program.simplified.nodes)
            limits = {"most": LARGEST, "loops": LARGEST_IN_LOOPS, "stages": MOST_STAGES}
            return [f"{program.graph.name}: {say('plan.too_large', lang, n=n, **limits)}"]
        facts = {"f": program.graph.name, "flops": self.flops, "n": len(self.kernels), "threads": self.n_threads}
        lines = [say("plan.title", lang, **facts)]
        if self.pieces:
            lines.append(say("plan.memory", lang, arena=self.arena_bytes, peak=self.peak_bytes))
            lines.append(say("plan.cached" if self.from_cache else "plan.compiled", lang))
            heads = [say(f"plan.{column}", lang) for column in _COLUMNS]
            lines += ["", *aligned(heads, [_row(step, lang) for step in self.kernels], n_left=2)]
            if self.n_threads > 1:
                lines += ["", say("plan.intervals", lang)]
        if self.interpreted:
            lines += ["", say("plan.interpreted", lang)]
            lines += [f"  {x.what}{f' ({x.where})' if x.where else ''}: {x.reason}" for x in self.interpreted]
        return lines if len(lines) > 1 else [*lines, say("plan.nothing", lang)]

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<plan of {self.program.graph.name}, {len(self.kernels)} kernels, {self.arena_bytes} arena bytes>"


def _row(step: Step, lang: str) -> list[str]:
    what = step.what if len(step.what) <= _WIDEST else f"{step.what[: _WIDEST - 3]}..."
    space = " x ".join(map(str, step.space)) or say("plan.one", lang)
    numbers = [f"{step.flops:,}", f"{step.bytes:,}", f"{step.intensity:.2f}", str(step.threads), str(step.interval)]
    return [what, space, *numbers]
