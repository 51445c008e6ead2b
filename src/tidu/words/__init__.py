"""Which words does a person read: every string of reports, pages and the command line, in each language.

A phrase is found by its key and filled with facts. The catalogue is split by topic, one module each
(`fit`, `knn`, ...); a key stands in exactly one of them and always has every language. This package
knows nothing of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Literal

from tidu.errors import ParameterError

__all__ = ["LANGUAGES", "Language", "Words", "say"]

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Words = Mapping[Language, str]
"""One phrase in every language, with `str.format` fields for its facts."""

_TOPICS = ("approximate", "assess", "bench", "data", "explain", "fit", "knn", "plan", "report")
_catalogue: dict[str, Words] = {}


def say(key: str, lang: str = "en", **facts: object) -> str:
    """Return the phrase `key` in language `lang`, filled with `facts`.

    Parameters
    ----------
    key : str
        ``"topic.phrase"``, such as ``"explain.step"``.
    lang : {"en", "zh"}
        The language.
    **facts
        What the phrase's fields are filled with.

    Examples
    --------
    >>> say("explain.value", n=1)
    'value'
    >>> say("explain.value", "zh")
    '值'
    """
    if lang not in LANGUAGES:
        raise ParameterError(f"lang must be one of {', '.join(LANGUAGES)}; got {lang!r}", lang=lang)
    return catalogue()[key][lang].format(**facts)


def catalogue() -> Mapping[str, Words]:
    """Return every phrase by its full key; read once, on first use."""
    if not _catalogue:
        for topic in _TOPICS:
            for name, phrase in import_module(f"tidu.words.{topic}").PHRASES.items():
                _catalogue[f"{topic}.{name}"] = phrase
    return _catalogue
