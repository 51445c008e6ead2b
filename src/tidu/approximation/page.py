"""All pictures and numbers as one self-contained page, or as part of one."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, cast

from tidu.approximation.pictures import draw, drawn
from tidu.approximation.text import gap, tables
from tidu.approximation.wording import described
from tidu.drawing.page import closing, page, written_table
from tidu.words import Language, say

if TYPE_CHECKING:
    from tidu.approximation.result import Approximation

__all__ = ["write_fragment", "write_page"]

_IN_A_NOTEBOOK = ("target", "rms")


def write_page(found: Approximation, lang: str, command: str) -> str:
    """Return a whole HTML document."""
    title = say("approximate.title", lang, name=found.target.name)
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="lead">{escape(described(found.target, lang))}</p>']
    sentence = gap(found, lang)
    if sentence:
        parts.append(f'<p class="note">{escape(sentence)}</p>')
    for name in drawn(found):
        heading = escape(say(f"approximate.picture_{name}", lang))
        parts.append(f"<h2>{heading}</h2>\n<figure>{draw(found, name, lang, titled=False)}</figure>")
        parts.append(f'<p class="muted">{escape(say(f"approximate.note_{name}", lang))}</p>')
    parts.append(f"<h2>{escape(say('approximate.numbers', lang))}</h2>")
    parts += [written_table(table) for table in tables(found, lang)]
    parts.append(closing(lang, command))
    return page(title, "\n".join(parts), cast("Language", lang))


def write_fragment(found: Approximation, lang: str) -> str:
    """Return what a notebook shows: the target with what stands for it, the errors by width, and the numbers."""
    pictures = "".join(draw(found, name, lang) for name in _IN_A_NOTEBOOK if name in drawn(found))
    return f'<div class="tidu-approximation">{pictures}<pre>{escape(found.text(lang))}</pre></div>'
