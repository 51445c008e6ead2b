"""How a derivative is made: graph in, graph out.

`reverse` pulls cotangents back through a graph. What is built on it for users (`grad`, `jacobian` ...)
is in `tidu.transforms`. Nothing here names an operation.
"""

from __future__ import annotations

from tidu.differentiate.reverse import Pullback, pull_back

__all__ = ["Pullback", "pull_back"]
