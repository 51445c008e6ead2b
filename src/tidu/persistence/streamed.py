"""How is a tensor written that need never be whole in memory?

Knows nothing of what stands before and after its bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.errors import DataError

__all__ = ["StreamedTensor", "Tensor"]

Tensor: TypeAlias = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class StreamedTensor:
    """A tensor that is written block by block.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    blocks : callable
        Gives arrays of this dtype, in any byte order, that hold the elements in C order.

    Examples
    --------
    >>> import io
    >>> file = io.BytesIO()
    >>> StreamedTensor((3,), np.dtype("u1"), lambda: (np.full(n, n, "u1") for n in (1, 2))).write(file, "x")
    >>> file.getvalue()
    b'\\x01\\x02\\x02'
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    blocks: Callable[[], Iterable[Tensor]]

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    def write(self, file: BinaryIO, name: str) -> None:
        """Write all elements, little-endian; `name` is for messages.

        Raises
        ------
        DataError
            If the blocks are of another dtype, or of more or fewer bytes.
        """
        little = self.dtype.newbyteorder("<")
        written = 0
        for block in self.blocks():
            if block.dtype.newbyteorder("<") != little:
                raise DataError(
                    f"a block of tensor {name!r} has dtype {block.dtype}, not {self.dtype}: its source is at fault",
                    expected=self.dtype,
                    got=block.dtype,
                )
            file.write(np.asarray(block, little, order="C").reshape(-1).view(np.uint8).data)
            written += block.nbytes
        if written != self.nbytes:
            raise DataError(
                f"the blocks of tensor {name!r} have {written} bytes, not {self.nbytes}: their source is at fault",
                expected=self.nbytes,
                got=written,
            )
