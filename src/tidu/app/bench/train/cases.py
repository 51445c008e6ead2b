"""Which work is measured, and how many times faster than whom is tidu meant to be?

This file knows nothing of peers and clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

__all__ = ["CASES", "Case", "Job"]

Job = Literal["training", "hessian", "hvp", "product", "chain"]


@dataclass(frozen=True, slots=True)
class Case:
    """Some work that every peer does with the same numbers.

    Parameters
    ----------
    name : str
    job : {"training", "hessian", "hvp", "product", "chain"}
        Training steps; the Hessian of a network's loss, or its product with a vector; the value and the
        gradients of ``(x + y) * z`` or of a chain of scalar nodes, Python floats in and out.
    sizes : tuple of int
        Widths of the network's layers, or the length of the chain.
    activation : {"sigmoid", "relu", "tanh"}
        Of the hidden layers; the last layer is linear.
    loss : {"squared", "cross_entropy"}
        The mean over the batch of the squared error, or of the cross-entropy of a softmax.
    batch : int
    n_rows : int
        Rows of the data; a batch of all of them is not gathered.
    optimizer : {"sgd", "momentum", "adam"}
        Momentum is 0.9, Adam's numbers are the usual ones.
    learning_rate : float
    pixels : bool
        The rows are uint8 and become float32 from 0 to 1 in the step.
    check_steps : int
        Steps after which the losses of all peers are compared.
    shows_peak : bool
        Whether matrix products dominate, so that a share of the processor's peak says something.
    goals : mapping of str to float
        How many times a peer's speed tidu's is meant to be.
    """

    name: str
    job: Job
    sizes: tuple[int, ...] = ()
    activation: Literal["sigmoid", "relu", "tanh"] = "relu"
    loss: Literal["squared", "cross_entropy"] = "cross_entropy"
    batch: int = 1
    n_rows: int = 1
    optimizer: Literal["sgd", "momentum", "adam"] = "sgd"
    learning_rate: float = 0.1
    pixels: bool = False
    check_steps: int = 100
    shows_peak: bool = False
    goals: Mapping[str, float] = field(default_factory=dict)

    @property
    def whole_batch(self) -> bool:
        """Whether every step takes all rows."""
        return self.batch == self.n_rows

    @property
    def step_flops(self) -> int:
        """Floating-point operations of a step's matrix products.

        Three products for each layer: forward, gradient of the weights, gradient of the layer's input;
        the first layer's input needs none.
        """
        products = [2 * self.batch * inputs * outputs for inputs, outputs in pairwise(self.sizes)]
        return 3 * sum(products) - products[0]


CASES: Mapping[str, Case] = {
    case.name: case
    for case in (
        Case(
            "tiny",
            "training",
            (3, 4, 4, 1),
            "sigmoid",
            "squared",
            batch=32,
            n_rows=32_000,
            optimizer="sgd",
            goals={"jax-scan": 30, "torch": 500},
        ),
        Case(
            "digits",
            "training",
            (64, 32, 10),
            batch=32,
            n_rows=1_792,
            optimizer="momentum",
            learning_rate=0.01,
            goals={"jax-step": 8, "jax-scan": 8},
        ),
        Case(
            "mnist",
            "training",
            (784, 128, 10),
            batch=64,
            n_rows=60_000,
            optimizer="momentum",
            learning_rate=0.01,
            shows_peak=True,
            goals={"jax-scan": 1.6, "torch": 5},
        ),
        Case(
            "cifar10",
            "training",
            (3072, 512, 256, 10),
            batch=128,
            n_rows=50_000,
            optimizer="adam",
            learning_rate=1e-3,
            pixels=True,
            check_steps=20,
            shows_peak=True,
            goals={"jax-scan": 1.5, "torch-mkl": 1.35},
        ),
        Case(
            "curve",
            "training",
            (1, 64, 64, 1),
            "tanh",
            "squared",
            batch=1024,
            n_rows=1024,
            optimizer="adam",
            learning_rate=1e-3,
            goals={"jax-scan": 2.2},
        ),
        Case("hessian", "hessian", (4, 8, 1), "tanh", "squared", batch=32, n_rows=32, goals={"jax-step": 2}),
        Case("hvp", "hvp", (4, 8, 1), "tanh", "squared", batch=32, n_rows=32, goals={"jax-step": 2}),
        Case("hvp-mnist", "hvp", (784, 128, 10), batch=64, n_rows=64, goals={"jax-step": 2}),
        Case("product", "product"),
        Case("chain", "chain", (1000,)),
    )
}
