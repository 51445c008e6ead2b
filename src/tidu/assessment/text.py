"""The assessment as plain text: the verdict in one line, why, and the numbers as tables.

What is said to be so has been decided by `verdict`; here it is put in words only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidu.assessment.tables import numbers, tables
from tidu.assessment.wording import facts, key_for
from tidu.words import catalogue, say
from tidu.words.table import aligned

if TYPE_CHECKING:
    from tidu.assessment.result import Assessment

__all__ = ["headline", "method", "told", "verdict_name", "write_text"]


def headline(found: Assessment, lang: str) -> str:
    """Return verdict and best score in one line."""
    key = "headline_cannot_tell" if found.verdict == "cannot tell" else "headline"
    return say(f"assess.{key}", lang, verdict=verdict_name(found, lang), **facts(found, lang))


def verdict_name(found: Assessment, lang: str) -> str:
    """Return the verdict in this language."""
    return say(f"assess.verdict_{found.verdict.replace(' ', '_')}", lang)


def told(found: Assessment, lang: str) -> tuple[str, ...]:
    """Return the reasons for the verdict, the weightiest first."""
    filled = facts(found, lang)
    return tuple(say(_key(reason, found), lang, **filled) for reason in found.findings)


def _key(reason: str, found: Assessment) -> str:
    if reason in ("more_rows", "enough_rows") and len(found.learning) < 2:
        return "assess.reason_rows_unknown"
    key = f"assess.reason_{reason}"
    # Only what differs for classes has a wording of its own for them.
    own = key_for(key, found)
    return own if own in catalogue() else key


def method(found: Assessment, lang: str) -> str:
    """Return where the floor comes from, and what it cannot tell apart."""
    return say(f"assess.{key_for('method', found)}", lang)


def write_text(found: Assessment, lang: str) -> str:
    """Return everything that is not a picture."""
    lines = [headline(found, lang), ""]
    lines += [f"  - {reason}" for reason in told(found, lang)]
    heads = (say("assess.quantity", lang), say("assess.found", lang))
    lines += ["", *aligned(heads, numbers(found, lang), n_left=2)]
    for table in tables(found, lang):
        lines += ["", table.title, *aligned(table.heads, table.rows, n_left=table.n_left)]
    return "\n".join([*lines, "", method(found, lang)])
