"""``tidu explain``: the chain rule on a typed expression, as text, picture and page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from tidu.app.writing import require_suffix
from tidu.errors import ExpressionError
from tidu.explanation import explain
from tidu.expressions import parse_assignment, parse_expression
from tidu.persistence import atomic_write_text
from tidu.words import Language, say

__all__ = ["run_explain"]


def run_explain(text: str, assignments: Sequence[str], svg: Path | None, html: Path | None, lang: Language) -> None:
    """Explain an expression at given values."""
    if svg is not None:
        require_suffix(svg, (".svg",))
    if html is not None:
        require_suffix(html, (".html",))
    expression = parse_expression(text)
    values: dict[str, object] = {}
    for assignment in assignments:
        name, value = parse_assignment(assignment)
        if name in values:
            raise ExpressionError(f"{name!r} is given twice; give each variable one value", got=name)
        values[name] = value
    expression.require_names(values)
    found = explain(expression, *(values[name] for name in expression.names))
    steps = found.text(lang=lang)
    click.echo(steps)
    if svg is not None:
        atomic_write_text(svg, found.to_svg(lang=lang))
        click.echo(say("fit.wrote", lang, path=svg))
    if html is not None:
        atomic_write_text(html, found.to_html(lang))
        click.echo(say("fit.wrote", lang, path=html))
