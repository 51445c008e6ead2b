"""What an explanation holds, and the forms in which it can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation
from tidu.explanation.latex import write_latex
from tidu.explanation.page import write_fragment, write_page
from tidu.explanation.picture import draw, write_dot
from tidu.explanation.steps import Step, steps_back, work_out
from tidu.explanation.text import write_text

__all__ = ["Explanation"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """The values and gradients of all nodes of one call; made by `tidu.explain`.

    Parameters
    ----------
    graph : Graph
        What was computed.
    order : tuple of Node
        Its nodes in the order in which the user's code made them.
    names : mapping of Node to str
        What each is called here.
    texts : mapping of Node to str
        Of an expression: the text of each sub-expression.
    title : str
        The call, as ``f(x, y)``.
    values : mapping of Node to ndarray
        What each node is worth.
    gradients : mapping of Node to ndarray
        The gradient of the result with respect to each node that it flows through.
    variables : tuple of Node
        The inputs that vary; the others are data.
    chosen : bool
        Whether the user chose the variables.
    """

    graph: Graph
    order: tuple[Node, ...]
    names: Mapping[Node, str]
    texts: Mapping[Node, str]
    title: str
    values: Mapping[Node, object]
    gradients: Mapping[Node, object]
    variables: tuple[Node, ...]
    chosen: bool

    @property
    def value(self) -> object:
        """The result; a tuple if there are several."""
        values = tuple(_plain(node, self.values[node]) for node in self.graph.outputs)
        return values[0] if len(values) == 1 else values

    @property
    def gradient(self) -> dict[str, object]:
        """The gradient of the result with respect to each variable, by its path: ``params['W']``."""
        return {node.name: _plain(node, self.gradients[node]) for node in self.variables}

    @property
    def forward(self) -> tuple[Node, ...]:
        """The nodes that compute something, in the order of the user's code."""
        return tuple(node for node in self.order if isinstance(node.op, (Operation, Call)))

    @property
    def data(self) -> tuple[Node, ...]:
        """The inputs that do not vary."""
        return tuple(node for node in self.graph.inputs if node not in self.variables)

    @cached_property
    def passed(self) -> tuple[tuple[Node, tuple[Node, ...]], ...]:
        """The nodes that the gradient passes, from the result to the inputs, each with its results."""
        return tuple(steps_back(self.order, self.gradients))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The chain rule at every node, from the result to the inputs."""
        return tuple(self.step(node, results) for node, results in self.passed)

    def step(self, node: Node, results: tuple[Node, ...]) -> Step:
        """Work out the chain rule at one node of `passed`."""
        return work_out(node, results, self.values, self.gradients)

    @property
    def result_name(self) -> str:
        """What the result is called: by the user's variable, else by the function."""
        outputs = self.graph.outputs
        return self.names[outputs[0]] if len(outputs) == 1 else self.graph.name

    def symbol(self, node: Node) -> str:
        """Return how the gradient with respect to `node` is written: ``df/dx``."""
        name = self.names[node]
        return f"d{self.result_name}/d{name}" if name.isidentifier() else f"d{self.result_name}/d({name})"

    def is_constant(self, node: Node) -> bool:
        """Tell whether a node is a number written in the program."""
        return isinstance(node.op, Literal)

    def is_input(self, node: Node) -> bool:
        """Tell whether a node is an argument or a value from outside."""
        return isinstance(node.op, Input)

    def text(self, lang: str = "en", limit: int = 200) -> str:
        """Return the explanation step by step, as plain text.

        Parameters
        ----------
        lang : {"en", "zh"}
            The language.
        limit : int
            At most so many steps are written forward, and as many backward; how many are left out is said.
        """
        return write_text(self, lang, limit)

    def to_svg(self, lang: str = "en", limit: int = 300) -> str:
        """Return the graph as a picture, the value above and the gradient below every edge.

        Raises
        ------
        ParameterError
            If the graph has more than `limit` nodes.
        """
        return draw(self, lang, limit)

    def to_html(self, lang: str = "en", limit: int = 200) -> str:
        """Return one self-contained page with the picture and the text."""
        return write_page(self, lang, limit)

    def to_dot(self) -> str:
        """Return the graph in Graphviz's language."""
        return write_dot(self)

    def to_latex(self, limit: int = 200) -> str:
        """Return the forward and backward steps as an ``align*`` of LaTeX."""
        return write_latex(self, limit)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        inputs = ", ".join(self.names[node] for node in self.graph.inputs)
        return f"<explanation of {self.graph.name}({inputs}), {len(self.forward)} steps>"

    def _repr_html_(self) -> str:
        return write_fragment(self, "en", 200)


def _plain(node: Node, value: object) -> object:
    """Return a Python float where only Python floats went in."""
    return np.asarray(value).item() if node.spec.weak or node.spec.shape == () else value
