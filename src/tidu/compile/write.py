"""How does a kernel become a native function?

A function takes the addresses of the buffers that it touches, a report, scratch memory and the number of
the thread. Shapes, strides and the number of threads are constants of its code.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidu.compile.context import Context
from tidu.compile.evaluate import Evaluator, Point, Report
from tidu.compile.kernels import Kernel, Nest, Product, Scatter, reads
from tidu.compile.views import Buffer
from tidu.compile.write_nest import write_nest
from tidu.compile.write_product import write_products
from tidu.native.text import FunctionText
from tidu.native.text import Kernel as Code
from tidu.native.tiling import Target
from tidu.native.vectors import Vectors

__all__ = ["Written", "write"]


@dataclass(frozen=True, slots=True)
class Written:
    """A kernel's code.

    Parameters
    ----------
    code : Code
    buffers : tuple of Buffer
        Its first parameters.
    scratch_bytes : int
        What each thread needs beside.
    """

    code: Code
    buffers: tuple[Buffer, ...]
    scratch_bytes: int


def write(kernel: Kernel, n_threads: int, target: Target, *, bfloat16: bool = False) -> Written:
    """Write the code of a kernel."""
    buffers = tuple(dict.fromkeys([*(v.buffer for v in reads(kernel)), *(v.buffer for v in kernel.targets)]))
    text = FunctionText([*["ptr"] * (len(buffers) + 2), "i64"], target.features)
    bases = {buffer: f"%p{i}" for i, buffer in enumerate(buffers)}
    n = len(buffers)
    spare = text.value(f"getelementptr inbounds i8, ptr %p{n}, i64 64")
    context = Context(text, bases, Report(f"%p{n}", spare), f"%p{n + 1}", f"%p{n + 2}", n_threads, target, bfloat16)
    size = 0
    match kernel:
        case Nest():
            write_nest(context, kernel)
        case Product():
            size = write_products(context, kernel)
        case Scatter():
            _write_scatter(context, kernel)
    return Written(text.finish(), buffers, size)


def _write_scatter(context: Context, scatter: Scatter) -> None:
    """Write loops that add one element after the other."""
    if 0 in scatter.shape:
        return
    text = context.text
    with context.share(scatter):
        axes = tuple(range(len(scatter.shape)))
        evaluator = Evaluator(text, scatter.terms, scatter.targets, axes, None, context.bases, context.report)

        def inside(point: Point) -> None:
            if point.depth == len(axes):
                one = Vectors(text, scatter.term.dtype)
                place = point.places[id(scatter.target)]
                for index, step in zip(scatter.indices, scatter.steps, strict=True):
                    steps = text.value(f"mul nsw i64 {evaluator.value(point, index)}, {step}")
                    place = text.offset(one.element, place, steps)
                one.store(one.add(one.load(place), evaluator.value(point, scatter.term)), place)
                return
            with text.loop(scatter.shape[point.depth]) as loop:
                inside(evaluator.enter(point, loop.index))

        inside(evaluator.start())
