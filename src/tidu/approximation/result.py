"""What was found on the way to approximate a target, and the forms in which it can be had?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.folding import Folding
from tidu.approximation.measuring import Measurement
from tidu.approximation.network import Network
from tidu.approximation.page import write_fragment, write_page
from tidu.approximation.pictures import draw, drawn
from tidu.approximation.rates import Rate
from tidu.approximation.settings import Settings
from tidu.approximation.summary import error_rates, error_table
from tidu.approximation.targets import Target
from tidu.approximation.text import write_text

__all__ = ["Approximation"]


@dataclass(frozen=True, slots=True, eq=False)
class Approximation:
    """Networks that approximate a target, built and trained, and their errors; made by `tidu.approximate`.

    Attributes
    ----------
    target : Target
        What was approximated: ``.name``, ``.names``, ``.domain``; call it for its values.
    settings : Settings
        What was tried.
    measurements : tuple of Measurement
        Every approximant with its errors.
    foldings : tuple of Folding
        Straight pieces by depth; of a target of one variable.
    parabola_rms : float
        The least root mean square error of any polynomial of degree 2, in units of the target; NaN where there are
        too few points to tell.
    noise_floor : float or None
        The root mean square error that noise in the data forbids to go below, if it is known.

    Examples
    --------
    >>> import tidu
    >>> a = tidu.approximate("abs(x)", widths=[4, 8, 16], depths=[1], optimizers=[], dimensions=[], failures=False)
    >>> round(a.rates["bumps"].exponent, 1)
    -1.0
    """

    target: Target
    settings: Settings
    measurements: tuple[Measurement, ...]
    foldings: tuple[Folding, ...]
    parabola_rms: float
    noise_floor: float | None = None

    @property
    def errors(self) -> NDArray[np.void]:
        """All errors as a table: a structured array of shape (n_measurements,).

        Its columns are study, method, n_features, n_units, depth, n_parameters, seed (-1 for none), rms and
        max_error; ``pandas.DataFrame(a.errors)`` takes it as it is.
        """
        return error_table(self.measurements)

    @property
    def rates(self) -> Mapping[str, Rate | None]:
        """By method, the power of the width with which the median RMS error falls; None for fewer than 3 widths."""
        return error_rates(self.measurements)

    @property
    def depth_rates(self) -> Mapping[str, Rate | None]:
        """Likewise the power of the number of hidden layers, at about equally many parameters."""
        return error_rates(self.measurements, study="depth")

    @property
    def networks(self) -> Mapping[tuple[str, int, int | None], Network]:
        """By method, hidden units and seed (None for built ones), the networks of one hidden layer."""
        return {
            (one.method, one.n_units, one.seed): one.network
            for one in self.measurements
            if one.study == "width" and one.network is not None
        }

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the pictures that there are, for `to_svg`."""
        return drawn(self)

    def text(self, lang: str = "en") -> str:
        """Return errors and rates as tables of plain text.

        Parameters
        ----------
        lang : {"en", "zh"}
            The language.
        """
        return write_text(self, lang)

    def to_svg(self, picture: str = "rms", lang: str = "en") -> str:
        """Return one picture.

        Parameters
        ----------
        picture : str
            One of `pictures`: ``target``, ``rms``, ``max``, ``depth``, ``dimension``, ``pieces``, ``polynomial``,
            ``jump``, ``outside``.
        lang : {"en", "zh"}
            The language.

        Raises
        ------
        ParameterError
            If there is no such picture for this target.
        """
        return draw(self, picture, lang)

    def to_html(self, lang: str = "en", command: str = "") -> str:
        """Return one self-contained page with all pictures and numbers.

        Parameters
        ----------
        lang : {"en", "zh"}
            The language.
        command : str
            The command line that makes it again, if there is one.
        """
        return write_page(self, lang, command)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<approximation of {self.target.name}, {len(self.measurements)} measurements>"

    def _repr_html_(self) -> str:
        return write_fragment(self, "en")
