"""How is a function learned from data: `fit`, for any loss that is written in NumPy.

Here arguments are checked and the parts are put together; each part has a file of its own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.config import parse_bytes
from tidu.errors import ConvergenceError, ParameterError
from tidu.learn.batches import TrainingData, as_training_data
from tidu.learn.descent import Position, descend
from tidu.learn.history import FitResult, Stopped
from tidu.learn.lbfgs import LBFGS, minimize
from tidu.learn.optimizers import Adam, Optimizer, Tree
from tidu.learn.order import Order, as_order
from tidu.learn.probe import check_loss, checked_params, plan_lbfgs, plan_memory
from tidu.learn.progress import Reporter, make_reporter
from tidu.learn.schedules import as_schedule, require_number
from tidu.learn.session import Callback, Session
from tidu.learn.step import LossFunction, loss_function, make_step
from tidu.learn.steps import make_steps
from tidu.learn.validation import Metrics, Validation, make_validation, validation_rows
from tidu.native.threads import using_threads
from tidu.nn.random import key as make_key
from tidu.nn.random import split
from tidu.trace.tree import map_tree

__all__ = ["fit"]

_LBFGS_EPOCHS = 200


def fit(
    loss: Callable[..., object],
    params: Tree,
    data: object,
    *,
    optimizer: Optimizer | LBFGS | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    shuffle: bool | NDArray[np.integer] | Sequence[NDArray[np.integer]] = True,
    validation: object = None,
    eval_loss: Callable[..., object] | None = None,
    metrics: Metrics | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    clip_norm: float | None = None,
    memory_limit: str | int | None = None,
    threads: int | None = None,
    checkpoint_dir: str | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] = (),
    progress: bool | Reporter = True,
    gradient_norms: bool = False,
    bfloat16: bool = False,
    continue_from: FitResult | None = None,
) -> FitResult:
    """Find parameters that make a loss small over data.

    Parameters
    ----------
    loss : callable
        ``loss(params, batch)`` -> one real number, in plain NumPy; or ``loss(params, batch, key)`` where it
        draws random numbers with `tidu.nn.random`. Class and sample weights and penalties are its business.
    params : nested arrays
        Where to start: dicts, lists, tuples or dataclasses of float32 or float64 arrays. They are not
        changed.
    data : nested arrays
        With one leading axis in common; a batch has the same nesting. Columns may be block sources of
        `tidu.data`, which are read from disk batch by batch.
    optimizer : Optimizer or LBFGS, optional
        By default ``Adam(1e-3)``. `LBFGS` takes all rows at once and no shuffling, batches or clipping.
    epochs : int, optional
        By default 10, for `LBFGS` at most 200 iterations, with row numbers what they describe.
    batch_size : int, optional
        Rows of a step, by default 128; the last, smaller batch of an epoch is kept.
    seed : int
        Of shuffling, held-out rows and the loss's key. The same seed gives the same bits.
    shuffle : bool or row numbers
        True: a new order in every epoch. Row numbers of shape (steps, batch_size), or one array for each
        step, describe the whole run, to replay that of another library exactly.
    validation : nested arrays, float or callable, optional
        Rows like `data`; or a fraction of the rows to hold out; or ``score(params)`` -> float, higher is
        better.
    eval_loss : callable, optional
        ``eval_loss(params, batch)`` for validation; by default the loss, without its key.
    metrics : mapping of str to callable, optional
        ``metric(params, batch)`` -> mean over the batch, measured on the validation rows.
    patience : int, optional
        Stop after so many epochs without improvement of the score, of the validation loss, or, without
        validation, of the loss.
    min_delta : float
        What counts as an improvement, in the unit of what is watched.
    clip_norm : float, optional
        Gradients whose global norm is larger are scaled down to it.
    memory_limit : int or str, optional
        Bytes, or an amount such as ``"512MB"``, that arrays of a run may take, `data` and `params`
        themselves left out.
    threads : int, optional
        How many share a step, and whatever else is compiled for the run. By default as many as there are processors,
        and one where steps are so small that sharing them does not pay. The bits of the result do not depend on it.
    gradient_norms : bool
        Whether each epoch's record has the mean norms of the gradients. It takes a pass over them in each step.
    checkpoint_dir : None
        Checkpoints, and with them `resume`, are not there yet.
    resume : bool
        False.
    callbacks : sequence of callable
        Each is called ``callback(record, params)`` after every epoch; if one returns something true, the
        run ends.
    progress : bool or Reporter
        Show a bar on standard error, in a terminal or a notebook.
    bfloat16 : bool
        Whether matrix products of float32 round their operands to bfloat16 (8 bits of precision instead of 24)
        and add up in float32: faster where the processor has such products, and less exact.
    continue_from : FitResult, optional
        Go on from an earlier run: its optimizer state and its count of steps and epochs. `params` are
        then usually its `last_params`.

    Returns
    -------
    FitResult
        With validation, `params` are those of the best epoch. Ctrl-C ends the run in order, with
        ``stopped="interrupted"`` and the best so far.

    Raises
    ------
    DataError
        If the data are empty, have different leading axes, or hold a NaN, an infinity or no numbers.
    ParameterError
        If an argument has a value that is not accepted, or two of them disagree.
    ShapeError, DtypeError
        If the loss does not return one real number, or parameters are not real.
    BudgetError
        If `memory_limit` is too small; `needed` and `plan` are its attributes.
    UnsupportedError
        If `bfloat16` is wanted and the processor has no such products.
    ConvergenceError
        If the loss, the parameters or the validation are not finite. Its attribute `result` is a FitResult
        with the best so far, or the parameters of the last epoch that was finite.

    Warns
    -----
    TiduWarning
        If integers such as pixels turn a float32 model into float64; if the loss has an operation without
        native code, so that every step runs node by node.

    Notes
    -----
    The step is traced once for each length of batch, and compiled: rows are gathered, the loss is differentiated
    and the parameters are changed, for as many steps as fit into a tenth of a second, without returning to
    Python. Arrays that the loss takes from its surroundings are read once, when the run begins.

    The key of step t is ``fold_in(key(seed), t)``, t from 1. The loss of an epoch is the mean over its rows.

    Examples
    --------
    >>> import tidu
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> y = 2.0 * X[:, 0] + 1.0
    >>> def loss(params, batch):
    ...     X, y = batch
    ...     return np.mean((X @ params["W"] + params["b"] - y) ** 2)
    >>> r = tidu.fit(loss, {"W": np.zeros(1), "b": 0.0}, (X, y), optimizer=tidu.LBFGS())
    >>> r.params["W"].round(3), float(r.params["b"].round(3)), r.stopped
    (array([2.]), 1.0, 'early')
    """
    _refuse_later(checkpoint_dir, resume)
    _check_kinds(threads, bfloat16, callbacks, continue_from)
    chosen = _checked(Adam(1e-3) if optimizer is None else optimizer, patience, min_delta, clip_norm)
    called = loss_function(loss)
    start = checked_params(params)
    root = make_key(seed)
    shuffle_key, held_key = np.asarray(split(root))
    held, training = validation_rows(validation, as_training_data(data), held_key)
    if isinstance(validation, (int, float, np.number)) and not isinstance(shuffle, (bool, np.bool_)):
        raise ParameterError(
            "row numbers and a fraction of held-out rows disagree; give the validation rows themselves", got=validation
        )
    if isinstance(chosen, LBFGS):
        _require_full_batch(called, batch_size, shuffle, clip_norm)
        batch_size, epochs = len(training), _LBFGS_EPOCHS if epochs is None else epochs
    order = as_order(
        shuffle,
        n_rows=len(training),
        batch_size=batch_size,
        epochs=epochs,
        key=shuffle_key,
        first_epoch=continue_from.n_epochs if continue_from else 0,
    )
    judge = make_validation(validation, held, called, eval_loss, metrics, order.batch_size)
    check_loss(called, start, training.specs(order.batch_size), root)
    session = Session(
        start,
        judge,
        patience=patience,
        min_delta=min_delta,
        callbacks=callbacks,
        reporter=make_reporter(progress),
        first_epoch=order.first_epoch,
    )
    limit = None if memory_limit is None else parse_bytes(memory_limit)
    run = _Run(
        called, chosen, training, order, judge, session, root, clip_norm, limit, threads, gradient_norms, bfloat16
    )
    with using_threads(threads):  # what judges, and what L-BFGS evaluates, are planned in there as well
        return run.from_(start, continue_from)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run whose parts are checked."""

    loss: LossFunction
    optimizer: Optimizer | LBFGS
    data: TrainingData
    order: Order
    validation: Validation | None
    session: Session
    key: NDArray[np.uint64]
    clip_norm: float | None
    limit: int | None
    n_threads: int | None
    with_norms: bool
    bfloat16: bool

    def from_(self, params: Tree, earlier: FitResult | None) -> FitResult:
        """Run, and gather what came of it."""
        began_s = time.perf_counter()
        position = Position((params, self._state(params, earlier), earlier.n_steps if earlier else 0))
        work = self._prepared(position)
        stopped: Stopped
        try:
            with self.session.reporter:
                self.session.reporter.start(self.order.n_steps)
                stopped = work()
        except KeyboardInterrupt:
            stopped = "interrupted"
        except ConvergenceError as error:
            position.now = (self.session.sound, None, position.now[2])
            result = self._result(position, "diverged", time.perf_counter() - began_s)
            raise ConvergenceError(str(error), **{**error.facts, "result": result}) from None
        return self._result(position, stopped, time.perf_counter() - began_s)

    def _state(self, params: Tree, earlier: FitResult | None) -> Tree:
        if isinstance(self.optimizer, LBFGS):
            return {}
        if earlier is None or earlier.optimizer_state is None:
            return self.optimizer.init(params)
        return earlier.optimizer_state

    def _prepared(self, position: Position) -> Callable[[], Stopped]:
        """Return the work to do, its memory having been planned."""
        params, state, _ = position.now
        if isinstance(self.optimizer, LBFGS):
            settings = self.optimizer
            if self.limit is not None:
                plan_lbfgs(settings, self.loss, params, self.data, self.validation).require(self.limit)
            whole = self.data.whole()
            return lambda: minimize(settings, self.loss, position, whole, self.order.n_epochs, self.session)
        step = make_step(self.loss, self.optimizer, self.clip_norm, with_norms=self.with_norms)
        length = self.order.longest
        steps = make_steps(
            step,
            params,
            state,
            self.data,
            self.key,
            length=length,
            n_threads=self.n_threads,
            limit=self.limit,
            bfloat16=self.bfloat16,
        )
        if self.limit is not None:
            plan_memory(steps, step, params, state, self.key, self.data, self.order, self.validation).require(
                self.limit
            )
        schedule = as_schedule(self.optimizer.learning_rate)
        position.now = (*steps.now(), position.now[2])
        return lambda: descend(steps, position, self.order, schedule, self.session)

    def _result(self, position: Position, stopped: Stopped, elapsed_s: float) -> FitResult:
        last, state, n_steps = position.now
        last = map_tree(np.asarray, last)
        params, best_epoch = self.session.chosen(last)
        return FitResult(
            params=map_tree(np.asarray, params),
            last_params=last,
            optimizer_state=state,
            history=tuple(self.session.history),
            best_epoch=best_epoch,
            stopped=stopped,
            n_steps=n_steps,
            n_epochs=self.order.first_epoch + len(self.session.history),
            elapsed_s=elapsed_s,
        )


def _check_kinds(threads: object, bfloat16: object, callbacks: object, continue_from: object) -> None:
    if threads is not None:
        require_number("threads", threads, 1)
    for name, value, fits, expected in (
        ("threads", threads, threads is None or isinstance(threads, (int, np.integer)), "a whole number or None"),
        ("bfloat16", bfloat16, isinstance(bfloat16, (bool, np.bool_)), "True or False"),
        ("callbacks", callbacks, _are_callable(callbacks), "a list of functions callback(record, params)"),
        (
            "continue_from",
            continue_from,
            continue_from is None or isinstance(continue_from, FitResult),
            "the FitResult of an earlier run, or None",
        ),
    ):
        if not fits:
            raise ParameterError(f"{name} must be {expected}; got {value!r}", name=name, got=value)


def _are_callable(callbacks: object) -> bool:
    return isinstance(callbacks, (list, tuple)) and all(callable(x) for x in callbacks)


def _refuse_later(checkpoint_dir: object, resume: object) -> None:
    if checkpoint_dir is not None or resume:
        raise ParameterError(
            "this version writes no checkpoints: leave out checkpoint_dir and resume; a run in the same process goes "
            "on with continue_from=",
            name="checkpoint_dir" if checkpoint_dir is not None else "resume",
            got=checkpoint_dir if checkpoint_dir is not None else resume,
        )


def _checked(optimizer: object, patience: int | None, min_delta: float, clip_norm: float | None) -> Optimizer | LBFGS:
    if isinstance(optimizer, type) or not isinstance(optimizer, (Optimizer, LBFGS)):
        raise ParameterError(
            f"optimizer must be an optimizer such as tidu.Adam(1e-3); got {optimizer!r}",
            name="optimizer",
            got=optimizer,
        )
    if patience is not None:
        require_number("patience", patience, 1)
    require_number("min_delta", min_delta, 0.0)
    if clip_norm is not None:
        require_number("clip_norm", clip_norm, 0.0, math.inf, open_low=True)
    return optimizer


def _require_full_batch(loss: LossFunction, batch_size: object, shuffle: object, clip_norm: object) -> None:
    for name, value, usual in (
        ("batch_size", batch_size, None),
        ("clip_norm", clip_norm, None),
    ):
        if value != usual:
            raise ParameterError(
                f"L-BFGS takes all rows at once; leave {name} out, got {value!r}", name=name, got=value
            )
    if not isinstance(shuffle, (bool, np.bool_)):
        raise ParameterError("L-BFGS takes all rows at once; leave the row numbers out", name="shuffle", got=shuffle)
    if loss.needs_key:
        raise ParameterError(
            "L-BFGS needs a loss without random numbers; let the loss take key=None, or use another optimizer",
            name="loss",
        )
