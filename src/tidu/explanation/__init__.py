"""Backpropagation made visible: every value, every local derivative, every product of the chain rule.

`build` traces and differentiates, `naming` gives every node a name, `steps` works out the chain rule at
one node, `formulas` and `numbers` write them, and `text`, `picture`, `latex` and `page` show the whole.
"""

from __future__ import annotations

from tidu.explanation.build import explain
from tidu.explanation.result import Explanation
from tidu.explanation.steps import Path, Step

__all__ = ["Explanation", "Path", "Step", "explain"]
