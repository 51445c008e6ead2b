"""How does text become machine code, and how is that called?

The one file that speaks to llvmlite, which is imported when the first text is compiled. The processor is
named to LLVM together with its features: with an empty string it would quietly call C's `fmaf` for every
fused product.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tidu.errors import UnsupportedError

if TYPE_CHECKING:
    from llvmlite import binding

__all__ = ["MachineCode", "Processor", "compile_text", "host"]

_CODE_GENERATION = 1
"""Level 1 runs as fast as 3 on clean SSA; level 0 is four times slower."""
_VECTORIZING = 2
"""The level of LLVM's passes from which on plain loops are vectorized."""


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


@lru_cache(maxsize=1)
def host() -> Processor:
    """Return the processor that this process runs on."""
    from llvmlite import binding

    return Processor(
        binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    )


class MachineCode:
    """Compiled functions; they live as long as this object.

    Parameters
    ----------
    engine : llvmlite ExecutionEngine
        Owner of the code.
    """

    def __init__(self, engine: binding.ExecutionEngine) -> None:
        self._engine = engine

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
    """A native function; keeps the code that it belongs to alive."""

    __slots__ = ("_call", "_code")

    def __init__(self, code: MachineCode, address: int, arguments: Sequence[type]) -> None:
        self._code = code
        self._call = ctypes.CFUNCTYPE(None, *arguments)(address)

    def __call__(self, *arguments: object) -> None:
        """Call it with addresses and integers."""
        self._call(*arguments)


def compile_text(
    text: str, functions: Sequence[str] = (), *, vectorize: bool = True, processor: Processor | None = None
) -> MachineCode:
    """Compile LLVM IR.

    Parameters
    ----------
    text : str
        A whole module.
    functions : sequence of str
        The outside functions that it calls; LLVM would end the process over one that is missing.
    vectorize : bool
        Whether LLVM's passes run, which vectorize plain loops; they take some 5 ms a kernel, four times
        as long as everything else.
    processor : Processor, optional
        By default the host.

    Raises
    ------
    UnsupportedError
        If one of `functions` is not in the running process.
    RuntimeError
        If the text is not valid IR: a mistake in tidu, with LLVM's own words.
    """
    from llvmlite import binding

    _initialize()
    for name in functions:
        binding.add_symbol(name, _address(name))
    processor = processor or host()
    module = binding.parse_assembly(text)
    module.triple = processor.triple
    target = binding.Target.from_triple(processor.triple)
    machine = target.create_target_machine(
        cpu=processor.name, features=processor.features, opt=_CODE_GENERATION, jit=True
    )
    module.data_layout = str(machine.target_data)
    module.verify()
    if vectorize:
        options = binding.create_pipeline_tuning_options(speed_level=_VECTORIZING)
        builder = binding.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return MachineCode(engine)


@lru_cache(maxsize=1)
def _initialize() -> None:
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()


def _address(name: str) -> int:
    """Find a C function in the process itself, else in the system's library of mathematics."""
    for library in _libraries():
        if hasattr(library, name):
            return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    raise UnsupportedError(
        f"native code calls the C function {name}, which this system's library of mathematics does not have",
        function=name,
    )


def _libraries() -> Iterator[ctypes.CDLL]:
    if sys.platform == "win32":
        yield ctypes.CDLL("ucrtbase")
        return
    yield ctypes.CDLL(None)
    found = ctypes.util.find_library("m")  # asks the linker in another process: only where it is needed
    if found:
        yield ctypes.CDLL(found)
