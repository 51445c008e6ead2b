"""What is told of an assessment: every reason has its words, and the numbers are those that were found."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest
from tests.app.test_report import english
from tests.assessment.made import classes, numbers

from tidu.assessment.dependence import Dependence
from tidu.assessment.learning import LearningPoint
from tidu.assessment.result import Floor
from tidu.assessment.tables import numbers as quantities
from tidu.assessment.tables import tables
from tidu.assessment.text import headline, told
from tidu.assessment.verdict import VERDICTS, Evidence, judge
from tidu.words import LANGUAGES, catalogue

MADE = {"numbers": numbers, "classes": classes}
CHOICES = {
    "classifies": (False, True),
    "p_value": (0.005, 0.5),
    "linear_p_value": (0.005, 0.5),
    "value": (0.0, 0.2),
    "low": (0.0, 0.1, 0.5, 0.95),
    "high": (0.05, 0.3, 0.7, 0.99),
    "contradicting": (0, 4),
    "n_copies": (0, 4),
    "bimodality": (0.3, 0.9),
    "dimension": (2.0, 30.0),
    "resolution": (0.01, 0.5),
    "falling": (False, True),
    "leaks": (False, True),
}


def judged() -> set[tuple[bool, str, str]]:
    """Return each reason that can be given, of numbers or of classes, with the verdict beside it."""
    assert list(CHOICES) == [one.name for one in fields(Evidence)]
    found = set()
    for values in product(*CHOICES.values()):
        evidence = Evidence(*values)
        if evidence.low <= evidence.high:
            verdict, reasons = judge(evidence)
            found |= {(evidence.classifies, verdict, reason) for reason in reasons}
    return found


def test_every_reason_of_every_verdict_has_words_in_each_language() -> None:
    seen = judged()
    assert {verdict for _, verdict, _ in seen} == set(VERDICTS)
    for classifies, verdict, reason in sorted(seen):
        found = (classes if classifies else numbers)(verdict=verdict, findings=(reason,))
        for lang in LANGUAGES:
            (words,) = told(found, lang)
            assert "{" not in words
            assert words[-1] in ".。"


def test_no_phrase_of_a_reason_is_left_over() -> None:
    keys = {key.removeprefix("assess.reason_") for key in catalogue() if key.startswith("assess.reason_")}
    assert {key.removesuffix("_classes") for key in keys} - {"rows_unknown"} == {reason for _, _, reason in judged()}


def test_a_reason_without_words_is_seen() -> None:
    with pytest.raises(KeyError, match="reason_unheard"):
        told(numbers(findings=("unheard",)), "en")


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_verdict_comes_first_in_its_own_words(verdict: str) -> None:
    assert numbers(verdict=verdict).text().startswith(f"{verdict}: ")
    assert classes(verdict=verdict).text().startswith(f"{verdict}: ")


def test_the_best_score_is_told_with_its_interval() -> None:
    assert "R² that any model can reach is about 0.800 (95 % interval 0.700 to 0.900)" in headline(numbers(), "en")
    assert "准确率约为 93.8 %（95 % 置信区间 87.5 % 到 96.9 %）" in headline(classes(), "zh")


def test_no_single_score_is_told_where_the_verdict_is_cannot_tell() -> None:
    line = headline(numbers(verdict="cannot tell"), "en")
    assert "between 0.700 and 0.900" in line
    assert "0.800" not in line


def test_no_more_noise_than_variance_is_told_and_no_r2_below_that_of_a_constant() -> None:
    found = numbers(floor=Floor(9.5, 8.0, 12.0, 10.0))
    assert "0.050 (95 % interval 0.000 to 0.200)" in headline(found, "en")
    assert "95 % (95 % interval 80 % to 100 %)" in found.text()
    assert "9.5 (95 % interval 8 to 12)" in found.text()


def test_the_numbers_found_are_in_the_table() -> None:
    lines = dict(quantities(numbers(), "en"))
    assert lines["rows"] == "400"
    assert lines["floor: variance of the noise"] == "2 (95 % interval 1 to 3)"
    assert lines["as a share of the target's"] == "20 % (95 % interval 10 % to 30 %)"
    assert lines["Gamma test"] == "2.25 (95 % interval 1.875 to 2.625)"
    assert lines["V-ratio (Gamma / variance)"] == "0.225"
    assert lines["dependence T"] == "0.625, p = 0.005"
    assert lines["T before the feature step"] == "0.500"
    assert lines["features that matter (T with them)"] == "age (0.50), size (0.62)"
    assert lines["error of nearest neighbors"] == "2.75 with k = 5, each row left out"
    assert lines["intrinsic dimension"] == "1.8"
    assert lines["held-out rows seen in training"] == "3 of 50, 2 of them exactly"
    for quantity, value in lines.items():
        assert re.search(rf"^{re.escape(quantity)}  +{re.escape(value)}$", numbers().text(), re.MULTILINE)


def test_of_classes_error_rates_and_names_are_told() -> None:
    text = classes().text()
    assert "6.25 % (95 % interval 3.12 % to 12.5 %)" in text
    assert "8 % to 15 %" in text
    assert "iris, tulip" in text
    assert "Gamma" not in text


def test_without_an_order_features_are_told_by_their_own_dependence() -> None:
    text = numbers(dependence=Dependence(0.6, 0.005, 0.4, 0.005, None, np.array([0.25, -0.01]), (), ())).text()
    assert "size (0.25)" in text
    assert "age (" not in text


def test_many_features_are_counted_not_listed() -> None:
    names = tuple(f"f{i}" for i in range(30))
    dependence = Dependence(0.6, 0.005, 0.4, 0.005, None, np.linspace(0.9, 0.1, 30), (), ())
    text = numbers(n_features=30, feature_names=names, dependence=dependence).text()
    assert "f7 (" in text
    assert "f8 (" not in text
    assert "and 22 more" in text


def test_names_from_a_file_cannot_drive_a_terminal() -> None:
    text = classes(feature_names=("\x1b[31mred", "b"), class_names=("\x07", "b", "c")).text()
    assert "\\x1b[31mred" in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", text)


def test_one_point_of_the_learning_curve_says_nothing_of_more_rows() -> None:
    found = numbers(learning=(LearningPoint(21, 2.0, 1.0),), findings=("enough_rows",))
    assert found.reasons == ("There are too few rows to see whether more would help.",)
    assert "With fewer rows" not in found.text()


def test_without_held_out_rows_nothing_is_said_of_them() -> None:
    assert "held-out" not in numbers(leakage=None).text()


def test_the_worst_contradictions_have_their_row_numbers() -> None:
    worst = next(table for table in tables(numbers(), "en") if "contradictions" in table.title)
    assert worst.rows == (("12, 345", "1.5, 4.25"),)


@pytest.mark.parametrize("name", MADE)
def test_chinese_text_has_no_english_sentences(name: str) -> None:
    found = MADE[name]()
    assert english(found.text("zh")) == []
    assert english(" ".join(found.explain("zh"))) == []


def test_one_to_many_relations_are_said_to_be_noise_here() -> None:
    assert "counts as noise" in numbers().text()
    assert "计为噪声" in classes().text("zh")


def test_a_bound_below_one_is_never_rounded_up_to_it() -> None:
    for made, bound in ((numbers, "0.999992"), (classes, "99.9992 %")):
        found = made()
        repeats = replace(found.contradictions, best_score=0.9999916)
        assert f"at most {bound}." in " ".join(
            replace(found, contradictions=repeats, findings=("contradictions",)).reasons
        )
        assert "at most 100 %." not in found.text()
