"""How are rows read that a program makes, block after block, while they are asked for?

Reading in order runs the generator once; going back starts it again. Every block is compared with what was
promised, so that a mistake is an error that names the block. This file knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import DTypeLike

from tidu.data.forward import Forward
from tidu.data.source import ArraySource, Block, BlockSource, check_out, read_fresh
from tidu.data.views import StackedSource
from tidu.errors import DataError, DtypeError, ParameterError

__all__ = ["GeneratorSource", "blocks_source"]


class GeneratorSource:
    """Rows from a generator of blocks, run again from the top whenever earlier rows are asked for.

    Attributes
    ----------
    make_blocks : callable
        Returns a fresh iterable of arrays at each call, always with the same rows. Blocks may have any
        number of rows, none included; a block may be overwritten once the next one is asked for.
    shape : tuple of int
        ``(n_samples, n_features)`` or ``(n_samples,)``: of all blocks together.
    dtype : numpy.dtype
        Of every block. Anything that names a dtype of numbers is accepted.
    name : str
        For messages.

    Raises
    ------
    DataError
        While reading: if a block has another width or dtype, or there are too few or too many rows. Too
        many are noticed as soon as the last row is read.

    Examples
    --------
    >>> def halves():
    ...     for first in (0, 2):
    ...         yield np.array([[first, 0], [first + 1, 0]])
    >>> GeneratorSource(halves, (4, 2), np.int64).read(1, 3).tolist()
    [[1, 0], [2, 0]]
    """

    def __init__(
        self,
        make_blocks: Callable[[], Iterable[Block]],
        shape: Sequence[int],
        dtype: DTypeLike,
        name: str = "generator",
    ) -> None:
        if not callable(make_blocks):
            raise ParameterError(
                f"make_blocks must be a function that returns a fresh iterable of blocks at each call; "
                f"got {type(make_blocks).__name__}, which cannot be started again",
                expected="callable",
                got=type(make_blocks).__name__,
            )
        kind = np.dtype(dtype).newbyteorder("=")
        if kind.kind not in "biuf" or kind.itemsize > 8:
            raise DtypeError(f"{name} has dtype {kind}; expected real numbers of at most 8 bytes", got=str(kind))
        if len(shape) not in (1, 2) or any(length < 0 for length in shape):
            raise ParameterError(f"{name} has shape {tuple(shape)}; expected (n_samples, n_features)", got=tuple(shape))
        self.make_blocks = make_blocks
        self.shape = tuple(int(length) for length in shape)
        self.dtype: np.dtype[np.generic] = kind
        self.name = name
        self._forward = Forward(self.shape[0], _from_the_top, self._stream)

    @property
    def forward_only(self) -> bool:
        """Whether rows should be read from top to bottom."""
        return True

    def read(self, start: int, stop: int) -> Block:
        """Return the rows, running the generator until it has made them."""
        return read_fresh(self, start, stop)

    def read_into(self, start: int, stop: int, out: Block) -> None:
        """Fill `out` with the rows, running the generator until it has made them."""
        check_out(self, start, stop, out)
        self._forward.fill(start, out)

    def scratch_bytes(self, n_rows: int) -> int:
        """Nothing is held but the generator's own block, whose size only the generator knows."""
        return 0

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return GeneratorSource, (self.make_blocks, self.shape, self.dtype, self.name)

    def _stream(self, _: int) -> Iterator[Block]:
        n_rows, done, number = self.shape[0], 0, -1
        for number, block in enumerate(self.make_blocks()):
            _check(self, number, block, done)
            done += len(block)
            if len(block):
                yield block
        if done < n_rows:
            raise DataError(
                f"{self.name} ended after block {number} with {done} rows; expected {n_rows}: does make_blocks "
                "return a fresh iterable at each call?",
                block=number,
                expected=n_rows,
                got=done,
            )


def _check(source: BlockSource, number: int, block: object, done: int) -> None:
    where = f"block {number} of {source.name} (counted from 0)"
    if not isinstance(block, np.ndarray):
        raise DataError(f"{where} is {type(block).__name__}; expected a NumPy array", block=number)
    if block.ndim != len(source.shape) or block.shape[1:] != source.shape[1:]:
        raise DataError(
            f"{where} has shape {block.shape}; expected (rows, {source.shape[1]})"
            if len(source.shape) == 2
            else f"{where} has shape {block.shape}; expected (rows,)",
            block=number,
            expected=source.shape[1:],
            got=block.shape,
        )
    if block.dtype != source.dtype:
        raise DataError(
            f"{where} has dtype {block.dtype}; expected {source.dtype}",
            block=number,
            expected=source.dtype,
            got=block.dtype,
        )
    if done + len(block) > source.shape[0]:
        raise DataError(
            f"{where} goes beyond the {source.shape[0]} rows that were promised, by "
            f"{done + len(block) - source.shape[0]}; give the right shape",
            block=number,
            expected=source.shape[0],
            got=done + len(block),
        )


def _from_the_top(_: int) -> int:
    return 0


def blocks_source(
    blocks: Sequence[Block] | Callable[[], Iterable[Block]],
    shape: Sequence[int] | None = None,
    dtype: DTypeLike | None = None,
    name: str = "blocks",
) -> BlockSource:
    """Return a source of the rows in blocks: a list of arrays, or a function that makes them.

    Parameters
    ----------
    blocks : sequence of ndarray, or callable
        A list stays in memory as it is. A function is called for a fresh iterable whenever earlier rows
        are asked for; see `GeneratorSource`.
    shape, dtype
        Of all blocks together. If a function is given without them, it is run once to find them out.
    name : str
        For messages.

    Examples
    --------
    >>> blocks_source(lambda: (np.full((2, 3), i, np.uint8) for i in range(4))).shape
    (8, 3)
    """
    if not callable(blocks):
        if not isinstance(blocks, list | tuple) or not all(isinstance(block, np.ndarray) for block in blocks):
            raise ParameterError(
                f"blocks must be a list of arrays or a function that makes them; got {type(blocks).__name__}",
                got=type(blocks).__name__,
            )
        shape, dtype = _measured(blocks, shape, dtype, name)
        promised, done = GeneratorSource(lambda: blocks, shape, dtype, name), 0
        for number, block in enumerate(blocks):
            _check(promised, number, block, done)
            done += len(block)
        stack = StackedSource([ArraySource(block, f"block {i} of {name}") for i, block in enumerate(blocks)], name)
        if stack.shape != tuple(shape):
            raise DataError(f"{name} has shape {stack.shape}; expected {tuple(shape)}", expected=shape, got=stack.shape)
        return stack
    if shape is None or dtype is None:
        shape, dtype = _measured(blocks(), shape, dtype, name)
    return GeneratorSource(blocks, shape, dtype, name)


def _measured(
    blocks: Iterable[Block], shape: Sequence[int] | None, dtype: DTypeLike | None, name: str
) -> tuple[Sequence[int], DTypeLike]:
    """Return shape and dtype of all blocks together, where they are not given."""
    n_rows, first = 0, None
    for block in blocks:
        first = np.asarray(block)[:0] if first is None else first
        n_rows += len(block)
    if first is None:
        raise DataError(f"{name} has no blocks; expected at least one", expected=1, got=0)
    return (n_rows, *first.shape[1:]) if shape is None else shape, first.dtype if dtype is None else dtype
