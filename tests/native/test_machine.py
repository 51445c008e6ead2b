"""Text becomes machine code, or a clear error; and llvmlite is not imported before."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys

import numpy as np
import pytest

from tidu.errors import UnsupportedError
from tidu.native.machine import Processor, compile_text, host
from tidu.native.module import ENTRY, Invocation, module_text
from tidu.native.scalars import Scalars
from tidu.native.text import FunctionText, Kernel


def scaling(factor: float, n: int = 10) -> Kernel:
    text = FunctionText(["ptr", "ptr"])
    scalars = Scalars(text, "float64")
    with text.loop(n) as loop:
        source, target = (
            text.value(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}") for p in ("%p0", "%p1")
        )
        scalars.store(scalars.mul(scalars.load(source, "float64"), scalars.constant(factor)), target, "float64")
    return text.finish()


def test_importing_the_library_does_not_import_llvmlite() -> None:
    code = "import sys, tidu, tidu.compile, tidu.native.distance; sys.exit('llvmlite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_code_lives_as_long_as_the_function_that_is_called() -> None:
    call = compile_text(scaling(2.0).define("f")).function("f", ctypes.c_void_p, ctypes.c_void_p)
    gc.collect()
    x, y = np.arange(10.0), np.zeros(10)
    call(x.ctypes.data, y.ctypes.data)
    np.testing.assert_array_equal(y, 2.0 * x)


@pytest.mark.parametrize("vectorize", [False, True])
def test_vectorized_or_not_the_bits_are_the_same(vectorize: bool) -> None:
    call = compile_text(scaling(0.1, 1000).define("f"), vectorize=vectorize).function("f", *[ctypes.c_void_p] * 2)
    x, y = np.random.default_rng(0).normal(size=1000), np.zeros(1000)
    call(x.ctypes.data, y.ctypes.data)
    np.testing.assert_array_equal(y, x * 0.1)


def test_text_that_is_not_valid_is_refused() -> None:
    with pytest.raises(RuntimeError):
        compile_text("define void @f() {\n  %x = fadd double 1.0, %y\n  ret void\n}\n")


def test_a_function_that_the_process_lacks_is_named() -> None:
    with pytest.raises(UnsupportedError, match="nosuchfunction") as missing:
        compile_text("declare double @nosuchfunction(double)\n", ["nosuchfunction"])
    assert missing.value.facts == {"function": "nosuchfunction"}


def test_code_for_a_plain_processor_gives_the_same_bits() -> None:
    x = np.random.default_rng(0).normal(size=64)
    text = FunctionText(["ptr", "ptr"])
    scalars = Scalars(text, "float64")
    with text.loop(64) as loop:
        source, target = (
            text.value(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}") for p in ("%p0", "%p1")
        )
        value = scalars.load(source, "float64")
        value = scalars.add(scalars.mul(value, value), scalars.call("floor", scalars.call("exp", value)))
        scalars.store(scalars.call("sqrt", value), target, "float64")
    kernel = text.finish()
    module = "\n".join([*kernel.declarations, kernel.define("f")])
    results = []
    for processor in (None, Processor(host().triple, "generic", "")):
        code = compile_text(module, kernel.functions, processor=processor)
        results.append(np.zeros(64))
        code.function("f", *[ctypes.c_void_p] * 2)(x.ctypes.data, results[-1].ctypes.data)
    assert results[0].tobytes() == results[1].tobytes()
    np.testing.assert_allclose(results[0], np.sqrt(x * x + np.floor(np.exp(x))), rtol=1e-15)


def test_the_processor_is_named_with_its_features() -> None:
    assert host().name
    assert host().triple
    assert "+" in host().features


def test_kernels_run_in_order_and_equal_ones_stand_once() -> None:
    invocations = [Invocation(scaling(2.0, 1), ((0, 8 * i), (0, 8 * (i + 1)))) for i in range(3)]
    text, functions = module_text([*invocations, Invocation(scaling(5.0, 1), ((0, 24), (1, 0)))], 2)
    assert text.count("define internal") == 2
    x, y = np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(1)
    table = (ctypes.c_void_p * 2)(x.ctypes.data, y.ctypes.data)
    compile_text(text, functions).function(ENTRY, ctypes.c_void_p)(ctypes.addressof(table))
    assert (x.tolist(), y.tolist()) == ([1.0, 2.0, 4.0, 8.0], [40.0])
