"""How much of a number is noise, by the differences between neighbors?

The classical estimates: cheap, from one neighbor graph, and blind where neighbors are far. `likelihood` sees further;
these stand beside it. This file knows nothing of classes.

References
----------
Stefansson, Koncar and Jones, A note on the Gamma test, Neural Computing and Applications 5 (1997); Evans and Jones,
A proof of the Gamma test, Proc. Royal Society A 458 (2002), (1.8) to (1.12); Liitiäinen, Corona and Lendasse, Residual
variance estimation using a nearest neighbor statistic, J. Multivariate Analysis 101 (2010) (Delta test and product
estimator); Politis, Romano and Wolf, Subsampling, Springer 1999, (2.2.1) (the interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.graph import Graph

__all__ = ["GammaTest", "difference_estimates", "gamma_interval"]

NEIGHBORS = 10
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GammaTest:
    """Three estimates of the variance of the noise, in squared units of the target.

    Attributes
    ----------
    gamma : float
        Half the mean squared difference between neighbors, continued to distance zero; may come out negative.
    slope : float
        Its growth with the squared distance: how rough the function is.
    delta : float
        Half the mean squared difference to the nearest: above the truth.
    product : float
        The mean product of the differences to the two nearest: less above it. NaN for a single neighbor.
    squared_distances, half_squared_differences : tuple of float
        Means over all rows for the first, second, ... neighbor: the points of the regression.
    """

    gamma: float
    slope: float
    delta: float
    product: float
    squared_distances: tuple[float, ...]
    half_squared_differences: tuple[float, ...]


def difference_estimates(graph: Graph, y: Floats) -> GammaTest:
    """Estimate the variance of the noise from a neighbor graph.

    Examples
    --------
    >>> from tidu.assessment.graph import neighbor_graph
    >>> from tidu.data import as_source
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(size=(2000, 1))
    >>> y = np.sin(6.0 * x[:, 0]) + 0.5 * rng.normal(size=2000)
    >>> 0.2 < difference_estimates(neighbor_graph(as_source(x), 10), y).gamma < 0.3
    True
    """
    k = min(NEIGHBORS, graph.k)
    across, up, product = np.zeros(k), np.zeros(k), 0.0
    for rows in graph.blocks():
        differences = y[graph.indices[rows, :k]] - y[rows, None]
        across += (graph.distances[rows, :k] ** 2).sum(axis=0) / graph.n_rows
        up += 0.5 * (differences**2).sum(axis=0) / graph.n_rows
        product += float((differences[:, 0] * differences[:, min(1, k - 1)]).sum()) / graph.n_rows
    spread = float(((across - across.mean()) ** 2).sum())
    slope = float(((across - across.mean()) * up).sum()) / spread if spread > 0 else 0.0
    return GammaTest(
        gamma=float(up.mean() - slope * across.mean()),
        slope=slope,
        delta=float(up[0]),
        product=product if k > 1 else float("nan"),
        squared_distances=tuple(across.tolist()),
        half_squared_differences=tuple(up.tolist()),
    )


def gamma_interval(found: GammaTest, subsampled: Sequence[float], share: float) -> tuple[float, float]:
    """Return the 95 % interval of the Gamma test from what it says of subsamples.

    Rows drawn with replacement would be their own neighbors; subsamples without replacement are not.

    Parameters
    ----------
    subsampled : sequence of float
        Gamma of each subsample.
    share : float
        Of the rows in a subsample: those of one vary less than ones of new rows would, by a factor 1 - share.
    """
    if len(subsampled) < 2:
        return float("nan"), float("nan")
    deviation = float(np.std(subsampled, ddof=1)) * np.sqrt(share / (1.0 - share))
    return found.gamma - 1.96 * deviation, found.gamma + 1.96 * deviation
