"""The explanation as one self-contained page, or as part of one: the picture, and the text below it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tidu.errors import ParameterError
from tidu.explanation.text import title

if TYPE_CHECKING:
    from tidu.explanation.result import Explanation

__all__ = ["write_fragment", "write_page"]

_STYLE = (
    ".tidu-explanation{font-family:system-ui,sans-serif;max-width:100%;line-height:1.45}"
    ".tidu-explanation .picture{overflow-x:auto}"
    ".tidu-explanation .picture svg{max-width:none!important}"
    ".tidu-explanation pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;"
    'font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}'
)


def write_page(explanation: Explanation, lang: str, limit: int) -> str:
    """Return a whole HTML document."""
    heading = escape(title(explanation))
    language = {"zh": "zh-CN"}.get(lang, lang)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{heading}</title>'
        f'<meta name="viewport" content="width=device-width"></head>\n'
        f"<body>{write_fragment(explanation, lang, limit)}</body></html>\n"
    )


def write_fragment(explanation: Explanation, lang: str, limit: int) -> str:
    """Return what a notebook shows; where the graph is too large for a picture, it says so instead."""
    text = escape(explanation.text(lang, limit))
    try:
        picture = explanation.to_svg(lang)
    except ParameterError as error:
        picture = f"<p>{escape(str(error))}</p>"
    return (
        f'<div class="tidu-explanation"><style>{_STYLE}</style><div class="picture">{picture}</div>\n'
        f"<pre>{text}</pre></div>"
    )
