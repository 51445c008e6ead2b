"""How does text become machine code, and how is that called?

The one file that speaks to llvmlite, which is imported when the first code is made or loaded. The processor
is named to LLVM together with its features: with an empty string it would quietly call C's `fmaf` for every
fused product. Text always becomes object code first, which is then linked into the process; so object code
out of a cache takes the same road as new one, and its text is not even parsed.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tidu.errors import UnsupportedError
from tidu.native.cache import ObjectCache, cache_key

if TYPE_CHECKING:
    from llvmlite import binding

__all__ = [
    "MachineCode",
    "NativeCall",
    "Processor",
    "assembly",
    "baseline",
    "compile_text",
    "host",
    "n_vector_registers",
    "narrowed",
    "object_code",
    "vector_bytes",
]

_CODE_GENERATION = 1
"""Level 1 runs as fast as 3 on clean SSA; level 0 is four times slower."""
_VECTORIZING = 2
"""The level of LLVM's passes from which on plain loops are vectorized."""
_BEYOND = {
    16: ("avx", ("avx", "fma", "f16c", "xop", "vaes", "vpclmulqdq", "sm3", "sm4", "sha512", "amx-avx512")),
    32: ("avx512f", ("avx512", "avx10", "evex512", "amx-avx512")),
}
"""What x86 features go beyond vectors of so many bytes: the one that the others build upon, and their names' heads."""


@dataclass(frozen=True, slots=True)
class Processor:
    """What code is made for.

    Parameters
    ----------
    triple : str
        Architecture, vendor and system.
    name : str
        The processor's name in LLVM.
    features : str
        Its features, ``+avx2,-avx512f`` ...
    """

    triple: str
    name: str
    features: str

    def has(self, feature: str) -> bool:
        """Tell whether a feature is switched on in `features`; of two entries the last one counts, as in LLVM."""
        entries = [entry for entry in self.features.split(",") if entry[1:] == feature]
        return bool(entries) and entries[-1][0] == "+"

    @property
    def enabled(self) -> frozenset[str]:
        """Return the features that are switched on."""
        last = {entry[1:]: entry[:1] for entry in self.features.split(",")}
        return frozenset(name for name, sign in last.items() if sign == "+")

    @property
    def architecture(self) -> str:
        """Return the first part of the triple, ``x86_64`` or ``aarch64`` for instance."""
        return self.triple.partition("-")[0]


@lru_cache(maxsize=1)
def host() -> Processor:
    """Return the processor that this process runs on."""
    from llvmlite import binding

    return Processor(
        binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    )


def baseline() -> Processor:
    """Return the least processor of the host's architecture: on x86-64 one with SSE2 and nothing newer."""
    triple = host().triple
    if _is_x86_64(triple):
        return Processor(triple, "x86-64", "+sse,+sse2")
    return Processor(triple, "generic", "+neon" if triple.startswith(("aarch64", "arm64")) else "")


def narrowed(width: int, processor: Processor | None = None) -> Processor:
    """Return a processor without the features for vectors of more than `width` bytes.

    Parameters
    ----------
    width : {16, 32, 64}
        Bytes; 32 is AVX2 with whatever else the processor has, 16 is SSE.
    processor : Processor, optional
        By default the host. One that is not x86 has no wider vectors, and comes back as it is.
    """
    processor = processor or host()
    foundation, heads = _BEYOND.get(width, ("", ()))
    if not _is_x86_64(processor.triple) or not processor.has(foundation):
        return processor
    kept = [f"-{entry[1:]}" if entry[1:].startswith(heads) else entry for entry in processor.features.split(",")]
    # Switched off last, the foundation takes with it all that LLVM knows to build upon it.
    return Processor(processor.triple, processor.name, ",".join([*kept, f"-{foundation}"]))


def vector_bytes(processor: Processor | None = None) -> int:
    """Return how wide a vector register is: 64, 32 or 16 bytes.

    AVX alone counts as 16: it has no integers and no fused product that wide.
    """
    processor = processor or host()
    if processor.has("avx512f"):
        return 64
    return 32 if processor.has("avx2") else 16


def n_vector_registers(processor: Processor | None = None) -> int:
    """Return the number of vector registers."""
    processor = processor or host()
    if _is_x86_64(processor.triple):
        return 32 if processor.has("avx512f") else 16
    return 32 if processor.architecture in {"aarch64", "arm64", "riscv64", "ppc64le", "powerpc64le"} else 16


class MachineCode:
    """Compiled functions; they live as long as this object.

    Parameters
    ----------
    engine : llvmlite ExecutionEngine
        Owner of the code.
    from_cache : bool
        Whether it had been compiled before.
    """

    def __init__(self, engine: binding.ExecutionEngine, *, from_cache: bool = False) -> None:
        self._engine = engine
        self.from_cache = from_cache

    def function(self, name: str, *arguments: type) -> NativeCall:
        """Return a function without result as something to call; the GIL is released meanwhile.

        Parameters
        ----------
        name : str
            Its name in the text.
        *arguments : ctypes types
            Of its parameters.
        """
        return NativeCall(self, self._engine.get_function_address(name), arguments)


class NativeCall:
    """A native function; keeps the code that it belongs to alive.

    Attributes
    ----------
    address : int
        Where its code begins.
    """

    __slots__ = ("_call", "_code", "address")

    def __init__(self, code: MachineCode, address: int, arguments: Sequence[type]) -> None:
        self._code = code
        self.address = address
        self._call = ctypes.CFUNCTYPE(None, *arguments)(address)

    def __call__(self, *arguments: object) -> None:
        """Call it with addresses and integers."""
        self._call(*arguments)


def compile_text(
    text: str,
    functions: Sequence[str] = (),
    *,
    vectorize: bool = True,
    passes: int | None = None,
    processor: Processor | None = None,
    cache: ObjectCache | None = None,
) -> MachineCode:
    """Compile LLVM IR, or load what was compiled of the same text before.

    Parameters
    ----------
    text : str
        A whole module.
    functions : sequence of str
        The outside functions that it calls; LLVM would end the process over one that is missing.
    vectorize : bool
        Whether LLVM's passes run, which vectorize plain loops; they take some 5 ms a kernel, four times
        as long as everything else.
    passes : int, optional
        The level of these passes, 0 (none) to 3; without it, `vectorize` decides between 0 and 2.
    processor : Processor, optional
        By default the host.
    cache : ObjectCache, optional
        Where object code is looked for, and put if it was not there.

    Raises
    ------
    UnsupportedError
        If one of `functions` is not in the running process.
    RuntimeError
        If the text is not valid IR: a mistake in tidu, with LLVM's own words.
    """
    from llvmlite import binding

    for name in functions:
        binding.add_symbol(name, _address(name))
    processor = processor or host()
    level = _level(vectorize, passes)
    if cache is None:
        return _linked(object_code(text, level, processor), processor)
    key = _key(text, functions, level, processor)
    found = cache.load(key)
    if found is not None:
        return _linked(found, processor, from_cache=True)
    code = object_code(text, level, processor)
    cache.store(key, code)
    return _linked(code, processor)


def object_code(text: str, passes: int, processor: Processor) -> bytes:
    """Return the object file that a module becomes.

    Parameters
    ----------
    text : str
        A whole module.
    passes : int
        The level of LLVM's passes, 0 for none.
    processor : Processor
        What it is made for.
    """
    machine, module = _optimized(text, passes, processor)
    emitted: bytes = machine.emit_object(module)
    return emitted


def assembly(
    text: str, *, vectorize: bool = True, passes: int | None = None, processor: Processor | None = None
) -> str:
    """Return the instructions that a module becomes, for reading.

    The parameters are those of `compile_text`.
    """
    machine, module = _optimized(text, _level(vectorize, passes), processor or host())
    emitted: str = machine.emit_assembly(module)
    return emitted


def _level(vectorize: bool, passes: int | None) -> int:
    if passes is not None:
        return passes
    return _VECTORIZING if vectorize else 0


def link(code: bytes, functions: Sequence[str], processor: Processor, *, from_cache: bool = False) -> MachineCode:
    """Load an object file into the process, and resolve what it calls.

    Parameters
    ----------
    code : bytes
        Of `object_code`.
    functions : sequence of str
        The outside functions that it calls.
    processor : Processor
        What it was made for.
    from_cache : bool
        Noted on the result.

    Raises
    ------
    UnsupportedError
        If one of `functions` is not in the running process.
    """
    from llvmlite import binding

    for name in functions:
        binding.add_symbol(name, _address(name))
    return _linked(code, processor, from_cache=from_cache)


def made_by() -> tuple[str, ...]:
    """Return the versions of what makes code."""
    import llvmlite
    from llvmlite import binding

    version = importlib.import_module("tidu").__version__  # by name: layers below the package do not import it
    generation = str(_CODE_GENERATION)
    return version, llvmlite.__version__, ".".join(map(str, binding.llvm_version_info)), generation


def _key(text: str, functions: Sequence[str], passes: int, processor: Processor) -> str:
    """Name all that the object code depends on."""
    made_for = [processor.triple, processor.name, processor.features]
    levels = [str(passes)]
    return cache_key([*made_by(), *made_for, *levels, text, *functions])


def _optimized(text: str, passes: int, processor: Processor) -> tuple[binding.TargetMachine, binding.ModuleRef]:
    from llvmlite import binding

    machine = _target_machine(processor)
    module = binding.parse_assembly(text)
    module.triple = processor.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    if passes:
        options = binding.create_pipeline_tuning_options(speed_level=passes)
        builder = binding.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    return machine, module


def _linked(code: bytes, processor: Processor, *, from_cache: bool = False) -> MachineCode:
    """Load object code into the process, and resolve what it calls."""
    from llvmlite import binding

    # An engine is made of a module: an empty one costs nothing.
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine(processor))
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return MachineCode(engine, from_cache=from_cache)


def _target_machine(processor: Processor) -> binding.TargetMachine:
    from llvmlite import binding

    _initialize()
    target = binding.Target.from_triple(processor.triple)
    return target.create_target_machine(cpu=processor.name, features=processor.features, opt=_CODE_GENERATION, jit=True)


@lru_cache(maxsize=1)
def _initialize() -> None:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


def _address(name: str) -> int:
    """Find a C function in the process itself, else in the system's libraries."""
    for library in _libraries():
        if hasattr(library, name):
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    raise UnsupportedError(
        f"native code calls the C function {name}, which this system's libraries do not have",
        function=name,
    )


def _libraries() -> Iterator[ctypes.CDLL]:
    if sys.platform == "win32":
        yield ctypes.CDLL("ucrtbase")
        yield ctypes.CDLL("kernel32")
        return
    yield ctypes.CDLL(None)
    found = ctypes.util.find_library("m")  # asks the linker in another process: only where it is needed
    if found:
        yield ctypes.CDLL(found)


def _is_x86_64(triple: str) -> bool:
    return triple.startswith(("x86_64", "amd64"))
