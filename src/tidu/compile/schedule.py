"""In which order do kernels run, and where must threads wait for each other?

Kernels between two barriers form an interval: whatever one of them reads of another's results, it reads only
the rows that the same thread has written. Results that take the place of an input are put there, after
everything that still reads the input. This file writes no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidu.compile import terms
from tidu.compile.kernels import Kernel, Nest, Product, Scatter, Store, reads, written
from tidu.compile.merge import same_place
from tidu.compile.partition import split_axis, view_axis
from tidu.compile.views import Buffer, View

__all__ = ["in_place", "schedule"]


def schedule(
    kernels: Sequence[Kernel], n_threads: int, replaced: Mapping[Buffer, Kernel] | None = None
) -> list[list[Kernel]] | None:
    """Order kernels into intervals.

    Parameters
    ----------
    kernels : sequence of Kernel
        In an order in which they could run.
    n_threads : int
    replaced : mapping of Buffer to Kernel, optional
        Inputs that a kernel overwrites: all others that read them come before.

    Returns
    -------
    list of list of Kernel, or None
        None if no order satisfies `replaced`.
    """
    waiting = _dependencies(kernels, replaced or {})
    intervals: list[list[Kernel]] = [[]]
    left = list(kernels)
    while left:
        ready = [k for k in left if not waiting[id(k)]]
        if not ready:
            return None
        free = [k for k in ready if not _must_wait(k, intervals[-1], n_threads)]
        if not free:
            intervals.append([])
            continue
        kernel = free[0]
        intervals[-1].append(kernel)
        left.remove(kernel)
        for others in waiting.values():
            others.discard(id(kernel))
    return [x for x in intervals if x]


def _dependencies(kernels: Sequence[Kernel], replaced: Mapping[Buffer, Kernel]) -> dict[int, set[int]]:
    """Return for each kernel those that must run before it."""
    before: dict[int, set[int]] = {id(k): set() for k in kernels}
    writers: dict[Buffer, list[Kernel]] = {}
    readers: dict[Buffer, list[Kernel]] = {}
    for kernel in kernels:
        mine = written(kernel)
        for view in reads(kernel):
            before[id(kernel)].update(id(k) for k in writers.get(view.buffer, ()))
            readers.setdefault(view.buffer, []).append(kernel)
        for buffer in mine:
            before[id(kernel)].update(id(k) for k in writers.get(buffer, ()))
        for buffer in mine:
            writers.setdefault(buffer, []).append(kernel)
    for buffer, writer in replaced.items():
        before[id(writer)].update(id(k) for k in readers.get(buffer, ()) if k is not writer)
    for key, others in before.items():
        others.discard(key)
    return before


def _must_wait(kernel: Kernel, interval: Sequence[Kernel], n_threads: int) -> bool:
    """Tell whether another thread may still be at work on what a kernel touches."""
    if n_threads == 1:
        return False
    mine = [(view, False) for view in reads(kernel)] + [(view, True) for view in kernel.targets]
    for other in interval:
        theirs = [(view, True) for view in other.targets] + [(view, False) for view in reads(other)]
        for view, writes in mine:
            for seen, wrote in theirs:
                if (
                    view.buffer is seen.buffer
                    and (writes or wrote)
                    and not _apart(kernel, view, other, seen, n_threads)
                ):
                    return True
    return False


def _apart(kernel: Kernel, view: View, other: Kernel, seen: View, n_threads: int) -> bool:
    """Tell whether no other thread touches what a thread touches of two views of one buffer."""
    axis, other_axis = split_axis(kernel, n_threads), split_axis(other, n_threads)
    if axis is None or other_axis is None:
        return axis is None and other_axis is None
    share, other_share = _share(kernel, view, axis), _share(other, seen, other_axis)
    if share is None or other_share is None or (share.stride, share.period) != (other_share.stride, other_share.period):
        return False
    return max(share.last, other_share.last) - min(share.first, other_share.first) < share.stride


@dataclass(frozen=True, slots=True)
class _Share:
    """Where the parts of a view lie: `stride` apart, and again in every `period`.

    Parameters
    ----------
    stride, period : int
    first, last : int
        Elements of part 0 within a period.
    """

    stride: int
    period: int
    first: int
    last: int


def _share(kernel: Kernel, view: View, axis: int) -> _Share | None:
    """Return where the parts of a view lie, or None if they cannot be told apart by their places."""
    own = view_axis(kernel, view, axis)
    if own is None or view.shape[own] < 2 or view.strides[own] <= 0:
        return None
    stride = view.strides[own]
    period = stride * view.shape[own]
    low = high = 0
    for other, (length, step) in enumerate(zip(view.shape, view.strides, strict=True)):
        if other == own or length == 1:
            continue
        if abs(step) < period:
            low, high = low + min(0, step * (length - 1)), high + max(0, step * (length - 1))
        elif step % period:
            return None
    first = (view.offset + low) % period
    return _Share(stride, period, first, first + high - low)


def in_place(
    kernels: list[Kernel], outputs: list[View], aliases: Mapping[int, View], n_threads: int
) -> tuple[list[list[Kernel]], list[View]]:
    """Let outputs take the places of inputs.

    Parameters
    ----------
    kernels : list of Kernel
    outputs : list of View
    aliases : mapping of int to View
        For an output's number the input whose memory it shall take.
    n_threads : int

    Returns
    -------
    list of list of Kernel
        Intervals; what could not be written in place is copied there by the last kernels.
    list of View
        The outputs, where they lie now.
    """
    outputs = list(outputs)
    copies: list[Kernel] = []
    replaced: dict[Buffer, Kernel] = {}
    for number, view in aliases.items():
        output = outputs[number]
        writers = [k for k in kernels if output.buffer in written(k)]
        read_again = any(view.buffer is output.buffer for k in kernels for view in reads(k))
        if len(writers) == 1 and not read_again and _reads_only_its_own_element(writers[0], view, output):
            _move_targets(writers[0], output.buffer, view.buffer)
            replaced[view.buffer] = writers[0]
        else:
            copies.append(_copied(output, view))
        outputs[number] = replace(output, buffer=view.buffer)
    found = schedule(kernels, n_threads, replaced)
    if found is not None:
        return found + [[copy] for copy in copies], outputs
    # What is exchanged between inputs has no order: everything is made apart and copied at the end.
    for buffer, writer in replaced.items():
        apart = Buffer(buffer.n_bytes, None, buffer.node)
        targets = [view for view in writer.targets if view.buffer is buffer]
        _move_targets(writer, buffer, apart)
        copies += [_copied(replace(view, buffer=apart), view) for view in targets]
    ordered = schedule(kernels, n_threads)
    assert ordered is not None, "kernels depend on each other in a circle"
    return ordered + [[copy] for copy in copies], outputs


def _copied(source: View, target: View) -> Nest:
    flat = tuple(n for n in source.shape if n != 1)
    a, b = terms.reshape(source, flat), terms.reshape(target, flat)
    assert isinstance(a, View)
    assert isinstance(b, View)
    return Nest(flat, len(flat), [Store(a, b)])


def _reads_only_its_own_element(kernel: Kernel, given: View, output: View) -> bool:
    """Tell whether a kernel may write its result over an input that it reads."""
    if isinstance(kernel, Scatter) or not kernel.targets:
        return False
    own = [view for view in kernel.targets if view.buffer is output.buffer]
    if isinstance(kernel, Product) and given.buffer in (kernel.a.buffer, kernel.b.buffer):
        return False
    for view in reads(kernel):
        if view.buffer is not given.buffer:
            continue
        placed = replace(own[0], buffer=given.buffer)
        if len(own) != 1 or len(own[0].shape) != len(view.shape) or not same_place(placed, view):
            return False
        if any(isinstance(x, terms.Pick) and x.view is view for x in terms.leaves(kernel.terms)):
            return False
    return True


def _move_targets(kernel: Kernel, old: Buffer, new: Buffer) -> None:
    if isinstance(kernel, (Nest, Product)):
        kernel.stores = [
            replace(x, target=replace(x.target, buffer=new)) if x.target.buffer is old else x for x in kernel.stores
        ]
    if isinstance(kernel, Nest):
        kernel.totals = [
            replace(x, target=replace(x.target, buffer=new)) if x.target.buffer is old else x for x in kernel.totals
        ]
