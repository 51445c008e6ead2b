"""The catalogue of phrases."""

import pytest

from tidu.errors import ParameterError
from tidu.words import catalogue, say


def test_a_phrase_is_filled_in_each_language():
    assert say("explain.value") == "value"
    assert say("explain.value", "zh") == "值"


def test_an_unknown_language_is_refused():
    with pytest.raises(ParameterError, match="en, zh"):
        say("explain.value", "fr")


def test_no_phrase_is_the_same_text_twice_under_two_keys():
    seen = {}
    for key, phrase in catalogue().items():
        text = (phrase["en"], phrase["zh"])
        assert len(phrase["en"].split()) < 3 or text not in seen, (key, seen.get(text))
        seen[text] = key
