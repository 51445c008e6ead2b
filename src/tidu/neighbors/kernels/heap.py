"""How does native code keep the k nearest of a query?

In a heap with the farthest on top: a pair that is nearer takes its place and sinks. Pairs are ordered by (key,
index), so what is kept does not depend on the order in which pairs come. This file knows nothing of where keys
come from.
"""

from __future__ import annotations

from tidu.native.text import FunctionText, Kernel

__all__ = ["comes_before", "push_kernel"]


def push_kernel(key: str) -> Kernel:
    """Return the function ``push(keys, indices, key, index, k)`` for keys of LLVM's type `key`.

    The pair takes the place of the top, before which it must come.
    """
    text = FunctionText(["ptr", "ptr", key, "i64", "i64"])
    loop, inside, two, choose, test, move, place = map(
        text.label, ("sink", "inside", "two", "choose", "test", "move", "place")
    )
    at, next_child = text.label("%at"), text.label("%child")
    entry = text.block
    text.do(f"br label %{loop}")
    text.begin(loop)
    text.do(f"{at} = phi i64 [0, %{entry}], [{next_child}, %{move}]")
    left = text.value(f"add i64 {text.value(f'shl i64 {at}, 1')}, 1")
    right = text.value(f"add i64 {left}, 1")
    has_left = text.value(f"icmp ult i64 {left}, %p4")
    text.do(f"br i1 {has_left}, label %{inside}, label %{place}")
    text.begin(inside)
    has_right = text.value(f"icmp ult i64 {right}, %p4")
    text.do(f"br i1 {has_right}, label %{two}, label %{choose}")
    text.begin(two)
    pairs = [_load(text, key, child) for child in (left, right)]
    right_is_farther = comes_before(text, key, *pairs[0], *pairs[1])
    farther = text.value(f"select i1 {right_is_farther}, i64 {right}, i64 {left}")
    text.do(f"br label %{test}")
    text.begin(choose)
    text.do(f"br label %{test}")
    text.begin(test)
    text.do(f"{next_child} = phi i64 [{farther}, %{two}], [{left}, %{choose}]")
    child_key, child_index = _load(text, key, next_child)
    sinks = comes_before(text, key, "%p2", "%p3", child_key, child_index)
    text.do(f"br i1 {sinks}, label %{move}, label %{place}")
    text.begin(move)
    _store(text, key, at, child_key, child_index)
    text.do(f"br label %{loop}")
    text.begin(place)
    _store(text, key, at, "%p2", "%p3")
    return text.finish()


def comes_before(text: FunctionText, key: str, key_a: str, index_a: str, key_b: str, index_b: str) -> str:
    """Return whether pair a is nearer than pair b, or as near with the lower index."""
    less, equal = ("icmp slt", "icmp eq") if key == "i64" else ("fcmp olt", "fcmp oeq")
    nearer = text.value(f"{less} {key} {key_a}, {key_b}")
    tied = text.value(f"{equal} {key} {key_a}, {key_b}")
    earlier = text.value(f"icmp slt i64 {index_a}, {index_b}")
    return text.value(f"or i1 {nearer}, {text.value(f'and i1 {tied}, {earlier}')}")


def _load(text: FunctionText, key: str, at: str) -> tuple[str, str]:
    places = (text.offset(key, "%p0", at), text.offset("i64", "%p1", at))
    return text.value(f"load {key}, ptr {places[0]}"), text.value(f"load i64, ptr {places[1]}")


def _store(text: FunctionText, key: str, at: str, new_key: str, new_index: str) -> None:
    text.do(f"store {key} {new_key}, ptr {text.offset(key, '%p0', at)}")
    text.do(f"store i64 {new_index}, ptr {text.offset('i64', '%p1', at)}")
