"""What did the user ask of the main job?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tidu.data.target import Task
from tidu.words import Language

__all__ = ["FitSettings"]

_SAMPLES_SHOWN = 1_000_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 10, 200


@dataclass(frozen=True, slots=True)
class FitSettings:
    """The options of ``tidu fit``.

    Attributes
    ----------
    data : str
        A path or the name of a bundled data set.
    command : str
        The command line that does the same again.
    target : str or None
        Which part of the data is the target.
    out : Path
        Folder for the results.
    test_fraction : float
        Share of the rows that is held out (dimensionless), unless the data have a test part.
    hidden : tuple of int
        Widths of the hidden layers.
    epochs : int or None
        Most passes over the training data; None adapts to their size.
    batch_size, learning_rate, k, seed
        As on the command line.
    models : tuple of str
        Some of "linear", "network", "knn".
    memory_limit : int or None
        The most to allocate, in bytes.
    threads : int or None
        How many share the work of a network's step; None leaves it to the machine. Results do not depend on it.
    task : "classification", "regression" or None
        None looks at the target.
    assess : bool
        Whether the training rows are assessed before models are fitted.
    lang : str
        Language of what is printed and reported.
    """

    data: str
    command: str
    target: str | None = None
    out: Path = Path("tidu-fit")
    test_fraction: float = 0.2
    hidden: tuple[int, ...] = (100, 50)
    epochs: int | None = None
    batch_size: int = 128
    learning_rate: float = 1e-3
    models: tuple[str, ...] = ("linear", "network", "knn")
    k: int = 5
    seed: int = 0
    memory_limit: int | None = None
    threads: int | None = None
    task: Task | None = None
    assess: bool = True
    lang: Language = "en"

    def most_epochs(self, n_samples: int) -> int:
        """Return the passes over so many samples that are made at most.

        Examples
        --------
        >>> settings = FitSettings("digits", "tidu fit digits")
        >>> [settings.most_epochs(n) for n in (1_000, 45_000, 1_000_000)]
        [200, 22, 10]
        """
        if self.epochs is not None:
            return self.epochs
        return min(max(_SAMPLES_SHOWN // max(n_samples, 1), _FEWEST_EPOCHS), _MOST_EPOCHS)
