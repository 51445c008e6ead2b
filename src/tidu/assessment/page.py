"""The assessment as one self-contained page, or as part of one: why, the pictures, and the numbers."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, cast

from tidu.assessment.pictures import draw, drawn
from tidu.assessment.tables import numbers, tables
from tidu.assessment.text import headline, method, told
from tidu.assessment.wording import classifies
from tidu.drawing.page import closing, page, written_table
from tidu.words import Language, say

if TYPE_CHECKING:
    from tidu.assessment.result import Assessment

__all__ = ["write_fragment", "write_page", "write_section"]

_IN_A_NOTEBOOK = ("neighbors", "likelihood")


def write_page(found: Assessment, lang: str, command: str = "") -> str:
    """Return a whole HTML document, with the command that makes it again where there is one."""
    title = say("assess.title", lang, name=found.name)
    parts = [f"<h1>{escape(title)}</h1>", write_section(found, lang)]
    parts.append(closing(lang, command))
    return page(title, "\n".join(parts), cast("Language", lang))


def write_section(found: Assessment, lang: str) -> str:
    """Return what stands below a heading: verdict, reasons, pictures, numbers."""
    parts = [f'<p class="lead">{escape(headline(found, lang))}</p>', _reasons(found, lang), '<div class="row">']
    for name in drawn(found):
        parts.append(
            f"<figure>{draw(found, name, lang)}<figcaption>{escape(_note(found, name, lang))}</figcaption></figure>"
        )
    parts.append("</div>")
    parts.append(f"<h3>{escape(say('assess.numbers', lang))}</h3>")
    items = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in numbers(found, lang))
    parts.append(f"<dl>{''.join(items)}</dl>")
    parts.append(f'<p class="muted">{escape(method(found, lang))}</p>')
    parts += [written_table(table) for table in tables(found, lang)]
    return "\n".join(parts)


def write_fragment(found: Assessment, lang: str) -> str:
    """Return what a notebook shows: two pictures, and the text below them."""
    pictures = "".join(draw(found, name, lang) for name in _IN_A_NOTEBOOK if name in drawn(found))
    return f'<div class="tidu-assessment">{pictures}<pre>{escape(found.text(cast("Language", lang)))}</pre></div>'


def _reasons(found: Assessment, lang: str) -> str:
    return "<ul>" + "".join(f"<li>{escape(reason)}</li>" for reason in told(found, lang)) + "</ul>"


def _note(found: Assessment, picture: str, lang: str) -> str:
    classes = picture == "neighbors" and classifies(found)
    return say(f"assess.note_{picture}{'_classes' if classes else ''}", lang)
