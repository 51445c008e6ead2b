"""The logistic sigmoid: a primitive of its own, so that neither half of the line overflows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.core.primitive import Formula, Interval, Laws
from tidu.ops.declare import ELEMENTWISE_EDGES, elementwise

__all__ = ["logistic"]


def _evaluate(x: ArrayLike) -> NDArray[np.floating]:
    """Take the exponential of -|x| only, which cannot overflow; SciPy's expit need not be loaded."""
    real = np.add(x, 0.0)
    small = np.exp(-np.abs(real))
    return np.asarray(np.where(real < 0, small, 1.0) / (small + 1.0), real.dtype)[()]


@elementwise(
    numpy=[],
    scipy=["expit"],
    evaluate=_evaluate,
    pullback=[lambda ct, out, x: ct * (out * (1.0 - out))],
    emit=lambda b, x: b.call("tidu_logistic", x),
    samples=[Interval(-4.0, 4.0)],
    edges=(*ELEMENTWISE_EDGES, (1e4,), (-1e4,)),
    kinks=[],
    laws=Laws(increasing=True),
    formula=Formula(r"\sigma({0})", "1 / (1 + exp(-{0}))", ("{out} * (1 - {out})",)),
    words={
        "en": "squeezes into (0, 1); its slope is at most 1/4, so deep chains of it make gradients vanish",
        "zh": "把数压缩到 (0, 1)；斜率最大为 1/4，层层相乘会使梯度消失",
    },
    source="scipy.special.expit; Bishop, Pattern Recognition and Machine Learning (2006), (4.59) and (4.88)",
    flops=15,
)
def logistic(x: object) -> object:
    """Return 1 / (1 + exp(-x)) for each element, without overflow.

    Examples
    --------
    >>> float(logistic(0.0)), float(logistic(-1e4))
    (0.5, 0.0)
    """
