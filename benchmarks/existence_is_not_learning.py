"""Where does the gap between networks that exist and networks that are learned come from, and what closes it?

Run: python benchmarks/existence_is_not_learning.py [--seeds 10] [--widths 8,32,128,256] [--samples 3000]

The target is Nielsen's f(x) = 0.2 + 0.4 x^2 + 0.3 x sin(15 x) + 0.05 cos(50 x) on [0, 1]. One hidden layer of ReLU
units; errors are root mean squares on 20,001 points that were not trained on. The constructed network is the polygon
through values of f itself at equal knots; all others saw samples at random places only. "Untuned" is Adam at 1e-3 in
4,000 steps over all samples; "+ Adam" is Adam from the solved start in plain weights, at a rate that rises to 1e-2
and falls along a cosine, and so on. "Whitened" means that weights move in coordinates of equal effect.

Median errors of 10 seeds by 3,000 samples:

    units                                     8        32       128       256
    constructed                          0.0700   0.00782  0.000512  0.000128
    random start, Adam untuned            0.123    0.0882    0.0399    0.0333
    random start, L-BFGS                 0.0905    0.0902    0.0244    0.0187
    random start, L-BFGS, whitened       0.0853    0.0306   0.00715   0.00379
    spread start, Adam                   0.0468    0.0263    0.0161    0.0119
    spread start, L-BFGS                 0.0428    0.0156   0.00193   0.00160
    spread start, Adam, whitened         0.0410    0.0351    0.0139    0.0352
    spread start, L-BFGS, whitened       0.0416   0.00432   0.00121   0.00101
    spread start, least squares only     0.0489   0.00773  0.000508  0.000150
      ... + Adam                         0.0314   0.00486  0.000511  0.000150
      ... + Adam, whitened               0.0286   0.00295  0.000314  0.000110
      ... + L-BFGS                       0.0280   0.00375  0.000395  0.000123
      ... + L-BFGS, whitened             0.0278   0.00268  0.000245  0.000090

So with many units nearly all of the gap is closed by where units bend and by solving for the output weights, which is
no descent at all; whitened L-BFGS then divides the error by 1.7 to 2.9, as it moves the bends. Without the solution
of least squares the same units stay behind, L-BFGS in whitened coordinates least of all; Adam's steps in whitened
coordinates, in units of an error that is still large, are then too long. All seeds and widths take half an hour to an
hour, most of it for untuned Adam.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.training import Trained, train

Floats = NDArray[np.float64]
Way = Callable[[Floats, Floats, int, int], Trained]

GRID = np.linspace(0.0, 1.0, 20_001)


def target(x: Floats) -> Floats:
    """Nielsen's function."""
    return 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)


WAYS: dict[str, Way] = {
    "random start, Adam untuned": lambda X, y, n, s: train(
        X, y, [n], optimizer="adam", start="random", batch_size=len(X), epochs=4000, seed=s
    ),
    "random start, Adam in batches": lambda X, y, n, s: train(X, y, [n], optimizer="adam", start="random", seed=s),
    "random start, L-BFGS": lambda X, y, n, s: train(X, y, [n], start="random", seed=s),
    "random start, least squares only": lambda X, y, n, s: train(
        X, y, [n], start="random", solve=True, epochs=0, seed=s
    ),
    "random start, L-BFGS, whitened": lambda X, y, n, s: train(X, y, [n], start="random", whiten=True, seed=s),
    "spread start, Adam": lambda X, y, n, s: train(X, y, [n], optimizer="adam", solve=False, whiten=False, seed=s),
    "spread start, L-BFGS": lambda X, y, n, s: train(X, y, [n], solve=False, whiten=False, seed=s),
    "spread start, Adam, whitened": lambda X, y, n, s: train(X, y, [n], optimizer="adam", solve=False, seed=s),
    "spread start, L-BFGS, whitened": lambda X, y, n, s: train(X, y, [n], solve=False, seed=s),
    "spread start, least squares only": lambda X, y, n, s: train(X, y, [n], epochs=0, seed=s),
    "  ... + Adam": lambda X, y, n, s: train(X, y, [n], optimizer="adam", whiten=False, seed=s),
    "  ... + Adam, whitened": lambda X, y, n, s: train(X, y, [n], optimizer="adam", seed=s),
    "  ... + L-BFGS": lambda X, y, n, s: train(X, y, [n], whiten=False, seed=s),
    "  ... + L-BFGS, whitened": lambda X, y, n, s: train(X, y, [n], seed=s),
}
"""Each is given samples, the number of units and a seed."""


def rms(found: Floats) -> float:
    """Return the root mean square error on the grid."""
    return float(np.sqrt(np.mean((found - target(GRID)) ** 2)))


def constructed(n: int) -> float:
    """Return the error of the polygon that n units make: n equal pieces."""
    knots = np.linspace(0.0, 1.0, n + 1)
    return rms(np.interp(GRID, knots, target(knots)))


def measure(n: int, n_seeds: int, n_samples: int) -> None:
    """Print one table: for each way the median error, its range and its ratio to the constructed network's."""
    best = constructed(n)
    print(f"\n{n} units, {n_samples} samples, {n_seeds} seeds; constructed {best:.3g}")
    print(f"{'':34}  {'median':>9}  {'least':>9}  {'most':>9}  {'ratio':>7}  {'seconds':>7}")
    for name, way in WAYS.items():
        errors, elapsed_s = [], []
        for seed in range(n_seeds):
            x = np.random.default_rng(1000 + seed).uniform(0.0, 1.0, n_samples)
            began_s = time.perf_counter()
            network = way(x[:, None], target(x), n, seed).network
            elapsed_s.append(time.perf_counter() - began_s)
            errors.append(rms(network(GRID[:, None])))
        middle = statistics.median(errors)
        print(
            f"{name:34}  {middle:9.3g}  {min(errors):9.3g}  {max(errors):9.3g}  {middle / best:7.2f}  "
            f"{statistics.median(elapsed_s):7.2f}",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--widths", default="8,32,128,256")
    parser.add_argument("--samples", type=int, default=3000)
    given = parser.parse_args()
    for width in given.widths.split(","):
        measure(int(width), given.seeds, given.samples)
