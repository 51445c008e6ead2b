"""Pieces are counted exactly, also those that no grid of points would show."""

from __future__ import annotations

import numpy as np
import pytest

from tidu.approximation import Network, bumps, count_pieces, relu_interpolant, tent_map
from tidu.approximation.folding import count_foldings
from tidu.errors import ParameterError


@pytest.mark.parametrize("depth", [1, 2, 5, 10])
def test_each_layer_of_the_tent_map_doubles_its_pieces(depth: int) -> None:
    assert count_pieces(tent_map(depth), (0.0, 1.0)) == 2**depth


def test_a_part_of_the_interval_has_a_part_of_the_pieces() -> None:
    assert count_pieces(tent_map(3), (0.0, 0.25)) == 2
    assert count_pieces(tent_map(3), (-1.0, 2.0)) == 8 + 2


def test_a_polygon_has_a_piece_for_each_unit() -> None:
    assert count_pieces(relu_interpolant(np.sin, (0.0, 3.0), 40), (0.0, 3.0)) == 40


def test_kinks_closer_than_a_grid_would_see_are_counted() -> None:
    near = np.nextafter(0.5, 1.0)
    network = Network(
        ({"W": np.ones((1, 2)), "b": np.array([-0.5, -near])}, {"W": np.array([[1.0], [1.0]]), "b": np.zeros(1)}),
        ("relu",),
    )
    assert count_pieces(network, (0.0, 1.0)) == 3


def test_bends_that_cancel_leave_one_piece() -> None:
    network = Network(
        ({"W": np.array([[1.0, -1.0]]), "b": np.zeros(2)}, {"W": np.array([[1.0], [-1.0]]), "b": np.zeros(1)}),
        ("relu",),
    )
    assert count_pieces(network, (-1.0, 1.0)) == 1


def test_no_single_layer_has_more_pieces_than_units_and_one() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        layers = (
            {"W": rng.normal(size=(1, 9)), "b": rng.normal(size=9)},
            {"W": rng.normal(size=(9, 1)), "b": np.ones(1)},
        )
        assert count_pieces(Network(layers, ("relu",)), (-1e6, 1e6)) == 10


def test_other_networks_are_refused() -> None:
    with pytest.raises(ParameterError):
        count_pieces(bumps(np.sin, (0.0, 1.0), 2), (0.0, 1.0))
    wide = Network(({"W": np.ones((2, 1)), "b": np.zeros(1)},), ())
    with pytest.raises(ParameterError):
        count_pieces(wide, (0.0, 1.0))


def test_depth_ten_with_twenty_units_gives_1024_pieces_and_one_layer_21() -> None:
    last = count_foldings()[-1]
    assert (last.depth, last.n_units, last.tent, last.one_layer) == (10, 20, 1024, 21)
    assert last.random < 21
