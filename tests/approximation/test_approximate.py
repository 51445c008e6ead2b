"""`tidu.approximate` measures what it says, shows it in both languages, and refuses what it cannot do."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.app.pages import Page

import tidu
from tidu.approximation import Approximation, Network
from tidu.approximation.families import in_dimension
from tidu.approximation.measuring import measure
from tidu.approximation.pictures import _barron
from tidu.approximation.studies import best_parabola
from tidu.approximation.summary import summarize
from tidu.approximation.targets import as_target
from tidu.approximation.training import train
from tidu.approximation.wording import described
from tidu.errors import DataError, ParameterError, TiduError

QUICK: dict[str, Any] = {"widths": (4, 8, 16), "seeds": 2, "n_samples": 256, "epochs": 20}


@pytest.fixture(scope="module")
def sine() -> Approximation:
    return tidu.approximate("sin(3*x)", (-1, 1), depths=(1, 2), dimensions=(1, 2), **QUICK)


@pytest.fixture(scope="module")
def plane() -> Approximation:
    return tidu.approximate(lambda x, y: np.sin(3 * x) * y, (-1, 1), depths=(1,), **QUICK)


@pytest.fixture(scope="module")
def rows() -> Approximation:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2.0, 2.0, 150)
    return tidu.approximate((x, x**2 + 0.1 * rng.normal(size=150)), depths=(1,), **QUICK)


def test_the_public_name_is_the_packages() -> None:
    assert tidu.approximate is tidu.approximation.approximate


def test_every_study_has_its_measurements(sine: Approximation) -> None:
    table = sine.errors
    assert {name: int(np.sum(table["study"] == name)) for name in dict.fromkeys(table["study"].tolist())} == {
        "width": 3 * 3 + 2 * 3 * 2,
        "depth": 2 * 2,
        "dimension": 2 * (2 + 1),
        "polynomial": 3,
        "jump": 3,
    }
    assert (table["rms"] <= table["max_error"]).all()
    assert (table["max_error"] < 10).all()


def test_errors_are_those_of_the_networks(sine: Approximation) -> None:
    table = sine.errors[sine.errors["study"] == "width"]
    assert len(sine.networks) == len(table)
    for row in table:
        seed = None if row["seed"] < 0 else int(row["seed"])
        network = sine.networks[str(row["method"]), int(row["n_units"]), seed]
        x = np.linspace(-1.0, 1.0, 4001)
        errors = network(x[:, None]) - np.sin(3 * x)
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(row["rms"], rel=0.01)
        assert network.n_parameters == row["n_parameters"]


def test_rates_of_constructions_are_those_of_the_theorems(sine: Approximation) -> None:
    assert sine.rates["polygon"] is not None
    assert sine.rates["polygon"].exponent == pytest.approx(-2.0, abs=0.15)
    assert list(sine.rates) == ["bumps", "polygon", "curved", "relu/lbfgs", "relu/plain-adam"]


def test_networks_of_all_depths_have_about_as_many_parameters(sine: Approximation) -> None:
    table = sine.errors[sine.errors["study"] == "depth"]
    assert set(table["depth"]) == {1, 2}
    assert np.ptp(table["n_parameters"]) < 0.2 * table["n_parameters"].max()


def test_a_network_and_its_grid_have_about_as_many_parameters(sine: Approximation) -> None:
    table = sine.errors[sine.errors["study"] == "dimension"]
    for d in (1, 2):
        sizes = table[table["n_features"] == d]["n_parameters"]
        assert 0.75 * sizes.max() <= sizes.min()


def test_a_polynomial_activation_never_beats_the_best_parabola(sine: Approximation) -> None:
    rms = sine.errors[sine.errors["study"] == "polynomial"]["rms"]
    assert (rms > 0.99 * sine.parabola_rms).all()
    assert sine.parabola_rms > 0.3


def test_the_largest_error_at_a_jump_stays_at_half_of_it(sine: Approximation) -> None:
    table = sine.errors[sine.errors["study"] == "jump"]
    assert (table["max_error"] > 0.45 * 2.0).all()
    assert table["rms"][-1] < table["rms"][0]


def test_a_parabola_is_its_own_best_parabola() -> None:
    assert best_parabola(as_target("1 - x + 2*x**2", (3, 5))) < 1e-12


def test_the_same_call_gives_the_same_bits(sine: Approximation) -> None:
    again = tidu.approximate("sin(3*x)", (-1, 1), depths=(1, 2), dimensions=(1, 2), **QUICK)
    assert again.errors.tobytes() == sine.errors.tobytes()


def test_two_variables_have_towers_and_a_grid(plane: Approximation) -> None:
    assert list(summarize(plane.measurements, "width")) == ["towers", "relu/lbfgs", "relu/plain-adam", "grid"]
    assert not {"jump", "dimension"} & set(plane.errors["study"].tolist())
    sizes = plane.errors[plane.errors["method"] == "towers"]
    assert (sizes["n_units"] <= 16).all()


def test_data_have_no_constructions_and_are_judged_on_held_out_rows(rows: Approximation) -> None:
    assert not {"bumps", "polygon", "curved"} & set(rows.errors["method"].tolist())
    one = next(one for one in rows.measurements if one.study == "width")
    assert measure(one.approximant, rows.target.testing(0))[0] == one.rms


def test_without_training_there_are_constructions_alone() -> None:
    found = tidu.approximate("x*x", widths=(2, 4), optimizers=(), failures=False)
    assert set(found.errors["method"].tolist()) == {"bumps", "polygon", "curved"}
    assert all(isinstance(network, Network) for network in found.networks.values())


@pytest.mark.parametrize(("n_features", "n_samples"), [(1, 4096), (5, 2048)])
def test_a_trained_network_stays_near_its_target_between_the_samples(n_features: int, n_samples: int) -> None:
    # A unit that bends at the outermost sample is on there by rounding alone: no weight may be built on that.
    target = in_dimension(as_target("sin(3*x)"), n_features)
    samples, between = target.training(n_samples), target.testing(4096)
    for seed in range(5):
        network = train(samples.X, samples.y, (64,), seed=seed, epochs=0).network
        assert measure(network, between)[1] < 10.0


def test_progress_is_told_from_the_first_to_the_last() -> None:
    told: list[tuple[int, int]] = []
    tidu.approximate("x", widths=(2, 4), optimizers=(), failures=False, progress=lambda *now: told.append(now))
    assert told == [(n, 6) for n in range(7)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["sine", "plane", "rows"])
def test_every_picture_is_well_formed_and_every_page_needs_nothing_else(
    name: str, lang: str, request: pytest.FixtureRequest
) -> None:
    found: Approximation = request.getfixturevalue(name)
    for picture in found.pictures:
        svg = found.to_svg(picture, lang)
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "∅" not in svg
    page = Page(found.to_html(lang, "tidu approximate"))
    assert page.problems == []
    assert [link for link in page.loads if not link.startswith("data:")] == []
    assert page.tags.count("svg") == len(found.pictures)
    assert "script" not in page.tags
    assert ElementTree.fromstring(found._repr_html_()).tag == "div"


def test_pictures_are_those_that_there_is_something_to_draw_for(
    sine: Approximation, plane: Approximation, rows: Approximation
) -> None:
    everything = ("target", "rms", "max", "depth", "dimension", "pieces", "polynomial", "jump", "outside")
    assert sine.pictures == everything
    assert plane.pictures == ("target", "rms", "max", "polynomial")
    assert rows.pictures == ("target", "rms", "max", "pieces", "polynomial", "outside")
    with pytest.raises(ParameterError, match="there is no picture 'jump'"):
        plane.to_svg("jump")


def test_the_noise_floor_of_data_is_what_an_assessment_finds(rows: Approximation) -> None:
    assert rows.noise_floor == pytest.approx(0.1, abs=0.02)
    assert tidu.approximate("x", dimensions=(), depths=(1,), **QUICK).noise_floor is None
    exact = np.linspace(0.0, 1.0, 150), np.sin(5 * np.linspace(0.0, 1.0, 150))
    assert tidu.approximate(exact, depths=(1,), **QUICK | {"optimizers": "plain-adam"}).noise_floor is None


def test_the_bound_is_labelled_as_a_bound_and_the_noise_floor_is_a_line(rows: Approximation) -> None:
    svg = rows.to_svg("rms")
    assert "slope n^-1/2 of Barron's upper bound</text>" in svg
    assert "noise floor 0.1" in svg


def test_the_band_of_seeds_is_drawn(sine: Approximation) -> None:
    assert sine.to_svg("rms").count('class="band"') == 2


def test_the_text_has_every_method_with_its_rate(sine: Approximation) -> None:
    text = sine.text()
    assert text.startswith("sin(3*x), x ∈ [-1, 1]")
    for line in ("bumps ", "polygon, equal knots ", "relu trained, L-BFGS ", "relu, random start, Adam "):
        assert line in text
    assert re.search(r"polygon, equal knots.*n\^-\d\.\d\d \[-\d\.\d\d, -\d\.\d\d\]", text)
    assert "with 16 units" in text.lower()
    assert str(sine) == text
    assert "隐藏单元数" in sine.text("zh")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"widths": ()}, "widths must be at least one"),
        ({"widths": (4.5,)}, "widths must be whole numbers"),
        ({"widths": 4}, "widths must be whole numbers"),
        ({"depths": (0,)}, "depths must be whole numbers from 1"),
        ({"activations": ("bent",)}, "bent"),
        ({"activations": ()}, "at least one name"),
        ({"activations": "softmax"}, "mixes the units"),
        ({"optimizers": ("sgd",)}, "lbfgs, adam, plain-adam"),
        ({"seeds": 0}, "seeds must be"),
        ({"n_samples": 2}, "n_samples must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"noise_floor": -1.0}, "noise_floor must be"),
        ({"noise_floor": "a"}, "noise_floor must be"),
        ({"dimensions": None}, "dimensions must be whole numbers"),
        ({"activations": None}, "activations must be one name or several"),
        ({"optimizers": 3}, "optimizers must be one name or several"),
        ({"widths": (100_000,)}, "at most 4,096 where networks are trained by lbfgs"),
        ({"target": "sum(x)"}, "function of each point alone"),
        ({"domain": (2, 1)}, "low below high"),
        ({"target": "1/x"}, "give a domain where it is a finite number"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(TiduError) as caught:
        tidu.approximate(**{"target": "sin(x)", **wrong})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_function_that_is_not_finite_somewhere_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(DataError):
        tidu.approximate("log(x)", (-1, 1), widths=(2,))


def test_nothing_to_measure_is_said_and_not_shown_as_an_empty_table() -> None:
    x = np.linspace(0.0, 1.0, 30)
    with pytest.raises(ParameterError, match=r"nothing stands for y at widths 2: .* give more widths or optimizers"):
        tidu.approximate((x, x), widths=(2,), optimizers=(), failures=False)


def test_a_built_network_without_error_is_compared_with_no_ratio() -> None:
    text = tidu.approximate("x", optimizers=("plain-adam",), depths=(1,), dimensions=(), **QUICK | {"seeds": 1}).text()
    assert "Existence is not learning. With 16 units a network was built that errs by 0." in text
    assert "times as much" not in text


def test_that_existence_is_not_learning_is_said_only_where_it_shows(sine: Approximation) -> None:
    trained = [one for one in sine.measurements if one.method != "relu/plain-adam"]
    assert max(one.rms for one in trained if one.method == "relu/lbfgs" and one.size == 16) < 0.009
    assert "Existence" in sine.text()
    learned = replace(sine, measurements=tuple(trained)).text()
    assert "With 16 units a network was built" in learned
    assert "Existence" not in learned


def test_a_parabola_is_no_example_of_what_a_polynomial_cannot() -> None:
    found = tidu.approximate("1 - 2*x + x*x", optimizers=(), **QUICK)
    assert found.parabola_rms == 0
    assert "polynomial" not in found.pictures


def test_the_best_parabola_of_a_few_rows_in_many_variables_is_not_told() -> None:
    rng = np.random.default_rng(0)
    assert np.isnan(best_parabola(as_target((rng.normal(size=(90, 6)), rng.normal(size=90)))))
    assert best_parabola(as_target((rng.normal(size=(90, 2)), rng.normal(size=90)))) > 0.1


def test_a_pole_outside_the_domain_does_not_flatten_the_picture() -> None:
    found = tidu.approximate("1/x", (0.1, 1), optimizers=(), **QUICK)
    x = re.findall(r">(-?\d+)</text>", found.to_svg("outside"))
    assert max(abs(int(tick)) for tick in x) <= 40


def test_the_line_of_the_bound_never_falls_below_the_noise() -> None:
    assert _barron([4, 16], 2.0, 0.0) == [(4, 2.0), (16, 1.0)]
    assert _barron([4, 400], 2.0, 1.5)[1][1] == pytest.approx(1.5, abs=0.01)
    assert _barron([4, 400], 2.0, 3.0) == [(4, 2.0), (400, 2.0)]


def test_depth_is_shown_with_both_errors(sine: Approximation) -> None:
    assert "RMS error by number L of hidden layers" in sine.text()
    assert "Largest error by number L of hidden layers" in sine.text()
    assert sine.depth_rates == {"relu/lbfgs": None}  # two depths leave nothing to tell an interval by
    svg = sine.to_svg("depth")
    assert svg.count('class="band"') == 2
    assert "relu trained, L-BFGS: largest error" in svg


def test_three_depths_have_a_rate_with_its_interval() -> None:
    found = tidu.approximate("sin(3*x)", depths=(1, 2, 3), dimensions=(), **QUICK)
    rate = found.depth_rates["relu/lbfgs"]
    assert rate is not None
    assert rate.low < rate.exponent < rate.high
    assert found.text().count("L^") == 2
    power = f"RMS error ∝ L^{rate.exponent:.2f}"  # in a legend, which has no room for the interval, only if certain
    assert (power in found.to_svg("depth")) == rate.is_certain


def test_of_many_variables_the_first_are_named() -> None:
    rng = np.random.default_rng(0)
    line = described(as_target((rng.uniform(size=(30, 64)), rng.normal(size=30))), "en")
    assert "x5 ∈" in line
    assert "x6" not in line
    assert "and 58 variables more" in line
