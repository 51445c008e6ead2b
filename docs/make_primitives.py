"""Write docs/primitives.md from the records: every primitive, its derivative, and the convention where there is none.

python docs/make_primitives.py        (or: make doc)
"""

from __future__ import annotations

from pathlib import Path

import tidu  # noqa: F401  registers the primitives
from tidu.core.primitive import InterpretedOnly, NoGradient, Primitive, registered

HEAD = """# The primitives

Written from the records by `make doc`; a test holds it against them. `x`, `y`, `z` are the operands, `out` the result,
`ct` the cotangent of the result. Where a derivative does not exist, the convention and its reason are given.

| primitive | kind | meaning | derivative for each operand | conventions | native code | source |
|---|---|---|---|---|---|---|
"""
NAMES = ("x", "y", "z")


def fill(text: str) -> str:
    """Put the operands' names into a formula, and keep the table's own bars out of it."""
    return text.format(*NAMES, out="out").replace("|", "\\|")


def derivative(primitive: Primitive) -> str:
    """Return how the derivative reads, or why there is none."""
    if primitive.formula.partials:
        return ", ".join(f"`{fill(partial)}`" for partial in primitive.formula.partials)
    reasons = [rule.reason for rule in primitive.pullback if isinstance(rule, NoGradient)]
    return "none: " + reasons[0] if len(reasons) == len(primitive.pullback) else "see the record"


def conventions(primitive: Primitive) -> str:
    """Return the written conventions at kinks, ties and edges."""
    return "; ".join(
        f"at {', '.join(f'{a:g}' for a in kink.at)}: {', '.join(f'{p:g}' for p in kink.partials)} "
        f"({kink.because['en']})"
        for kink in primitive.kinks
    ).replace("|", "\\|")


def row(primitive: Primitive) -> str:
    """Return the line of one primitive."""
    emit = primitive.emit
    cells = (
        f"`{primitive.name}`",
        primitive.kind.name,
        f"`{fill(primitive.formula.text)}`: {primitive.words['en']}",
        derivative(primitive),
        conventions(primitive),
        f"interpreted: {emit.reason}" if isinstance(emit, InterpretedOnly) else "yes",
        primitive.source,
    )
    return f"| {' | '.join(cell.replace(chr(10), ' ') for cell in cells)} |\n"


def page() -> str:
    """Return the whole page, sorted by name."""
    return HEAD + "".join(row(primitive) for primitive in sorted(registered(), key=lambda p: p.name))


if __name__ == "__main__":
    Path(__file__).with_name("primitives.md").write_text(page(), encoding="utf-8")
