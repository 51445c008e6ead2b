"""`import tidu` is light, and nobody notices what it puts off."""

import json
import subprocess
import sys

import pytest

import tidu

HEAVY = {"llvmlite", "scipy", "sklearn", "click", "rich", "pandas", "torch", "jax", "dask"}


def fresh(code):
    """Run `code` in a new process and return what it prints as JSON."""
    return json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def loaded_after(code):
    return set(fresh(f"import json, sys\n{code}\nprint(json.dumps(list(sys.modules)))"))


def test_importing_tidu_imports_nothing_heavy():
    assert not HEAVY & loaded_after("import tidu")


def test_the_check_for_heavy_imports_would_see_one():
    assert HEAVY & loaded_after("import tidu, scipy") == {"scipy"}


def test_a_gradient_imports_nothing_heavy():
    code = "import numpy as np, tidu\ntidu.value_and_grad(lambda x: np.sum(np.tanh(x)))(np.ones(3))"
    assert not HEAVY & loaded_after(code)


def test_primitives_and_functions_wait_for_the_first_look_up():
    assert not {"tidu.ops", "tidu.functions"} & loaded_after("import tidu")


@pytest.mark.parametrize(
    "look",
    [
        "from tidu.core.primitive import find\nfind('add')",
        "from tidu.core.primitive import registered\nassert list(registered())",
        "from tidu.core.table import implementation\nimport numpy\nassert implementation(numpy.median)",
        "from tidu.core.table import implementations\nassert implementations()",
    ],
)
def test_the_first_look_up_finds_what_nobody_has_imported(look):
    assert "tidu.ops.arithmetic" in loaded_after(look)


def test_threads_that_look_something_up_first_at_once_all_find_it():
    code = """
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
import numpy as np
from tidu.core.table import implementation

start = Barrier(8)

def look(_):
    start.wait()
    return implementation(np.where).__module__

with ThreadPoolExecutor(8) as pool:
    print(json.dumps(sorted(set(pool.map(look, range(8))))))
"""
    assert fresh(code) == ["tidu.functions.choosing"]


def test_every_public_name_is_there_when_asked_for_alone():
    code = (
        "import json, tidu\nprint(json.dumps([n for n in tidu.__all__ if n not in dir(tidu) or not getattr(tidu, n)]))"
    )
    assert fresh(code) == []


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'gradient'"):
        tidu.gradient
