"""How does a page look: one HTML file that needs nothing else, no network, no script.

This file knows nothing of what the page says.
"""

from __future__ import annotations

from html import escape

from tidu.words import Language, say
from tidu.words.table import Table

__all__ = ["closing", "page", "written_table"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

_NUMBER = ' class="number"'

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2330;--muted:#5c6675;--line:#dfe3ea;--paper:#ffffff;--card:#f6f8fb;\
--accent:#0072b2;--good:#0a7d33}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--muted:#a2acba;--line:#2f3743;--paper:#12161c;\
--card:#1b212a;--accent:#56b4e9;--good:#5fd38a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,\
"Noto Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.01em;margin:0 0 .5rem}
h2{font-size:1.3rem;line-height:1.3;margin:3rem 0 .6rem;padding-top:1.2rem;border-top:1px solid var(--line)}
h3{font-size:1.02rem;margin:1.8rem 0 .4rem}
p{margin:.5rem 0;max-width:46rem}
.lead{font-size:1.12rem}
.muted,figcaption,caption{color:var(--muted)}
figure{margin:1.2rem 0}
figure svg{display:block;max-width:100%;height:auto}
figcaption{font-size:.9rem;margin-top:.35rem;max-width:46rem}
.row{display:flex;flex-wrap:wrap;gap:1rem 1.5rem;align-items:flex-start}
.row figure{margin:.6rem 0;flex:1 1 25rem;min-width:0;max-width:29rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.45rem .8rem .45rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--muted);font-size:.88rem}
td.number,th.number{text-align:right;white-space:nowrap}
tr.best td{font-weight:600}
tr.best td:first-child::after{content:" ★";color:var(--good)}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.4rem;margin:1rem 0}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.88em}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1.1rem;overflow-x:auto;\
line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere}
.note{background:var(--card);border-left:3px solid var(--accent);border-radius:4px;padding:.7rem 1rem;margin:1rem 0}
details{margin:1rem 0}
summary{cursor:pointer;color:var(--accent)}
footer{margin-top:3.5rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--muted);font-size:.9rem}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}figure,tr{break-inside:avoid}}
"""


def page(title: str, body: str, lang: Language) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    lang : {"en", "zh"}
        Its language.

    Examples
    --------
    >>> page("a < b", "<p>yes</p>", "en").count("a &lt; b")
    1
    """
    language = {"en": "en", "zh": "zh-CN"}[lang]
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def closing(lang: str, command: str = "") -> str:
    """Return how a page ends: with the command that makes it again, where there is one, and who made it."""
    repeat = f"<h2>{escape(say('report.repeat', lang))}</h2>\n<pre>{escape(command)}</pre>\n" if command else ""
    return f"{repeat}<footer>{escape(say('report.footer', lang))}</footer>"


def written_table(table: Table) -> str:
    """Return a table with its title above, as HTML.

    Examples
    --------
    >>> written_table(Table("Sizes", ("name", "n"), (("a < b", "5"),))).count('class="number"')
    2
    """

    def row(tag: str, cells: tuple[str, ...]) -> str:
        written = (
            f"<{tag}{'' if i < table.n_left else _NUMBER}>{escape(cell)}</{tag}>" for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(written)}</tr>"

    lines = row("th", table.heads) + "".join(row("td", cells) for cells in table.rows)
    return f'<h3>{escape(table.title)}</h3>\n<div class="scroll"><table>{lines}</table></div>'
