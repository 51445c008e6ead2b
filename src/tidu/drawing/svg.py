"""How is a picture written down: elements of SVG, escaped, and the document around them.

Every picture of tidu is one standalone SVG text that follows the reader's light or dark theme. Knows
nothing of what is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tidu.errors import ParameterError

__all__ = [
    "Child",
    "Element",
    "document",
    "element",
    "format_length",
    "group",
    "shorten",
    "text",
    "text_width",
]

Attribute: TypeAlias = str | float | int

FONT_SIZE = 13.0
_NAME = re.compile(r"[A-Za-z_][\w.:-]*\Z")
# Characters that XML 1.0 forbids even when escaped: a label with one would make the file unreadable.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_STYLE = """
svg.tidu{--ink:#1c2330;--muted:#5c6675;--faint:#d5dae2;--grid:#e8ebf0;--paper:#ffffff;--card:#f6f8fb;\
--value:#0a7d33;--gradient:#c62828;--input:#dcebfa;--operation:#fff3d6;--output:#dff3e4;--constant:#eceff3;\
--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b3478c;--s4:#a67c00;--s5:#2f9bd4;--s6:#6b4fa0;--s7:#56606e;\
color:var(--ink);font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",\
"PingFang SC","Microsoft YaHei",sans-serif;font-size:13px}
@media (prefers-color-scheme:dark){svg.tidu{--ink:#e6eaf0;--muted:#a2acba;--faint:#4a5362;--grid:#2b323d;\
--paper:#12161c;--card:#1b212a;--value:#5fd38a;--gradient:#ff8a80;--input:#17324d;--operation:#453711;\
--output:#173d26;--constant:#2a313b;--s0:#56b4e9;--s1:#f5894a;--s2:#35c79d;--s3:#e08cc0;--s4:#e6c229;\
--s5:#8fd0f5;--s6:#b39ddb;--s7:#b4bdc9}}
svg.tidu text{fill:currentColor}
svg.tidu .paper{fill:var(--paper)}
svg.tidu .muted{fill:var(--muted)}
svg.tidu .small{font-size:11px}
svg.tidu .heading{font-size:16px;font-weight:600}
svg.tidu .strong{font-weight:600}
svg.tidu .mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12px}
svg.tidu .middle{text-anchor:middle}
svg.tidu .end{text-anchor:end}
""".strip()


@dataclass(frozen=True, slots=True)
class Element:
    """One element of XML: a name, its attributes, and elements or text inside."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: tuple[Child, ...] = ()

    def __str__(self) -> str:
        """Return the element as XML text; iterative, so depth is bounded by memory alone."""
        parts: list[str] = []
        pending: list[Child | _Close] = [self]
        while pending:
            item = pending.pop()
            if isinstance(item, _Close):
                parts.append(f"</{item.name}>")
            elif isinstance(item, str):
                parts.append(_escaped(item))
            else:
                opening = item.name + "".join(f' {key}="{_escaped(value)}"' for key, value in item.attributes)
                parts.append(f"<{opening}>" if item.children else f"<{opening}/>")
                if item.children:
                    pending.append(_Close(item.name))
                    pending.extend(reversed(item.children))
        return "".join(parts)


Child: TypeAlias = Element | str


@dataclass(frozen=True, slots=True)
class _Close:
    name: str


def element(name: str, *children: Child, **attributes: Attribute | None) -> Element:
    """Build an element; ``stroke_width=2`` becomes ``stroke-width="2"``, ``class_`` becomes ``class``.

    Parameters
    ----------
    name : str
        The element's name.
    *children : Element or str
        What stands inside; text is escaped when it is written.
    **attributes : str, float or None
        Attributes; None leaves one out. Lengths are written with at most two decimals.

    Raises
    ------
    ParameterError
        If a name is no XML name or a number is not finite.

    Examples
    --------
    >>> print(element("text", "a < b", x=1.5, font_size=12))
    <text x="1.5" font-size="12">a &lt; b</text>
    """
    pairs = []
    for key, value in attributes.items():
        if value is None:
            continue
        written = key.rstrip("_").replace("_", "-")
        if not _NAME.match(written):
            raise ParameterError(f"{key!r} is no name of an attribute", name=key)
        pairs.append((written, value if isinstance(value, str) else format_length(value)))
    if not _NAME.match(name):
        raise ParameterError(f"{name!r} is no name of an element", name=name)
    return Element(name, tuple(pairs), children)


def group(*children: Child, **attributes: Attribute | None) -> Element:
    """Build a ``<g>``."""
    return element("g", *children, **attributes)


def text(
    content: str, x: float, y: float, class_: str = "", tooltip: str = "", **attributes: Attribute | None
) -> Element:
    """Build a ``<text>`` with its baseline at (x, y), and a tooltip when one is given.

    Examples
    --------
    >>> print(text("x", 0, 10, "muted"))
    <text x="0" y="10" class="muted">x</text>
    """
    children: tuple[Child, ...] = (element("title", tooltip), content) if tooltip else (content,)
    return element("text", *children, x=x, y=y, class_=class_ or None, **attributes)


def document(
    width: float, height: float, children: Iterable[Child], title: str, description: str, style: str = ""
) -> str:
    """Return a standalone SVG document.

    Parameters
    ----------
    width, height : float
        Size in pixels at scale 1; the picture scales to the width of its page.
    children : iterable of Element
        The picture.
    title, description : str
        What a screen reader says, and a tooltip shows.
    style : str
        CSS to add.

    Examples
    --------
    >>> svg = document(10, 10, [element("rect", width=10, height=10)], "a square", "")
    >>> svg.startswith("<svg xmlns=") and svg.endswith("</svg>")
    True
    """
    attributes: Mapping[str, Attribute] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class_": "tidu",
        "role": "img",
        "width": math.ceil(width),
        "height": math.ceil(height),
        "viewBox": f"0 0 {math.ceil(width)} {math.ceil(height)}",
        "style": "max-width:100%;height:auto",
    }
    paper = element("rect", class_="paper", width="100%", height="100%", rx=6)
    described = (element("desc", description),) if description else ()
    css = element("style", _STYLE + style)
    return str(element("svg", element("title", title), *described, css, paper, *children, **attributes))


def format_length(value: float) -> str:
    """Return a coordinate with at most two decimals, the shortest way.

    Examples
    --------
    >>> format_length(2.0), format_length(-0.001), format_length(1.239)
    ('2', '0', '1.24')
    """
    if not math.isfinite(value):
        raise ParameterError(f"a coordinate must be finite; got {value}", got=value)
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written in ("-0", "") else written


def text_width(content: str, size: float = FONT_SIZE, monospace: bool = False) -> float:
    """Estimate the width of a text in pixels, rather too wide than too narrow.

    The font is the reader's, so no exact width exists. Wide East Asian characters count one em.

    Examples
    --------
    >>> text_width("WW") > text_width("ii")
    True
    """
    if monospace:
        return size * sum(1.0 if ord(char) >= 0x1100 else 0.62 for char in content)
    return size * sum(_em(char) for char in content)


def _em(char: str) -> float:
    if ord(char) >= 0x1100:
        return 0.6 if 0x2000 <= ord(char) < 0x2070 else 1.02
    if char in "iljI.,:;'|!()[] ft":
        return 0.4
    if char in "mwMW@%":
        return 0.95
    return 0.72 if char.isupper() else 0.62


def shorten(content: str, width: float, size: float = FONT_SIZE, monospace: bool = False) -> str:
    """Return the text, cut with an ellipsis to fit `width` pixels, on one line.

    Examples
    --------
    >>> shorten("short", 100)
    'short'
    >>> shorten("a very long label indeed", 80)
    'a very lon…'
    """
    line = " ".join(content.split())
    if text_width(line, size, monospace) <= width:
        return line
    used = text_width("…", size, monospace)
    for position, char in enumerate(line):
        used += text_width(char, size, monospace)
        if used > width:
            return line[:position].rstrip() + "…"
    return line


def _escaped(content: str) -> str:
    clean = _FORBIDDEN.sub("\ufffd", content)
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        clean = clean.replace(char, entity)
    return clean
