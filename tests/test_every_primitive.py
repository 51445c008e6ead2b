"""One suite over the registry: every promise, for every primitive, at every one of its kind's examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tidu.functions  # noqa: F401, which registers everything
from tests import primitive_checks as checks
from tidu.core.emit import Fold
from tidu.core.kinds import Elementwise, Structured
from tidu.core.primitive import Example, Formula, Interval, Kink, Laws, NoGradient, Primitive, find, registered

PRIMITIVES = list(registered())
SMOOTH = [p for p in PRIMITIVES if p.name != "stop_gradient"]


def cases(primitives):
    return [
        pytest.param(primitive, example, id=f"{primitive.name}-{number}")
        for primitive in primitives
        for number, example in enumerate(primitive.kind.examples(primitive))
    ]


def every(primitives=PRIMITIVES):
    return pytest.mark.parametrize("primitive", primitives, ids=lambda p: p.name)


def every_example(primitives=PRIMITIVES):
    return pytest.mark.parametrize(("primitive", "example"), cases(primitives))


@every()
def test_the_record_is_complete(primitive):
    checks.check_record(primitive)


@every_example()
def test_the_spec_foretells_the_result(primitive, example):
    for dtype in checks.DTYPES:
        checks.check_spec(primitive, example, dtype)


@every_example()
def test_tracing_printing_and_reading_back_keep_the_value(primitive, example):
    for dtype in checks.DTYPES:
        checks.check_traced(primitive, example, dtype)


@every_example(SMOOTH)
def test_the_pullback_agrees_with_central_differences(primitive, example):
    checks.check_pullback(primitive, example)


@every_example(SMOOTH)
def test_the_second_derivative_agrees_with_central_differences(primitive, example):
    checks.check_second_order(primitive, example)


@every_example()
def test_the_pullback_is_linear_and_keeps_shape_and_dtype(primitive, example):
    for dtype in checks.DTYPES:
        checks.check_linear(primitive, example, dtype)


@every_example()
def test_batching_equals_a_loop(primitive, example):
    for dtype in checks.DTYPES:
        checks.check_batching(primitive, example, dtype)


@every()
def test_kinks_have_the_written_derivative(primitive):
    for dtype in checks.DTYPES:
        checks.check_kinks(primitive, dtype)


@every()
def test_laws_hold(primitive):
    checks.check_laws(primitive)


@every()
def test_native_code_means_the_same(primitive):
    checks.check_emit(primitive)


@every()
def test_numpy_functions_mean_the_same(primitive):
    checks.check_numpy(primitive)


def test_a_stopped_gradient_passes_the_value_and_nothing_back():
    stopped = find("stop_gradient")
    value, pull = checks.vjp(lambda x: checks.apply(stopped, x), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(value, [1.0, 2.0])
    np.testing.assert_array_equal(pull(np.ones(2))[0], [0.0, 0.0])


@every([p for p in PRIMITIVES if p.kind.name in ("elementwise", "reduction")])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16"])
def test_other_dtypes_promote_as_in_numpy(primitive, dtype):
    operands = [np.ones(3, dtype) for _ in primitive.samples]
    params = {"axis": (0,), "keepdims": False} if primitive.kind.name == "reduction" else {}
    try:
        with np.errstate(all="ignore"):
            expected = np.asarray(primitive.evaluate(*operands, **params)).dtype
    except TypeError:
        with pytest.raises(TypeError):
            checks.trace(lambda *xs: checks.apply(primitive, *xs, **params), operands, eager=False)
        return
    traced = checks.trace(lambda *xs: checks.apply(primitive, *xs, **params), operands, eager=False)
    assert traced.graph.outputs[0].spec.dtype == expected


# Each check catches a planted bug.

EXP, MULTIPLY, MATMUL, SUM = find("exp"), find("multiply"), find("matmul"), find("sum")
VECTOR, PAIR, MATRICES = Example(((7,),)), Example(((3,), (3,))), Example(((2, 3), (3, 4)))
DOUBLE = checks.DOUBLE


def caught(check, *arguments):
    with pytest.raises(AssertionError):
        check(*arguments)


def test_a_rule_off_by_a_thousandth_is_caught():
    caught(checks.check_pullback, replace(EXP, pullback=(lambda ct, out, x: ct * out * 1.001,)), VECTOR)


def test_a_rule_right_in_value_but_detached_is_caught_in_second_order():
    from tidu.ops.convert import stop_gradient

    detached = replace(EXP, pullback=(lambda ct, out, x: ct * stop_gradient(out),))
    checks.check_pullback(detached, VECTOR)
    caught(checks.check_second_order, detached, VECTOR)


def test_a_rule_that_is_not_linear_is_caught():
    caught(checks.check_linear, replace(EXP, pullback=(lambda ct, out, x: ct * ct * out,)), VECTOR, DOUBLE)


def test_a_float32_rule_of_low_precision_is_caught():
    coarse = replace(EXP, pullback=(lambda ct, out, x: checks.np.astype(ct.astype("float16"), "float32") * out,))
    caught(checks.check_linear, coarse, VECTOR, checks.DTYPES[0])


def test_a_missing_gradient_is_caught():
    caught(checks.check_pullback, replace(EXP, pullback=(NoGradient("forgotten"),)), VECTOR)


def test_swapped_rules_are_caught():
    caught(checks.check_pullback, replace(MULTIPLY, pullback=MULTIPLY.pullback[::-1]), PAIR)


def test_a_wrong_shape_rule_is_caught():
    wrong = replace(MATMUL.kind, shape=lambda a, b: (*a[:-2], b[-1], a[-2]))
    caught(checks.check_spec, replace(MATMUL, kind=wrong), MATRICES, DOUBLE)


def test_a_wrong_dtype_rule_is_caught():
    wrong = replace(MATMUL.kind, dtype=lambda a, b: np.dtype(np.float64))
    checks.check_spec(replace(MATMUL, kind=wrong), MATRICES, DOUBLE)
    caught(checks.check_spec, replace(MATMUL, kind=wrong), MATRICES, checks.DTYPES[0])


def test_a_wrong_batching_rule_is_caught():
    def second_as_first(operands, flags):
        return MATMUL.kind.batched([operands[0], operands[1][::-1] if flags[1] else operands[1]], flags)

    wrong: Structured = replace(MATMUL.kind, batched=second_as_first)
    caught(checks.check_batching, replace(MATMUL, kind=wrong), MATRICES, DOUBLE)


def test_a_batching_rule_that_forgets_to_align_is_caught():
    class Careless(Elementwise):
        def batch(self, primitive, operands, batched, params):
            return checks.apply(primitive, *operands, **params)

    caught(checks.check_batching, replace(MULTIPLY, kind=Careless()), Example(((), (3,))), DOUBLE)


def test_a_trace_of_another_function_is_caught():
    other = replace(EXP, evaluate=np.expm1)
    with pytest.raises(AssertionError):
        checks.assert_same(other.evaluate(1.0), EXP.evaluate(1.0), 0.0, "value")
    random = iter(range(10))
    restless: Primitive = replace(EXP, evaluate=lambda x: np.exp(x) + next(random))
    caught(checks.check_traced, restless, VECTOR, DOUBLE)


@pytest.mark.parametrize(
    "laws",
    [
        Laws(odd=True),
        Laws(even=True),
        Laws(involution=True),
        Laws(idempotent=True),
        Laws(inverse="log1p"),
    ],
)
def test_a_law_that_does_not_hold_is_caught(laws):
    caught(checks.check_laws, replace(EXP, laws=laws))


@pytest.mark.parametrize(
    "laws", [Laws(commutative=True), Laws(associative=True), Laws(identity=1.0), Laws(absorbing=1.0)]
)
def test_a_law_of_two_that_does_not_hold_is_caught(laws):
    caught(checks.check_laws, replace(find("subtract"), laws=laws))


def test_a_falling_function_is_not_increasing():
    caught(checks.check_laws, replace(find("arccos"), laws=Laws(increasing=True)))


def test_a_wrong_identity_of_a_reduction_is_caught():
    caught(checks.check_laws, replace(SUM, laws=Laws(identity=1.0)))


def test_a_wrong_convention_at_a_kink_is_caught():
    caught(
        checks.check_kinks,
        replace(find("absolute"), kinks=(Kink((0.0,), (1.0,), {"en": "as JAX", "zh": "与 JAX 相同"}),)),
        DOUBLE,
    )
    caught(
        checks.check_kinks,
        replace(find("max"), kinks=(Kink((2.0, 2.0), (1.0, 0.0), {"en": "the first", "zh": "取第一个"}),)),
        DOUBLE,
    )


def test_wrong_native_code_is_caught():
    caught(checks.check_emit, replace(EXP, emit=lambda b, x: b.call("expm1", x)))
    swallows_nan = replace(find("maximum"), emit=lambda b, x, y: b.select(b.compare(">=", x, y), x, y))
    caught(checks.check_emit, swallows_nan)
    caught(checks.check_emit, replace(SUM, emit=Fold(1.0, SUM.emit.combine)))


def test_a_wrong_numpy_function_is_caught():
    caught(checks.check_numpy, replace(EXP, numpy=(np.expm1,)))


@pytest.mark.parametrize(
    "field",
    [
        {"doc": ""},
        {"source": " "},
        {"words": {"en": "same", "zh": "same"}},
        {"words": {"en": "", "zh": "字"}},
        {"formula": Formula("e", "exp", ("1", "2"))},
        {"edges": ()},
        {"pullback": (NoGradient(""),)},
        {"kinks": (Kink((0.0,), (1.0,), {"en": "why", "zh": ""}),)},
        {"samples": (Interval(0.0, 1.0), Interval(0.0, 1.0))},
    ],
    ids=lambda field: next(iter(field)),
)
def test_an_incomplete_record_is_caught(field):
    caught(checks.check_record, replace(EXP, **field))
