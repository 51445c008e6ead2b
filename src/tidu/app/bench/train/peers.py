"""Who is measured, on which cases, and what must be there for it?

A peer is named here and imported in its own process only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidu.app.bench.present import missing
from tidu.app.bench.train.cases import Case

__all__ = ["PEERS", "Peer"]


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to do the work.

    Parameters
    ----------
    name : str
    title : str
        What a person reads.
    module : str
        What must be installed.
    trainer : str
        ``module:Class`` in this package, of a `Trainer`; empty if it does not train.
    second_order, scalars : bool
        Whether it computes Hessians, and calls with scalars.
    keeps_code : bool
        Whether it keeps compiled code on disk, if it is told where.
    one_processor : bool
        Whether it is also tried on a single processor, since it cannot be told its number of threads.
    tools : tuple of str
        Programs that it needs.
    linux_only : bool
    """

    name: str
    title: str
    module: str
    trainer: str = ""
    second_order: bool = False
    scalars: bool = False
    keeps_code: bool = False
    one_processor: bool = False
    tools: tuple[str, ...] = ()
    linux_only: bool = False

    def does(self, case: Case) -> bool:
        """Return whether it has a way to do this work."""
        match case.job:
            case "training":
                # Where they would only repeat the row above they are left out.
                repeats = self.name == "tidu-nn" and case.loss == "squared"
                repeats = repeats or (self.name == "tidu-shuffle" and case.whole_batch)
                return bool(self.trainer) and not repeats
            case "hessian" | "hvp":
                return self.second_order
            case "product" | "chain":
                return self.scalars

    @property
    def lacks(self) -> str:
        """What is missing on this machine; empty if nothing is."""
        return missing(self.module, self.tools, linux_only=self.linux_only)


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("tidu", "tidu", "tidu", "by_tidu:TiduTrainer", second_order=True, scalars=True, keeps_code=True),
        Peer("tidu-nn", "tidu, loss of tidu.nn", "tidu", "by_tidu:LibraryLossTrainer", keeps_code=True),
        Peer("tidu-shuffle", "tidu, own shuffling", "tidu", "by_tidu:OwnShuffleTrainer", keeps_code=True),
        Peer("jax-scan", "JAX, lax.scan", "jax", "by_jax:ScanTrainer", keeps_code=True, one_processor=True),
        Peer(
            "jax-step",
            "JAX, jit",
            "jax",
            "by_jax:StepTrainer",
            second_order=True,
            scalars=True,
            keeps_code=True,
            one_processor=True,
        ),
        Peer("torch", "PyTorch", "torch", "by_torch:EagerTrainer", second_order=True, scalars=True),
        Peer(
            "torch-compile",
            "PyTorch, compiled",
            "torch",
            "by_torch:CompiledTrainer",
            keeps_code=True,
            tools=("g++",),
        ),
        Peer(
            "torch-mkl",
            "PyTorch, MKL told Intel",
            "torch",
            "by_torch:EagerTrainer",
            tools=("gcc",),
            linux_only=True,
        ),
        Peer("sklearn", "scikit-learn", "sklearn", "by_sklearn:SklearnTrainer"),
        Peer("numpy", "NumPy by hand", "numpy", "by_numpy:NumpyTrainer"),
        Peer("autograd", "autograd", "autograd", scalars=True),
        Peer("python", "Python by hand", "tidu", scalars=True),
    )
}
