"""Text becomes machine code, or a clear error; and llvmlite is not imported before."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tidu.errors import UnsupportedError
from tidu.native import machine
from tidu.native.cache import ObjectCache
from tidu.native.machine import (
    Processor,
    assembly,
    baseline,
    compile_text,
    host,
    n_vector_registers,
    narrowed,
    vector_bytes,
)
from tidu.native.text import FunctionText, Kernel
from tidu.native.vectors import Vectors


def scaling(factor: float, n: int = 10) -> Kernel:
    text = FunctionText(["ptr", "ptr"])
    scalars = Vectors(text, "float64")
    with text.loop(n) as loop:
        source, target = (
            text.value(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}") for p in ("%p0", "%p1")
        )
        scalars.store(scalars.mul(scalars.load(source), scalars.constant(factor)), target)
    return text.finish()


def test_importing_the_library_does_not_import_llvmlite() -> None:
    code = "import sys, tidu, tidu.compile, tidu.native.threads; sys.exit('llvmlite' in sys.modules)"
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
    scalars = Vectors(text, "float64")
    with text.loop(64) as loop:
        source, target = (
            text.value(f"getelementptr inbounds double, ptr {p}, i64 {loop.index}") for p in ("%p0", "%p1")
        )
        value = scalars.load(source)
        value = scalars.add(scalars.mul(value, value), scalars.call("floor", scalars.call("exp", value)))
        scalars.store(scalars.call("sqrt", value), target)
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


_CACHED = """
declare double @cbrt(double)
@steps = internal constant [2 x double] [double 1.5, double 2.5]
define internal void @half(ptr %x) noinline {
  %a = load double, ptr %x
  %b = fmul double %a, 0.5
  store double %b, ptr %x
  ret void
}
define void @f(ptr %x) {
  %step = load double, ptr getelementptr ([2 x double], ptr @steps, i64 0, i64 1)
  %a = load double, ptr %x
  %r = call double @cbrt(double %a)
  %b = fadd double %r, %step
  store double %b, ptr %x
  call void @half(ptr %x)
  ret void
}
"""


def test_code_out_of_the_cache_runs_in_another_process_without_being_compiled(tmp_path: Path) -> None:
    program = """
import ctypes, sys
from tidu.native import machine
from tidu.native.cache import ObjectCache
compile, n_compiled = machine.object_code, 0
def counting(*arguments):
    global n_compiled
    n_compiled += 1
    return compile(*arguments)
machine.object_code = counting
x = ctypes.c_double(27.0)
code = machine.compile_text(sys.argv[2], ["cbrt"], cache=ObjectCache(sys.argv[1]))
code.function("f", ctypes.c_void_p)(ctypes.addressof(x))
print(n_compiled, x.value)
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "objects"), _CACHED]
    printed = [subprocess.run(arguments, check=True, capture_output=True, text=True).stdout for _ in range(3)]
    assert printed == ["1 2.75\n", "0 2.75\n", "0 2.75\n"]


def test_a_damaged_object_is_compiled_again(tmp_path: Path) -> None:
    cache, text = ObjectCache(tmp_path / "objects"), scaling(3.0).define("f")
    for damage in (None, 0, 90, -1):
        if damage is not None:
            (path,) = cache.directory.iterdir()
            content = bytearray(path.read_bytes())
            content[damage] ^= 16
            path.write_bytes(content)
        call = compile_text(text, cache=cache).function("f", *[ctypes.c_void_p] * 2)
        x, y = np.arange(10.0), np.zeros(10)
        call(x.ctypes.data, y.ctypes.data)
        np.testing.assert_array_equal(y, 3.0 * x)


def test_whatever_the_code_depends_on_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Processor("x86_64-unknown-linux-gnu", "generic", "+sse2")
    keys = [
        machine._key(text, functions, level, processor)
        for text, functions, level, processor in [
            ("a", ["exp"], 0, plain),
            ("b", ["exp"], 0, plain),
            ("a", [], 0, plain),
            ("a", ["exp"], 2, plain),
            ("a", ["exp"], 0, Processor(plain.triple, "znver4", plain.features)),
            ("a", ["exp"], 0, Processor(plain.triple, plain.name, "+sse2,+avx")),
            ("a", ["exp"], 0, Processor("x86_64-apple-darwin", plain.name, plain.features)),
        ]
    ]
    versions = {"tidu.__version__": "x", "llvmlite.__version__": "x", "llvmlite.binding.llvm_version_info": (0,)}
    for name, version in {**versions, "tidu.native.machine._CODE_GENERATION": 3}.items():
        with monkeypatch.context() as patched:
            patched.setattr(name, version)
            keys.append(machine._key("a", ["exp"], 0, plain))
    assert len(set(keys)) == len(keys) == 11
    assert machine._key("a", ["exp"], 0, plain) == keys[0]


def test_levels_of_passes_are_told_apart_and_none_may_run(tmp_path: Path) -> None:
    cache, text = ObjectCache(tmp_path / "objects"), scaling(2.0, 64).define("f")
    for vectorize, passes in ((False, None), (True, 0), (True, None), (False, 2)):
        compile_text(text, cache=cache, vectorize=vectorize, passes=passes)
    assert len(list(cache.directory.iterdir())) == 2
    assert assembly(text, passes=0) == assembly(text, vectorize=False) != assembly(text)


x86 = pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="registers and features of x86")
# What LLVM says of a processor with everything, as far as it matters here, in LLVM's order.
ZEN = Processor(
    "x86_64-unknown-linux-gnu",
    "znver4",
    "+64bit,+avx,-avx10.1,+avx2,+avx512bw,+avx512dq,+avx512f,+avx512vl,+avx512vnni,+f16c,+fma,+sse,+sse2,+vaes",
)
VECTORS = """
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define void @f(ptr %x, ptr %y) {
  %a = load <16 x float>, ptr %x
  %b = load <16 x float>, ptr %y
  %c = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %b)
  store <16 x float> %c, ptr %y
  ret void
}
"""


@x86
@pytest.mark.parametrize("name", ["znver4", "skylake-avx512", "icelake-server", "sapphirerapids"])
def test_vectors_of_64_bytes_stay_whole_even_where_llvm_prefers_smaller_ones(name: str) -> None:
    for passes in (0, 2):
        code = assembly(VECTORS, passes=passes, processor=Processor(ZEN.triple, name, ZEN.features))
        assert "zmm" in code
        assert "ymm" not in code


@x86
@pytest.mark.parametrize(("width", "used", "unused"), [(64, "zmm", "ymm"), (32, "ymm", "zmm"), (16, "xmm", "ymm")])
def test_a_narrowed_processor_gets_no_wider_registers(width: int, used: str, unused: str) -> None:
    processor = narrowed(width, ZEN)
    assert vector_bytes(processor) == width
    assert n_vector_registers(processor) == (32 if width == 64 else 16)
    code = assembly(VECTORS, processor=processor)
    assert used in code
    assert unused not in code
    assert ("vfmadd" in code) == (width > 16)
    assert processor.has("fma") == (width > 16)
    assert narrowed(width, processor) == processor


@x86
def test_avx_alone_is_no_wide_vector_and_is_narrowed_away() -> None:
    avx = Processor(ZEN.triple, "sandybridge", "+avx,+sse,+sse2")
    assert vector_bytes(avx) == 16
    assert narrowed(32, avx) == avx
    assert not narrowed(16, avx).has("avx")


@x86
def test_the_baseline_is_sse2_alone() -> None:
    code = assembly(scaling(2.0, 64).define("f"), processor=baseline())
    assert "mulpd\t" in code or "addpd\t" in code
    assert "xmm" in code
    assert "\tv" not in code
    assert (vector_bytes(baseline()), n_vector_registers(baseline())) == (16, 16)


def test_processors_of_other_architectures_have_vectors_of_16_bytes() -> None:
    arm = Processor("aarch64-unknown-linux-gnu", "neoverse-n1", "+neon,+dotprod")
    assert (vector_bytes(arm), n_vector_registers(arm), narrowed(16, arm)) == (16, 32, arm)


def test_of_two_entries_for_a_feature_the_last_counts() -> None:
    processor = Processor("x86_64", "", "+avx2,-fma,+fma,-avx2,+avx")
    assert [processor.has(name) for name in ("avx", "avx2", "fma", "sse2", "")] == [True, False, True, False, False]
    assert processor.enabled == {"avx", "fma"}


@pytest.mark.parametrize("width", [16, 32, 64])
def test_code_for_every_narrowed_host_gives_the_same_bits(width: int) -> None:
    x = np.random.default_rng(1).normal(size=1000)
    results = []
    for processor in (host(), narrowed(width), baseline()):
        results.append(np.zeros(1000))
        code = compile_text(scaling(0.1, 1000).define("f"), processor=processor)
        code.function("f", *[ctypes.c_void_p] * 2)(x.ctypes.data, results[-1].ctypes.data)
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()
