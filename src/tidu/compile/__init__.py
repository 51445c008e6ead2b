"""From graph to one native function.

`simplify` rewrites the graph; `fuse` makes kernels over `terms` and `views` of it; `merge` joins kernels;
`schedule` puts them in order between barriers, as `partition` shares work among threads; `plan` gives them
memory; `write` and `evaluate` make code; `function` compiles and calls it. `program` makes any graph
ready for `jit`: `segments` cuts it where a node has no native code, `pieces` and `calling` run what is native.

The records say what an operation means; this package names only those whose native code is index arithmetic.
"""

from tidu.compile.function import IndexOutOfRange, NativeFunction, native_function
from tidu.compile.lower import Settings
from tidu.compile.plan import Plan
from tidu.compile.support import supports

__all__ = ["IndexOutOfRange", "NativeFunction", "Plan", "Settings", "native_function", "supports"]
