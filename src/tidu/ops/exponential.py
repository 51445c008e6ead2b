"""Exponentials and logarithms, and the functions made of them."""

from __future__ import annotations

import numpy as np

from tidu.core.primitive import Formula, Interval, Laws
from tidu.ops.declare import ELEMENTWISE_EDGES, elementwise

__all__ = ["exp"]


@elementwise(
    numpy=[np.exp],
    evaluate=np.exp,
    pullback=[lambda ct, out, x: ct * out],
    emit=lambda b, x: b.call("exp", x),
    samples=[Interval(-4.0, 4.0)],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(increasing=True, inverse="log"),
    formula=Formula("e^{{{0}}}", "exp({0})", ("{out}",)),
    words={"en": "raises e to the power; its slope is its own value", "zh": "e 的幂；斜率等于它自己的值"},
    source="DLMF 4.2.19 and 4.20.1",
    flops=10,
)
def exp(x: object) -> object:
    """Return e to the power x for each element.

    Examples
    --------
    >>> float(exp(0.0))
    1.0
    """
