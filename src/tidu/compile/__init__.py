"""From graph to one native function.

`views` is index arithmetic, `support` says what has native code, `lower` makes kernels of nodes, `arena`
places their buffers, `plan` is the result, `function` compiles and calls it. The records say what an
operation means; this package names only those whose native code is index arithmetic.
"""

from tidu.compile.function import NativeFunction, native_function
from tidu.compile.lower import lower
from tidu.compile.plan import Plan
from tidu.compile.support import supports

__all__ = ["NativeFunction", "Plan", "lower", "native_function", "supports"]
