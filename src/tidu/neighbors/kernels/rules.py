"""When is a pair worth being judged, by the integers that stand for its rows?

This file knows nothing of tiles, and of what judging is.

Notes
-----
The value of a pair is ``row_term + factor * sum``, with the factor -2 for squared distances, -1 for products and 1
for differences. It is looked at where it does not exceed the threshold of its query, which follows from the largest
key T that still counts: ``T - query_term`` where the value decides the key; otherwise, with slacks that bound what
the integers leave out, ``((sqrt(alpha T + beta) + slack) / scale)^2 - query_term`` or
``(T + gamma |T| + slack) / scale - query_term``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidu.native.text import FunctionText, Kernel
from tidu.neighbors.kernels.exact import ExactKey
from tidu.neighbors.kernels.table import SCAN_SLOTS, Table

__all__ = ["ALL_PASS", "PASSES", "Scan", "threshold_kernel"]

ALL_PASS = 3 << 28
"""A threshold that lets every pair pass: sums of products are at most ``1 << 28``, values at most this."""
_LEAST = -(1 << 29)
"""No value of a pair that counts is below; so rows of the term `PASSES` always pass."""
_NONE_PASS = -(1 << 30)
PASSES = {-2: -(1 << 30), -1: -(3 << 28), 1: -(1 << 30)}
"""For each factor, the term of a row that always passes."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan does.

    Parameters
    ----------
    comparison : str
        Name of a `Comparison`.
    factor : {-2, -1, 1}
        Of the sums in the value of a pair.
    rule : {"value", "square", "linear"}
        How a threshold follows from a key.
    exact : ExactKey or None
        How keys are computed; None where the value decides.
    collects : bool
        Whether all pairs with a key within the bound are written down, instead of the k nearest.
    """

    comparison: str
    factor: int
    rule: Literal["value", "square", "linear"]
    exact: ExactKey | None = None
    collects: bool = False

    @property
    def key(self) -> str:
        """LLVM's type of a key."""
        return "i64" if self.exact is None else self.exact.key


def threshold_kernel(scan: Scan, features: frozenset[str]) -> Kernel:
    """Find the threshold of a query anew: ``threshold(table, query)``."""
    text = FunctionText(["ptr", "i64"], features)
    table = Table(text, SCAN_SLOTS)
    place = text.offset("i32", table.load("thresholds", "ptr"), "%p1")
    is_query = text.value(f"icmp ult i64 %p1, {table.load('n_queries')}")
    text.do(f"store i32 {_NONE_PASS}, ptr {place}")
    with text.when(is_query):
        kind = scan.key
        bound = text.offset(kind, table.load("bounds", "ptr"), "%p1")
        key = text.value(f"load {kind}, ptr {bound}")
        if not scan.collects:
            begin = text.value(f"mul i64 %p1, {table.load('k')}")
            top = text.value(f"load {kind}, ptr {text.offset(kind, table.load('keys', 'ptr'), begin)}")
            lower = text.value(f"{'icmp slt' if kind == 'i64' else 'fcmp olt'} {kind} {top}, {key}")
            key = text.value(f"select i1 {lower}, {kind} {top}, {kind} {key}")
        term = text.offset("i32", table.load("query_terms", "ptr"), "%p1")
        term = text.value(f"load i32, ptr {term}")
        value = _threshold_of(scan, table, key, term)
        text.do(f"store i32 {value}, ptr {place}")
    return text.finish()


def _threshold_of(scan: Scan, table: Table, key: str, term: str) -> str:
    text = table.text
    if scan.rule == "value":
        return _clamped(text, "i64", text.value(f"sub i64 {key}, {text.value(f'sext i32 {term} to i64')}"))
    if scan.key == "i64":
        key = text.value(f"sitofp i64 {key} to double")
    alpha, beta, inverse = (table.load(name, "double") for name in ("alpha", "beta", "inverse_scale"))
    slack = text.value(f"load double, ptr {text.offset('double', table.load('query_slack', 'ptr'), '%p1')}")
    slack = text.value(f"fadd double {slack}, {table.load('row_slack', 'double')}")
    for name in ("sqrt", "fabs"):
        text.declare(f"declare double @llvm.{name}.f64(double)")
    if scan.rule == "square":
        far = text.value(f"fadd double {text.value(f'fmul double {key}, {alpha}')}, {beta}")
        far = text.value(f"call double @llvm.sqrt.f64(double {far})")
    else:
        magnitude = text.value(f"call double @llvm.fabs.f64(double {key})")
        far = text.value(f"fadd double {key}, {text.value(f'fmul double {magnitude}, {alpha}')}")
        far = text.value(f"fadd double {far}, {beta}")
    far = text.value(f"fmul double {text.value(f'fadd double {far}, {slack}')}, {inverse}")
    if scan.rule == "square":
        far = text.value(f"fmul double {far}, {far}")
    size = text.value(f"call double @llvm.fabs.f64(double {far})")
    # One more, and a little: what was rounded here is made up for.
    far = text.value(f"fadd double {far}, {text.value(f'fmul double {size}, 0x3D719799812DEA11')}")
    far = text.value(f"fadd double {far}, 1.0")
    far = text.value(f"fsub double {far}, {text.value(f'sitofp i32 {term} to double')}")
    return _clamped(text, "double", far)


def _clamped(text: FunctionText, kind: str, value: str) -> str:
    """Bring a threshold into the range of those; what is no number lets every pair pass."""
    if kind == "i64":
        low = text.value(f"icmp sgt i64 {value}, {_LEAST}")
        value = text.value(f"select i1 {low}, i64 {value}, i64 {_LEAST}")
        high = text.value(f"icmp slt i64 {value}, {ALL_PASS}")
        value = text.value(f"select i1 {high}, i64 {value}, i64 {ALL_PASS}")
        return text.value(f"trunc i64 {value} to i32")
    least, most = f"{float(_LEAST):.1f}", f"{float(ALL_PASS):.1f}"
    low = text.value(f"fcmp ult double {value}, {least}")  # true of NaN, too; it is put right below
    number = text.value(f"fcmp ord double {value}, {value}")
    low = text.value(f"and i1 {low}, {number}")
    value = text.value(f"select i1 {low}, double {least}, double {value}")
    high = text.value(f"fcmp olt double {value}, {most}")
    value = text.value(f"select i1 {high}, double {value}, double {most}")
    text.declare("declare double @llvm.floor.f64(double)")
    floor = text.value(f"call double @llvm.floor.f64(double {value})")
    return text.value(f"fptosi double {floor} to i32")
