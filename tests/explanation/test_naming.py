"""The user's own names reach the nodes, wherever the code stands."""

from __future__ import annotations

import doctest
import linecache
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import tidu
from tidu.explanation import explain


@pytest.fixture
def cell() -> Iterator[Callable[[str], dict[str, object]]]:
    """Run text as a notebook does: under a file name of its own that `linecache` knows."""
    name = "<cell-of-a-notebook>"

    def run(text: str) -> dict[str, object]:
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        scope: dict[str, object] = {"np": np}
        exec(compile(text, name, "exec"), scope)
        return scope

    yield run
    linecache.cache.pop(name, None)


def names(function: object, *arguments: object) -> list[str]:
    e = explain(function, *arguments)  # type: ignore[arg-type]
    return [e.names[node] for node in e.forward]


def test_every_form_of_assignment_names_its_value() -> None:
    def f(x):  # type: ignore[no-untyped-def]
        a = b = x * 2.0
        c: object = a + 1.0
        d, e = b * 3.0, c * 4.0  # type: ignore[operator]
        if (g := d + e) > 0:
            g += x
        return g

    assert names(f, 1.0) == ["a", "c", "d", "e", "g", "g_2"]


def test_the_result_of_a_function_has_the_name_that_the_caller_gives() -> None:
    def inner(x):  # type: ignore[no-untyped-def]
        return np.exp(x) * 2.0

    def f(x):  # type: ignore[no-untyped-def]
        h = inner(x)
        k = inner(h)
        return h + k

    assert names(f, 1.0) == ["q", "h", "r", "k", "f"]


def test_one_line_of_the_library_is_one_variable() -> None:
    def f(x):  # type: ignore[no-untyped-def]
        spread = np.std(x)
        return spread * 2.0

    found = names(f, np.arange(3.0))
    assert found.count("spread") == 1
    assert not any(name.startswith("spread_") for name in found)


def test_a_cell_of_a_notebook_that_is_run_again_has_its_new_names(
    cell: Callable[[str], dict[str, object]],
) -> None:
    assert names(cell("def f(x):\n    first = x * 2.0\n    return first + x\n")["f"], 1.0) == ["first", "f"]
    assert names(cell("def f(x):\n    other = x * 2.0\n    return other + x\n")["f"], 1.0) == ["other", "f"]


def test_code_without_a_file_is_explained_without_names() -> None:
    scope: dict[str, object] = {}
    exec("def f(x):\n    hidden = x * 2.0\n    return hidden + x\n", scope)
    e = explain(scope["f"], 1.0)  # type: ignore[arg-type]
    assert [e.names[node] for node in e.forward] == ["q", "f"]
    assert "<string>:2" in e.text()


def test_names_are_found_in_a_doctest() -> None:
    text = """
    >>> def f(x):
    ...     half = x * 0.5
    ...     return half * half
    >>> e = explain(f, 4.0)
    >>> [e.names[node] for node in e.forward]
    ['half', 'f']
    """
    test = doctest.DocTestParser().get_doctest(text, {"explain": explain}, "names", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0


def test_arguments_and_intermediate_values_never_share_a_name() -> None:
    def f(q, r):  # type: ignore[no-untyped-def]
        return (q + r) * (q * 2.0)

    e = explain(f, 1.0, 2.0)
    shown = [name for node, name in e.names.items() if not e.is_constant(node)]
    assert len(shown) == len(set(shown))


def test_entries_of_containers_have_short_names_where_those_are_unique() -> None:
    def f(p):  # type: ignore[no-untyped-def]
        return p["a"]["W"] * p["b"]["W"] * p["c"]["only"]

    e = explain(f, {"a": {"W": 1.0}, "b": {"W": 2.0}, "c": {"only": 3.0}})
    assert set(e.names.values()) >= {"only", "p['a']['W']", "p['b']['W']"}
    assert tidu.grad(f)({"a": {"W": 1.0}, "b": {"W": 2.0}, "c": {"only": 3.0}})["a"]["W"] == 6.0  # type: ignore[index]
