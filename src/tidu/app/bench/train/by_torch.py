"""How does one train fast with PyTorch: which optimizer's form, how many threads, compiled or not?

Each is tried shortly, and the best is measured and named. PyTorch is imported when a trainer is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tidu.app.bench.clock import rate
from tidu.app.bench.train.arrays import Arrays, Rows, Weights
from tidu.app.bench.train.cases import Case
from tidu.app.bench.train.trainers import ADAM, MOMENTUM, Foreign, Speed

__all__ = ["CompiledTrainer", "EagerTrainer"]

_CHUNK = 20
_TRIAL_SHARE = 0.1
"""Of the time to measure, for each way that is tried."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to run a step."""

    form: str
    threads: int

    def __str__(self) -> str:
        return f"{self.form}, {self.threads} thread{'s' if self.threads > 1 else ''}"


class EagerTrainer:
    """Operation by operation."""

    compiled = False

    def __init__(self, case: Case, arrays: Arrays, threads: int | None) -> None:
        import torch

        self.torch, self.case, self.arrays = torch, case, arrays
        self.threads = (threads,) if threads else (1, 2)
        self.X, self.y = torch.from_numpy(arrays.X), torch.from_numpy(arrays.y)
        self.way = _Way("foreach", self.threads[-1])
        self.loss = torch.compile(self._loss) if self.compiled else self._loss
        self._start()

    def _start(self) -> None:
        torch, case = self.torch, self.case
        torch.set_num_threads(self.way.threads)
        self.params = [torch.nn.Parameter(torch.from_numpy(p.copy())) for layer in self.arrays.weights for p in layer]
        form = {self.way.form: True}
        if case.optimizer == "adam":
            b1, b2, eps = ADAM
            self.optimizer = torch.optim.Adam(self.params, case.learning_rate, (b1, b2), eps, **form)
        else:
            momentum = MOMENTUM if case.optimizer == "momentum" else 0.0
            self.optimizer = torch.optim.SGD(self.params, case.learning_rate, momentum, **form)

    def _loss(self, params: Foreign, X: Foreign, y: Foreign) -> Foreign:
        torch, case = self.torch, self.case
        hidden = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[case.activation]
        h = X.to(torch.float32) / 255 if case.pixels else X
        for i in range(0, len(params) - 2, 2):
            h = hidden(torch.addmm(params[i + 1], h, params[i]))
        scores = torch.addmm(params[-1], h, params[-2])
        if case.loss == "squared":
            return torch.nn.functional.mse_loss(scores, y)
        return torch.nn.functional.cross_entropy(scores, y)

    def train(self, rows: Rows) -> Weights:
        """Take steps from the first weights on."""
        self._start()
        self._steps(self.torch.from_numpy(rows.copy()).unbind(0))
        found = [p.detach().numpy() for p in self.params]
        return list(zip(found[0::2], found[1::2], strict=True))

    def speed(self, budget_s: float) -> Speed:
        """Try every way, and measure the best."""
        chunk = self.torch.from_numpy(self.arrays.steps(_CHUNK)).unbind(0)
        tried: dict[_Way, float] = {}
        for way in self._ways():
            self.way = way
            self._start()
            tried[way] = rate(lambda: self._steps(chunk), _CHUNK, _TRIAL_SHARE * budget_s)
        self.way = max(tried, key=tried.__getitem__)
        self._start()
        return {"per_s": rate(lambda: self._steps(chunk), _CHUNK, budget_s), "note": str(self.way)}

    def _ways(self) -> Iterator[_Way]:
        for form, threads in product(("foreach", "fused"), self.threads):
            yield _Way(form, threads)

    def _steps(self, order: Foreign) -> None:
        for chosen in order:
            X, y = self.X, self.y
            if not self.case.whole_batch:
                X, y = X.index_select(0, chosen), y.index_select(0, chosen)
            self.optimizer.zero_grad(set_to_none=True)
            self.loss(self.params, X, y).backward()
            self.optimizer.step()


class CompiledTrainer(EagerTrainer):
    """Forward and backward pass by `torch.compile`."""

    compiled = True
