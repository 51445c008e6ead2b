"""Random programs: value and gradient agree with HIPS autograd to 1e-9 in float64.

autograd is wrong itself for `np.tile` of 2-d arrays, `prod` with zeros and masks given as lists of booleans; the
programs avoid these.
"""

import warnings
from collections import Counter

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tidu
from tests.fuzz.programs import BINARY, JOINS, REDUCTIONS, UNARY, Program, Step
from tidu.errors import UnsupportedError

TOLERANCE = 1e-9
MOST_UNSUPPORTED = 0.02
indices = st.integers(0, 30)
steps = st.one_of(
    st.builds(Step, st.just("unary"), st.sampled_from(sorted(UNARY)), indices),
    st.builds(
        Step, st.just("reduction"), st.sampled_from(sorted(REDUCTIONS)), indices, st.just(0),
        st.one_of(st.none(), st.integers(0, 3)), st.booleans(),
    ),
    st.builds(Step, st.just("binary"), st.sampled_from(sorted(BINARY)), indices, indices),
    st.builds(Step, st.just("join"), st.sampled_from(sorted(JOINS)), indices, indices),
)  # fmt: skip
shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)
programs = st.builds(
    Program, st.lists(shapes, min_size=1, max_size=3).map(tuple), st.lists(steps, min_size=1, max_size=12).map(tuple),
    st.integers(0, 2**32 - 1),
)  # fmt: skip


def disagreement(program: Program, ours=tidu.value_and_grad) -> float | None:
    """Return the largest relative difference to autograd in value and gradient; None where autograd fails."""
    inputs = program.inputs()
    numbers = tuple(range(len(inputs)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = program(np, *inputs)
        try:
            expected = [autograd.grad(lambda *xs: program(anp, *xs), n)(*inputs) for n in numbers]
        except (NotImplementedError, TypeError, ValueError, AttributeError, IndexError):
            return None
        if not np.isfinite(value) or not all(np.isfinite(g).all() for g in expected):
            return None
        traced, gradients = ours(lambda *xs: program(np, *xs), argnums=numbers)(*inputs)
    pairs = [(traced, value), *zip(gradients, expected, strict=True)]
    return max(float(np.max(np.abs(a - b), initial=0.0) / (1.0 + np.max(np.abs(b), initial=0.0))) for a, b in pairs)


def search(count: int) -> Counter:
    """Try `count` programs; return how many were decided, unsupported by us and undecided by autograd."""
    found: Counter = Counter()

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(programs)
    def try_one(program):
        try:
            difference = disagreement(program)
        except UnsupportedError as error:
            found[f"unsupported: {error.function}"] += 1
            found["unsupported"] += 1
            return
        if difference is None:
            found["undecided"] += 1
            return
        found["decided"] += 1
        assert difference < TOLERANCE

    try_one()
    return found


def require_mostly_supported(found: Counter) -> None:
    assert found["decided"] > 0.5 * sum(found[k] for k in ("decided", "undecided", "unsupported")), found
    assert found["unsupported"] <= MOST_UNSUPPORTED * (found["decided"] + found["unsupported"]), found


def test_random_programs_agree_with_autograd():
    require_mostly_supported(search(400))


@pytest.mark.long
def test_thousands_of_random_programs_agree_with_autograd():
    require_mostly_supported(search(5000))


def test_a_planted_wrong_gradient_is_caught():
    def off_by_a_millionth(function, argnums):
        value_and_grad = tidu.value_and_grad(function, argnums)

        def wrong(*inputs):
            value, gradients = value_and_grad(*inputs)
            return value, (gradients[0] * (1 + 1e-6), *gradients[1:])

        return wrong

    program = Program(((3,),), (Step("unary", "exp", 0),), 0)
    assert disagreement(program) < TOLERANCE
    assert disagreement(program, off_by_a_millionth) > TOLERANCE


def test_too_many_unsupported_programs_are_caught():
    with pytest.raises(AssertionError):
        require_mostly_supported(Counter(decided=90, unsupported=10))
