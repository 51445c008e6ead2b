"""What holds of every primitive: one function for each promise, which raises AssertionError if it is broken.

`tests/test_every_primitive.py` runs them over the registry, and with planted bugs.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tests.paper import Paper
from tidu.core.bind import apply
from tidu.core.emit import Fold, Template
from tidu.core.primitive import Example, InterpretedOnly, Primitive, find
from tidu.core.spec import Spec
from tidu.core.text import parse_graph, verify
from tidu.core.tolerance import tolerance
from tidu.interpret import interpret
from tidu.trace.function import trace
from tidu.transforms.gradients import vjp
from tidu.words import LANGUAGES

Array = NDArray[np.generic]
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
DOUBLE = np.dtype(np.float64)


def random(*parts: object) -> np.random.Generator:
    """Return a generator whose seed is a digest of what is tested: the same in every run."""
    return np.random.default_rng(zlib.crc32(repr(parts).encode()))


def draw(primitive: Primitive, example: Example, dtype: np.dtype[np.generic], rng: np.random.Generator) -> list[Array]:
    """Draw operands where the primitive is smooth."""
    operands = []
    for position, shape in enumerate(example.shapes):
        if position in example.integers:
            operands.append(np.asarray(rng.integers(0, example.integers[position], shape)))
            continue
        interval = primitive.samples[min(position, len(primitive.samples) - 1)]
        operands.append(np.asarray(rng.uniform(interval.low, interval.high, shape)).astype(dtype))
    return operands


def evaluate(primitive: Primitive, operands: list[Array], example: Example) -> Array:
    """Return what the record itself gives."""
    return np.asarray(primitive.evaluate(*operands, **example.params))


def assert_same(got: object, expected: object, bound: float, what: str) -> None:
    """Assert equal shape, dtype and values, those relative to the largest."""
    a, b = np.asarray(got), np.asarray(expected)
    assert a.shape == b.shape, f"{what}: shape {a.shape}, expected {b.shape}"
    assert a.dtype == b.dtype, f"{what}: dtype {a.dtype}, expected {b.dtype}"
    scale = float(np.max(np.abs(b[np.isfinite(b)]), initial=1.0)) if b.dtype.kind == "f" else 0.0
    assert np.allclose(a, b, rtol=0, atol=bound * scale, equal_nan=True), f"{what}: {a}, expected {b}"


def check_record(primitive: Primitive) -> None:
    """The record is complete: words, formula, source, docstring, reasons."""
    assert primitive.doc.strip(), "no docstring"
    assert primitive.source.strip(), "no source"
    for language in LANGUAGES:
        assert primitive.words[language].strip(), f"no words in {language}"
    assert primitive.words["en"] != primitive.words["zh"], "not translated"
    count = len(primitive.samples)
    for text in (primitive.formula.latex, primitive.formula.text, *primitive.formula.partials):
        text.format(*"xyz", out="out")
    assert len(primitive.formula.partials) in (0, count), "a partial for each operand, or none"
    assert 0 < len(primitive.pullback) <= count, "a rule for each operand"
    for rule in primitive.pullback:
        assert callable(rule) or rule.reason.strip(), "no reason for a missing gradient"
    if isinstance(primitive.emit, InterpretedOnly):
        assert primitive.emit.reason.strip(), "no reason for missing native code"
    else:
        assert callable(primitive.emit) or isinstance(primitive.emit, (Fold, Template))
    assert all(len(edge) == count for edge in primitive.edges), "an edge for each operand"
    for kink in primitive.kinks:
        assert set(kink.because) == set(LANGUAGES), "a convention without a reason in each language"
        assert all(kink.because.values()), "a convention without a reason"
        assert len(kink.at) == len(kink.partials), "a partial for each operand"
    if primitive.kind.name in ("elementwise", "reduction"):
        assert ">>>" in primitive.doc, "no example"
    if primitive.kind.name == "elementwise":
        assert primitive.edges, "no edges"


def check_spec(primitive: Primitive, example: Example, dtype: np.dtype[np.generic]) -> None:
    """The kind's rule foretells shape and dtype of what is computed."""
    operands = draw(primitive, example, dtype, random(primitive.name, example, "spec"))
    real = evaluate(primitive, operands, example)
    foretold = primitive.kind.spec(primitive, tuple(Spec.of(x) for x in operands), example.params)
    assert foretold == Spec(real.shape, real.dtype), f"{foretold}, but it is {Spec(real.shape, real.dtype)}"


def check_traced(primitive: Primitive, example: Example, dtype: np.dtype[np.generic]) -> None:
    """A traced function gives what the record gives, through its printed graph too."""
    operands = draw(primitive, example, dtype, random(primitive.name, example, "value"))
    traced = trace(lambda *xs: apply(primitive, *xs, **example.params), operands, eager=False)
    (value,) = interpret(traced.graph, [*operands, *traced.captures])
    assert_same(value, evaluate(primitive, operands, example), 0.0, "traced")
    verify(traced.graph)
    text = str(traced.graph)
    again = parse_graph(text)
    verify(again)
    bare = "\n".join(line.split("  # ")[0] for line in text.splitlines())
    assert str(again) == bare, "printing and parsing do not round-trip"


class Function:
    """A primitive at one example, as a function of its floating operands alone."""

    def __init__(self, primitive: Primitive, example: Example, dtype: np.dtype[np.generic], purpose: str) -> None:
        self.rng = random(primitive.name, example, purpose)
        self.primitive, self.example = primitive, example
        self.operands = draw(primitive, example, dtype, self.rng)
        self.places = [i for i, x in enumerate(self.operands) if x.dtype.kind == "f"]
        self.out = evaluate(primitive, self.operands, example)
        floating = [x.dtype for x in (*self.points, self.out) if x.dtype.kind == "f"]
        self.row = tolerance(min(floating, key=lambda d: d.itemsize, default=DOUBLE))

    @property
    def points(self) -> list[Array]:
        """The floating operands."""
        return [self.operands[i] for i in self.places]

    @property
    def differentiable(self) -> bool:
        """Whether anything flows: a floating result of floating operands."""
        return bool(self.places) and self.out.dtype.kind == "f"

    def __call__(self, *points: object) -> object:
        operands: list[object] = list(self.operands)
        for place, point in zip(self.places, points, strict=True):
            operands[place] = point
        return apply(self.primitive, *operands, **self.example.params)

    def pull(self, ct: object, *points: object) -> tuple[object, ...]:
        """Pull a cotangent back."""
        return vjp(self, *(points or self.points))[1](ct)

    def like(self, x: Array) -> Array:
        """Draw a direction for `x`."""
        return np.asarray(self.rng.standard_normal(x.shape)).astype(x.dtype)


def compare_with_difference(
    function: Callable[..., tuple[object, ...]],
    pull: Callable[..., tuple[object, ...]],
    points: list[Array],
    rng: np.random.Generator,
    step: float,
    bound: float,
) -> None:
    """Compare a pullback with a central difference, both in random directions.

    A difference with half the step tells how far the difference itself can be trusted, as near a singular
    matrix.
    """
    directions = [np.asarray(rng.standard_normal(x.shape)).astype(x.dtype) for x in points]

    def at(distance: float) -> list[NDArray[np.float64]]:
        moved = [(x + distance * v).astype(x.dtype) for x, v in zip(points, directions, strict=True)]
        return [np.asarray(x, np.float64) for x in function(*moved)]

    def slope(h: float) -> list[NDArray[np.float64]]:
        return [(a - b) / (2 * h) for a, b in zip(at(h), at(-h), strict=True)]

    difference = slope(step)
    weights = [np.asarray(rng.standard_normal(x.shape)) for x in difference]
    expected, nearer = (
        sum(float(np.sum(u * d)) for u, d in zip(weights, found, strict=True))
        for found in (difference, slope(step / 2))
    )
    scale = 1.0 + sum(float(np.sum(np.abs(u * d))) for u, d in zip(weights, difference, strict=True))
    pulled = pull(*weights)
    got = sum(float(np.sum(np.asarray(c, np.float64) * v)) for c, v in zip(pulled, directions, strict=True))
    allowed = bound * scale + 2 * abs(expected - nearer)
    assert abs(got - expected) <= allowed, f"pullback {got}, central difference {expected}"


def check_pullback(primitive: Primitive, example: Example) -> None:
    """The pullback agrees with central differences in float64."""
    f = Function(primitive, example, DOUBLE, "pullback")
    if f.differentiable:
        compare_with_difference(
            lambda *xs: (f(*xs),),
            lambda u: f.pull(u.astype(f.out.dtype)),
            f.points,
            f.rng,
            f.row.step,
            f.row.gradient,
        )


def check_second_order(primitive: Primitive, example: Example) -> None:
    """The pullback of the pullback agrees with central differences of the pullback."""
    f = Function(primitive, example, DOUBLE, "second")
    if not f.differentiable:
        return

    def first(*points_and_ct: object) -> tuple[object, ...]:
        *points, ct = points_and_ct
        return f.pull(ct, *points)

    at = [*f.points, f.like(f.out)]
    compare_with_difference(first, lambda *weights: vjp(first, *at)[1](weights), at, f.rng, f.row.step, f.row.second)


def check_linear(primitive: Primitive, example: Example, dtype: np.dtype[np.generic]) -> None:
    """The pullback is linear, keeps each operand's shape and dtype, and float32 agrees with float64."""
    f = Function(primitive, example, dtype, "linear")
    if not f.differentiable:
        return
    one, two = f.like(f.out), f.like(f.out)
    separate = [np.asarray(3 * np.asarray(a) - np.asarray(b)) for a, b in zip(f.pull(one), f.pull(two), strict=True)]
    together = f.pull(np.asarray(3 * one - two))
    scale = sum(float(np.sum(np.abs(x))) for x in (one, two)) + 1.0
    for x, got, expected in zip(f.points, together, separate, strict=True):
        array = np.asarray(got)
        assert (array.shape, array.dtype) == (x.shape, x.dtype), f"cotangent {Spec.of(array)} of {Spec.of(x)}"
        assert_same(array, expected, f.row.value * 10 * scale, "the pullback is not linear")
    if dtype == DOUBLE or f.out.dtype == DOUBLE:
        return
    exact = Function(primitive, example, dtype, "linear")
    exact.operands = [x.astype(DOUBLE) if x.dtype == dtype else x for x in f.operands]
    for single, double in zip(f.pull(one), exact.pull(one.astype(DOUBLE)), strict=True):
        assert_same(np.asarray(single, DOUBLE), double, f.row.value * 100 * scale, "float32 against float64")


def check_batching(primitive: Primitive, example: Example, dtype: np.dtype[np.generic], size: int = 3) -> None:
    """The batching rule gives what a loop over the examples gives, whichever operands are batched."""
    rng = random(primitive.name, example, "batch")
    rows = [draw(primitive, example, dtype, rng) for _ in range(size)]
    for flags in product((False, True), repeat=len(example.shapes)):
        if not any(flags):
            continue
        operands = [np.stack([row[i] for row in rows]) if flag else rows[0][i] for i, flag in enumerate(flags)]
        batched = primitive.kind.batch(primitive, operands, flags, example.params)
        loop = [
            evaluate(primitive, [row[i] if flag else rows[0][i] for i, flag in enumerate(flags)], example)
            for row in rows
        ]
        assert_same(batched, np.stack(loop), 20 * tolerance(dtype).value, f"batched {flags}")


def check_kinks(primitive: Primitive, dtype: np.dtype[np.generic]) -> None:
    """At a kink the derivative is the written one."""
    for kink in primitive.kinks:
        if primitive.kind.name == "reduction":
            points = [np.asarray(kink.at, dtype)]
            params: dict[str, object] = {"axis": (0,), "keepdims": False}
        else:
            points = [np.asarray(x, dtype) for x in kink.at]
            params = {}
        with np.errstate(all="ignore"):
            _, pull = vjp(lambda *xs, p=params: apply(primitive, *xs, **p), *points)
            found = pull(np.ones((), dtype))
        got = np.concatenate([np.ravel(x) for x in found])
        assert_same(got, np.asarray(kink.partials, dtype), tolerance(dtype).value, f"at {kink.at}")


def check_laws(primitive: Primitive) -> None:
    """The algebraic laws hold at random operands."""
    laws, evaluate = primitive.laws, primitive.evaluate
    if primitive.kind.name == "reduction":
        if laws.identity is not None:
            x = np.asarray(random(primitive.name, "identity").uniform(0.5, 2.0, 4))
            longer = np.append(x, laws.identity)
            assert evaluate(longer, axis=0, keepdims=False) == evaluate(x, axis=0, keepdims=False), "identity"
        return
    if primitive.kind.name != "elementwise":
        assert laws == type(laws)(), "laws are checked of elementwise operations and reductions"
        return
    bound = 1e2 * tolerance(DOUBLE).value
    rng = random(primitive.name, "laws")
    operands = tuple(rng.uniform(i.low, i.high, 50) for i in primitive.samples)
    out = np.asarray(evaluate(*operands))
    x = operands[0]
    if laws.commutative:
        assert_same(evaluate(*operands[::-1]), out, 0.0, "commutative")
    if laws.associative:
        a, b = operands
        c = np.roll(a, 1)
        assert_same(evaluate(evaluate(a, b), c), evaluate(a, evaluate(b, c)), bound, "associative")
    if laws.identity is not None:
        assert_same(evaluate(x, laws.identity), x, bound, "identity")
        assert_same(evaluate(laws.identity, x), x, bound, "identity")
    if laws.absorbing is not None:
        assert_same(evaluate(x, laws.absorbing), np.full_like(x, laws.absorbing), 0.0, "absorbing")
    if laws.idempotent:
        assert_same(
            evaluate(out) if len(operands) == 1 else evaluate(x, x),
            out if len(operands) == 1 else x,
            0.0,
            "idempotent",
        )
    if laws.involution:
        assert_same(evaluate(out), x, bound, "involution")
    if laws.odd:
        assert_same(evaluate(-x), -out, bound, "odd")
    if laws.even:
        assert_same(evaluate(-x), out, bound, "even")
    if laws.increasing:
        assert np.all(np.diff(np.asarray(evaluate(np.sort(x)))) >= 0), "increasing"
    if laws.inverse:
        assert_same(find(laws.inverse).evaluate(out), x, bound, "inverse")


def check_emit(primitive: Primitive) -> None:
    """Native code means what `evaluate` means, at samples, edges and kinks."""
    if isinstance(primitive.emit, (InterpretedOnly, Template)):
        return
    builder = Paper()
    rng = random(primitive.name, "emit")
    with np.errstate(all="ignore"):
        if isinstance(primitive.emit, Fold):
            for x in (rng.uniform(-2, 2, 7), np.zeros(2), np.array([1.0, np.nan, 2.0]), np.array([np.inf, -np.inf])):
                total = np.float64(primitive.emit.start)
                for element in x:
                    total = primitive.emit.combine(builder, total, element)
                expected = np.asarray(primitive.evaluate(x, axis=(0,), keepdims=False), np.float64)
                assert_same(np.float64(total), expected, 1e-14, f"fold of {x}")
            return
        points = [tuple(rng.uniform(i.low, i.high) for i in primitive.samples) for _ in range(10)]
        for point in (*points, *primitive.edges, *(kink.at for kink in primitive.kinks)):
            operands = [np.float64(x) for x in point]
            expected = np.asarray(primitive.evaluate(*operands), np.float64)
            got = np.float64(primitive.emit(builder, *operands))
            assert_same(got, expected, 1e-14, f"at {point}")
            if primitive.name not in SIGN_OF_ZERO_IS_FREE:
                assert np.isnan(got) or np.signbit(got) == np.signbit(expected), f"at {point}: sign of {got}"


SIGN_OF_ZERO_IS_FREE = {"maximum", "minimum", "fmax", "fmin"}
"""NumPy's own answer to max(0, -0) differs between its vector and scalar loops."""


def check_numpy(primitive: Primitive) -> None:
    """NumPy's functions that the record names mean the same as `evaluate`."""
    for function in primitive.numpy:
        for example in primitive.kind.examples(primitive):
            operands = draw(primitive, example, DOUBLE, random(primitive.name, example, "numpy"))
            assert_same(function(*operands, **example.params), evaluate(primitive, operands, example), 0.0, "numpy")
