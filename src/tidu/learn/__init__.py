"""How a function is learned from data: `fit`, the optimizers and their schedules.

Reading order: `fit`, `step`, `optimizers`, `schedules`, `descent` (the loop), `session` (the end of an
epoch), then what they are given: `batches`, `order`, `validation`, `probe`, `progress`, `history`; `lbfgs`.
"""

from __future__ import annotations

from tidu.learn.fit import fit
from tidu.learn.history import EpochRecord, FitResult
from tidu.learn.lbfgs import LBFGS
from tidu.learn.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from tidu.learn.progress import BarReporter, Reporter, SilentReporter
from tidu.learn.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    OnPlateau,
    Run,
    Schedule,
    StepDecay,
    WarmUp,
)

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "BarReporter",
    "Constant",
    "CosineDecay",
    "EpochRecord",
    "ExponentialDecay",
    "FitResult",
    "OnPlateau",
    "Optimizer",
    "RMSprop",
    "Reporter",
    "Run",
    "Schedule",
    "SilentReporter",
    "StepDecay",
    "WarmUp",
    "fit",
]
