"""Nested containers of arrays, as a flat list and back.

Dicts, lists, tuples, namedtuples and dataclasses are containers and None is an empty one; anything
else is a leaf (a `Spec` too, which stands for an array not yet there). This file knows nothing of graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass

from tidu.core.spec import Spec
from tidu.errors import ShapeError

__all__ = ["Structure", "flatten", "leaf_paths", "map_tree", "unflatten"]


@dataclass(frozen=True, slots=True)
class Structure:
    """The containers around the leaves.

    Parameters
    ----------
    kind : type or None
        The container's type; None for a leaf.
    keys : tuple
        Keys of a dict, field names of a dataclass or namedtuple, positions of a list or tuple.
    children : tuple of Structure
        One for each key.
    """

    kind: type | None
    keys: tuple[object, ...] = ()
    children: tuple[Structure, ...] = ()

    @property
    def n_leaves(self) -> int:
        """Number of leaves."""
        return 1 if self.kind is None else sum(child.n_leaves for child in self.children)

    def __str__(self) -> str:
        if self.kind is None:
            return "*"
        inside = ", ".join(f"{key}: {child}" for key, child in zip(self.keys, self.children, strict=True))
        return f"{self.kind.__name__}({inside})"


LEAF = Structure(None)


def _children(tree: object) -> tuple[tuple[object, ...], tuple[object, ...]] | None:
    """Return keys and values of a container, or None for a leaf."""
    if tree is None:
        return (), ()
    if isinstance(tree, dict):
        try:
            keys = tuple(sorted(tree))
        except TypeError:
            keys = tuple(tree)
        return keys, tuple(tree[key] for key in keys)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return tuple(tree._fields), tuple(tree)
    if isinstance(tree, (list, tuple)):
        return tuple(range(len(tree))), tuple(tree)
    if is_dataclass(tree) and not isinstance(tree, (type, Spec)):
        names = tuple(item.name for item in fields(tree))
        return names, tuple(getattr(tree, name) for name in names)
    return None


def flatten(tree: object) -> tuple[list[object], Structure]:
    """Return the leaves of `tree`, in a fixed order, and its structure.

    Examples
    --------
    >>> leaves, structure = flatten({"W": [1.0, 2.0], "b": 3.0})
    >>> leaves, str(structure)
    ([1.0, 2.0, 3.0], 'dict(W: list(0: *, 1: *), b: *)')
    """
    leaves: list[object] = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree: object, leaves: list[object]) -> Structure:
    found = _children(tree)
    if found is None:
        leaves.append(tree)
        return LEAF
    keys, values = found
    return Structure(type(tree), keys, tuple(_flatten(value, leaves) for value in values))


def unflatten(structure: Structure, leaves: Sequence[object]) -> object:
    """Put `leaves` into containers of the given structure.

    Raises
    ------
    ShapeError
        If their number is wrong.
    """
    if len(leaves) != structure.n_leaves:
        raise ShapeError(
            f"{structure} has {structure.n_leaves} leaves, got {len(leaves)}",
            expected=structure.n_leaves,
            got=len(leaves),
        )
    return _unflatten(structure, iter(leaves))


def _unflatten(structure: Structure, leaves: Iterator[object]) -> object:
    kind = structure.kind
    if kind is None:
        return next(leaves)
    if kind is type(None):
        return None
    values = [_unflatten(child, leaves) for child in structure.children]
    if issubclass(kind, dict):
        return kind(zip(structure.keys, values, strict=True))
    if hasattr(kind, "_fields"):
        return kind(*values)
    if issubclass(kind, (list, tuple)):
        return kind(values)
    return _rebuild(kind, dict(zip(map(str, structure.keys), values, strict=True)))


def _rebuild(kind: type, values: dict[str, object]) -> object:
    """Make a dataclass of traced values without running its checks, which expect arrays."""
    made: object = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def leaf_paths(structure: Structure, root: str = "") -> list[str]:
    """Return how each leaf is reached from `root`: ``params['W'][0]``.

    Examples
    --------
    >>> leaf_paths(flatten({"W": [1.0, 2.0]})[1], "params")
    ["params['W'][0]", "params['W'][1]"]
    """
    if structure.kind is None:
        return [root]
    by_attribute = not issubclass(structure.kind, (dict, list)) and (
        hasattr(structure.kind, "_fields") or not issubclass(structure.kind, tuple)
    )
    paths = []
    for key, child in zip(structure.keys, structure.children, strict=True):
        paths += leaf_paths(child, f"{root}.{key}" if by_attribute else f"{root}[{key!r}]")
    return paths


def map_tree(function: Callable[..., object], tree: object, *others: object) -> object:
    """Apply `function` to the leaves of trees of one structure.

    Raises
    ------
    ShapeError
        If the structures differ.

    Examples
    --------
    >>> map_tree(lambda a, b: a + b, {"x": 1.0}, {"x": 2.0})
    {'x': 3.0}
    """
    leaves, structure = flatten(tree)
    columns = [leaves]
    for other in others:
        more, found = flatten(other)
        if found != structure:
            raise ShapeError(f"expected containers {structure}, got {found}", expected=structure, got=found)
        columns.append(more)
    return unflatten(structure, [function(*row) for row in zip(*columns, strict=True)])
