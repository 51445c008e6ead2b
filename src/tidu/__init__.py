"""tidu (梯度): learn a function from data on an ordinary CPU, and see how it was learned.

You write NumPy; `grad` differentiates it, `jit` runs it from its graph, `fit` learns with it, `explain`
shows how the gradient came about. The reading order of the code is the layers contract in
``pyproject.toml``, from its last line up.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tidu import config as config
from tidu import errors as errors
from tidu.core.filling import filled_by

if TYPE_CHECKING:
    from tidu import functions as functions
    from tidu import nn as nn
    from tidu import ops as ops
    from tidu.approximation.approximate import approximate as approximate
    from tidu.assessment import assess as assess
    from tidu.estimators import KNeighborsClassifier as KNeighborsClassifier
    from tidu.estimators import KNeighborsRegressor as KNeighborsRegressor
    from tidu.estimators import MLPClassifier as MLPClassifier
    from tidu.estimators import MLPRegressor as MLPRegressor
    from tidu.estimators import NearestNeighbors as NearestNeighbors
    from tidu.explanation import explain as explain
    from tidu.functions.indexing import add_at as add_at
    from tidu.functions.indexing import set_at as set_at
    from tidu.learn import LBFGS as LBFGS
    from tidu.learn import SGD as SGD
    from tidu.learn import Adagrad as Adagrad
    from tidu.learn import Adam as Adam
    from tidu.learn import AdamW as AdamW
    from tidu.learn import RMSprop as RMSprop
    from tidu.learn.fit import fit as fit
    from tidu.neighbors import kneighbors as kneighbors
    from tidu.neighbors import radius_neighbors as radius_neighbors
    from tidu.nn import random as random
    from tidu.ops.convert import stop_gradient as stop_gradient
    from tidu.transforms.batching import vmap as vmap
    from tidu.transforms.check import check_grads as check_grads
    from tidu.transforms.compiled import jit as jit
    from tidu.transforms.custom import checkpoint as checkpoint
    from tidu.transforms.custom import custom_vjp as custom_vjp
    from tidu.transforms.forward import hvp as hvp
    from tidu.transforms.forward import jvp as jvp
    from tidu.transforms.gradients import grad as grad
    from tidu.transforms.gradients import value_and_grad as value_and_grad
    from tidu.transforms.gradients import vjp as vjp
    from tidu.transforms.matrices import hessian as hessian
    from tidu.transforms.matrices import jacobian as jacobian
    from tidu.transforms.plans import explain_plan as explain_plan

__version__ = "0.1.0.dev0"

filled_by("tidu.ops", "tidu.functions")

# Everything is loaded when first asked for, so that `import tidu` stays quick.
_HOME = {
    "tidu.approximation": ("approximate",),
    "tidu.assessment": ("assess",),
    "tidu.estimators": (
        "MLPClassifier",
        "MLPRegressor",
        "KNeighborsClassifier",
        "KNeighborsRegressor",
        "NearestNeighbors",
    ),
    "tidu.explanation": ("explain",),
    "tidu.functions.indexing": ("add_at", "set_at"),
    "tidu.learn": ("fit", "SGD", "Adagrad", "RMSprop", "Adam", "AdamW", "LBFGS"),
    "tidu.neighbors": ("kneighbors", "radius_neighbors"),
    "tidu.ops.convert": ("stop_gradient",),
    "tidu.transforms.batching": ("vmap",),
    "tidu.transforms.check": ("check_grads",),
    "tidu.transforms.compiled": ("jit",),
    "tidu.transforms.custom": ("checkpoint", "custom_vjp"),
    "tidu.transforms.forward": ("hvp", "jvp"),
    "tidu.transforms.gradients": ("grad", "value_and_grad", "vjp"),
    "tidu.transforms.matrices": ("hessian", "jacobian"),
    "tidu.transforms.plans": ("explain_plan",),
}
_LATER = {name: module for module, names in _HOME.items() for name in names}
_PACKAGES = {"nn", "learn", "neighbors", "data", "estimators", "explanation", "expressions", "persistence"}
_PACKAGES |= {"words", "native", "interpret", "ops", "trace", "functions", "differentiate", "compile", "transforms"}
_PACKAGES |= {"approximation", "assessment"}

__all__ = sorted([*_LATER, "config", "errors", "nn", "random"])


def __getattr__(name: str) -> object:
    if name in _PACKAGES:
        return import_module(f"tidu.{name}")
    if name == "random":
        return import_module("tidu.nn.random")
    if name in _LATER:
        found = getattr(import_module(_LATER[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module 'tidu' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
