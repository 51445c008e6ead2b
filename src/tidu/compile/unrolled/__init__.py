"""Code for small programs, with every value in registers: no arrays between nodes, no loops.

`elements` says where each element of a value is and brings elements together in vectors, `transpose` turns rows
into columns, `tree` folds the lanes of many vectors at once; `arithmetic` chooses the axis that the lanes lie
along and writes what computes, `picking` what goes by indices; `size` tells small from large, `program` walks
the graph.
"""

from tidu.compile.unrolled.program import unroll, write_unrolled
from tidu.compile.unrolled.size import estimate

__all__ = ["estimate", "unroll", "write_unrolled"]
