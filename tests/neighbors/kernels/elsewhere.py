"""Makes object code of every kernel of the search for processors that this machine is none of.

LLVM ends the process where it finds no instruction, so this runs in one of its own:
``python -m tests.neighbors.kernels.elsewhere``. Names are printed before they are compiled: the last one is to blame.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tidu.native.machine import Processor, object_code
from tidu.neighbors.kernels.exact import ExactKey
from tidu.neighbors.kernels.packing import Pack, pack_text
from tidu.neighbors.kernels.scan import Scan, scan_text

PROCESSORS = {
    "AArch64": Processor("aarch64-unknown-linux-gnu", "generic", "+neon"),
    "Apple": Processor("aarch64-apple-darwin", "apple-m1", "+neon,+dotprod,+fullfp16"),
    "AVX-VNNI": Processor("x86_64-unknown-linux-gnu", "alderlake", "+sse,+sse2,+sse4.1,+avx,+avx2,+fma,+f16c,+avxvnni"),
    "AVX": Processor("x86_64-unknown-linux-gnu", "sandybridge", "+sse,+sse2,+sse4.1,+avx"),
    "AVX-512 of the first servers": Processor(
        "x86_64-unknown-linux-gnu",
        "skylake-avx512",
        "+sse,+sse2,+sse4.1,+avx,+avx2,+fma,+f16c,+avx512f,+avx512bw,+avx512vl,+avx512dq,+avx512cd",
    ),
}
SCANS = (
    Scan("dot8", -2, "value"),
    Scan("dot8", -1, "value", collects=True),
    Scan("dot8", -2, "square", ExactKey("squares", "float32", "float32", whole=False)),
    Scan("dot16", -2, "square", ExactKey("cosine", "float64", "float32", whole=False)),
    Scan("dot16", -1, "linear", ExactKey("products", "int16", "int16", whole=True)),
    Scan("sum8", 1, "value"),
    Scan("sum8", 1, "linear", ExactKey("absolute", "float32", "float64", whole=False), collects=True),
    Scan("max8", 1, "value"),
    Scan("max8", 1, "linear", ExactKey("largest", "uint8", "float32", whole=False)),
    Scan("dot16", -2, "square", ExactKey("squares", "uint8", "int8", whole=True)),
)
PACKS = (
    *(Pack(name, queries, "uint8", "none") for name in ("dot8", "sum8", "max8") for queries in (False, True)),
    Pack("dot8", False, "float32", "squares", has_centers=True),
    Pack("dot16", True, "float32", "squares", has_centers=True, has_factors=True, most_squares=1 << 28),
    Pack("sum8", False, "uint64", "absolute", has_centers=True),
    Pack("max8", True, "bool", "largest", has_centers=True),
)


def modules(processor: Processor) -> Iterator[tuple[object, str]]:
    """Yield what is compiled, and its text."""
    for scan in SCANS:
        yield scan, scan_text(scan, processor)
    for pack in PACKS:
        yield pack, pack_text(pack, processor)


def main() -> None:
    from llvmlite import binding

    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    for name, processor in PROCESSORS.items():
        for what, text in modules(processor):
            sys.stdout.write(f"{name} {what}\n")
            sys.stdout.flush()  # before the process may be ended
            assert object_code(text, 0, processor)[:4] in (b"\x7fELF", b"\xcf\xfa\xed\xfe")
    sys.stdout.write("everything compiled\n")


if __name__ == "__main__":
    main()
