"""How cotangents flow back through a graph: from each node to its operands, added up where paths meet.

The result is a graph on top of the given one: its nodes refer to the forward nodes themselves, so what
is known of the forward run need not be computed again, and the same passes serve both. References:
Griewank & Walther, Evaluating Derivatives (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidu.core.bind import Traced
from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation, Project
from tidu.core.primitive import NoGradient
from tidu.core.spec import Spec, is_differentiable
from tidu.core.structural import add, broadcast_to, fit
from tidu.core.value import Value
from tidu.errors import DtypeError
from tidu.trace.array import TracedArray
from tidu.trace.recorder import Recorder

__all__ = ["Pullback", "pull_back"]


@dataclass(frozen=True, slots=True)
class Pullback:
    """A graph that pulls cotangents back.

    Parameters
    ----------
    graph : Graph
        Inputs: those of the forward graph, then one cotangent for each of its outputs, then captured
        constants. Outputs: a cotangent for each differentiated input.
    captures : tuple
        Values of the captured constants.
    cotangents : dict of Node to Node
        For each forward node that the gradient passes, the node that holds its whole cotangent.
    """

    graph: Graph
    captures: tuple[object, ...]
    cotangents: dict[Node, Node]


def pull_back(graph: Graph, wrt: Sequence[bool]) -> Pullback:
    """Differentiate `graph` with respect to the inputs marked in `wrt`.

    Parameters
    ----------
    graph : Graph
        The forward graph.
    wrt : sequence of bool
        One for each input.

    Returns
    -------
    Pullback

    Raises
    ------
    DtypeError
        If a complex value lies on the way.
    """
    active = _active(graph, wrt)
    with Recorder(TracedArray, eager=False) as recorder:
        seeds = [Node(Input(f"ct{i}"), (), output.spec.strong) for i, output in enumerate(graph.outputs)]
        flow = _Flow(recorder, active)
        for output, seed in zip(graph.outputs, seeds, strict=True):
            if output in active:
                flow.arrive(output, recorder.wrap(seed))
        for node in reversed(graph.nodes):
            if node in active:
                flow.through(node)
        wanted = [node for node, flag in zip(graph.inputs, wrt, strict=True) if flag]
        outputs = tuple(flow.total(node).node for node in wanted)
    captured = tuple(node for node, _ in recorder.captures)
    backward = Graph((*graph.inputs, *seeds, *captured), outputs, f"{graph.name}_pullback")
    return Pullback(
        backward, tuple(value for _, value in recorder.captures), {n: x.node for n, x in flow.cotangents.items()}
    )


def _active(graph: Graph, wrt: Sequence[bool]) -> set[Node]:
    """Return the nodes that depend on a marked input through real floating-point values."""
    active = {node for node, flag in zip(graph.inputs, wrt, strict=True) if flag}
    for node in graph.nodes:
        if not any(operand in active for operand in node.operands):
            continue
        if node.spec.dtype.kind == "c":
            raise DtypeError(
                f"a complex value{f' ({node.source}: {node.source.place.text})' if node.source else ''} lies between "
                "an input and the result; complex values are not differentiated, split them into real and imaginary "
                "parts",
                source=node.source,
            )
        if is_differentiable(node.spec.dtype) or isinstance(node.op, Call):
            active.add(node)
    return active


class _Flow:
    """The cotangents that have arrived so far, in one recorder."""

    def __init__(self, recorder: Recorder, active: set[Node]) -> None:
        self.recorder = recorder
        self.active = active
        self.cotangents: dict[Node, Traced] = {}
        self._of_calls: dict[Node, dict[int, Traced]] = {}

    def arrive(self, node: Node, ct: object) -> None:
        """Add one more cotangent to what `node` has."""
        fitted = fit(ct, node.spec)  # type: ignore[arg-type]
        before = self.cotangents.get(node)
        total = fitted if before is None else add(before, fitted)
        self.cotangents[node] = self._own(total)

    def total(self, node: Node) -> Traced:
        """Return the cotangent of `node`, zeros if none arrived."""
        found = self.cotangents.get(node)
        return found if found is not None else self._zeros(node.spec)

    def through(self, node: Node) -> None:
        """Hand the cotangent of `node` on to its operands."""
        self.recorder.origin = node.source
        match node.op:
            case Operation():
                if node in self.cotangents:
                    self._through_operation(node, node.op)
            case Project(position=position):
                if node in self.cotangents:
                    self._of_calls.setdefault(node.operands[0], {})[position] = self.cotangents[node]
            case Call():
                if node in self._of_calls:
                    self._through_call(node, node.op)
            case Input() | Literal():
                pass

    def _through_operation(self, node: Node, op: Operation) -> None:
        ct = self.cotangents[node]
        wrapped = None
        for position, operand in enumerate(node.operands):
            rule = op.primitive.rule(position)
            if operand not in self.active or isinstance(rule, NoGradient):
                continue
            if wrapped is None:
                wrapped = [self.recorder.wrap(x) for x in (node, *node.operands)]
            if len(op.primitive.pullback) < len(node.operands) and position >= len(op.primitive.pullback) - 1:
                contribution = rule(ct, *wrapped, position=position, **op.params)
            else:
                contribution = rule(ct, *wrapped, **op.params)
            if contribution is not None:
                self.arrive(operand, contribution)

    def _through_call(self, node: Node, op: Call) -> None:
        received = self._of_calls[node]
        specs = [output.spec for output in op.body.outputs]
        outs = [self.recorder.wrap(Node(Project(i), (node,), spec, node.source)) for i, spec in enumerate(specs)]
        operands = [self.recorder.wrap(x) for x in node.operands]
        cts = [received.get(i) for i in range(len(specs))]
        for operand, contribution in zip(node.operands, op.pullback(cts, outs, operands), strict=True):
            if contribution is not None and operand in self.active:
                self.arrive(operand, contribution)

    def _own(self, value: Value | Traced) -> Traced:
        """Return `value` as a stand-in of this recorder (a rule may have returned a plain constant)."""
        return self.recorder.lift([value], promote=False)[0]

    def _zeros(self, spec: Spec) -> Traced:
        zero = Node(Literal(0.0), (), Spec((), spec.dtype))
        return self._own(broadcast_to(self.recorder.wrap(zero), spec.shape)) if spec.shape else self.recorder.wrap(zero)
