"""How does native code look for the nearest rows of many queries, a tile of small integers at a time?

A tile compares a panel of queries with a panel of rows (`tidu.neighbors.kernels.comparisons`). Sums start at what
makes them non-negative just where a pair may be near enough, so that one test of all signs dismisses a tile. What
passes is looked at again: the key is known from the sum, or computed from the rows themselves, and a pair that is
near goes into the heap of its query, whose threshold sinks. Threads take turns at groups of queries: nothing has to
be merged, and results do not depend on their number. This file knows nothing of where rows come from and of how
they became integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from tidu.native.machine import NativeCall, Processor, host, vector_bytes
from tidu.native.text import FunctionText, Kernel
from tidu.neighbors.kernels.comparisons import COMPARISONS, Comparison, Shape, shape_for
from tidu.neighbors.kernels.exact import exact_kernel, quick_kernel
from tidu.neighbors.kernels.heap import comes_before, push_kernel
from tidu.neighbors.kernels.rules import Scan, threshold_kernel
from tidu.neighbors.kernels.table import SCAN_SLOTS, Table, compiled, module_of, shared_text
from tidu.neighbors.kernels.tile import splat, write_sums

__all__ = ["Scan", "compiled_scan", "scan_scratch_bytes", "scan_text"]


def scan_scratch_bytes(shape: Shape, comparison: Comparison, exact_bytes: int) -> int:
    """Return the scratch memory of a thread: the sums and marks of a tile, a key, and what computing one takes."""
    return _tile_bytes(shape, comparison) + 64 + -(-exact_bytes // 64) * 64


def _tile_bytes(shape: Shape, comparison: Comparison) -> int:
    sums = shape.n_queries * shape.n_rows * comparison.sum_bits // 8
    return -(-(sums + 8 * shape.n_queries * shape.n_vectors) // 64) * 64


@lru_cache(maxsize=64)
def compiled_scan(scan: Scan, processor: Processor | None = None) -> NativeCall:
    """Return the native function of a scan, for `tidu.native.threads.Team.run`."""
    return compiled("tidu_scan", scan_text(scan, processor), processor)


def scan_text(scan: Scan, processor: Processor | None = None) -> str:
    """Return the module of a scan; its function is ``tidu_scan(table, thread, count)``."""
    processor = processor or host()
    comparison = COMPARISONS[scan.comparison]
    shape = shape_for(comparison, processor)
    writer = _Writer(scan, comparison, shape, processor)
    kernels = {"tidu_threshold": threshold_kernel(scan, processor.enabled), "tidu_push": push_kernel(scan.key)}
    if scan.exact is not None:
        kernels["tidu_exact"] = exact_kernel(scan.exact, vector_bytes(processor), processor.enabled)
        quick = quick_kernel(scan.exact, vector_bytes(processor), processor.enabled)
        if quick is not None:
            kernels["tidu_quick"] = quick
            writer.is_quick = True
    kernels["tidu_offer"] = writer.offer()
    return module_of("tidu_scan", writer.main(), kernels)


class _Writer:
    """Writes the functions of one scan."""

    def __init__(self, scan: Scan, comparison: Comparison, shape: Shape, processor: Processor) -> None:
        self.scan, self.comparison, self.shape, self.processor = scan, comparison, shape, processor
        self.sum = f"i{comparison.sum_bits}"
        self.sums = f"<{shape.lanes} x {self.sum}>"
        self.is_byte = comparison.sum_bits == 8
        self.is_quick = False

    def _slot(self, text: FunctionText, name: str, kind: str = "i64") -> str:
        return Table(text, SCAN_SLOTS).load(name, kind)

    # The function that threads enter.

    def main(self) -> Kernel:
        """Take tasks, groups of panels of queries, until there are none."""
        text = shared_text(self.processor.enabled)
        table = Table(text, SCAN_SLOTS)
        scratch, n_panels, per_task = table.scratch, table.load("n_panels"), table.load("task_panels")
        with table.tasks(table.load("n_tasks")) as task:
            first = text.value(f"mul i64 {task}, {per_task}")
            left = text.value(f"sub i64 {n_panels}, {first}")
            fewer = text.value(f"icmp ult i64 {left}, {per_task}")
            panels = text.value(f"select i1 {fewer}, i64 {left}, i64 {per_task}")
            self._task(text, first, panels, scratch)
        return text.finish()

    def _task(self, text: FunctionText, first: str, panels: str, scratch: str) -> None:
        n = self.shape.n_queries
        first_query = text.value(f"mul i64 {first}, {n}")
        with text.loop(text.value(f"mul i64 {panels}, {n}")) as loop:
            query = text.value(f"add i64 {first_query}, {loop.index}")
            text.do(f"call void @tidu_threshold(ptr %p0, i64 {query})")
        n_units = self._slot(text, "n_units")
        unit = self.comparison.unit_bytes
        query_panel = text.value(f"mul i64 {n_units}, {n * unit}")
        row_panel = text.value(f"mul i64 {n_units}, {self.shape.n_rows * unit}")
        queries, rows = self._slot(text, "packed_queries", "ptr"), self._slot(text, "packed_rows", "ptr")
        terms = self._slot(text, "row_terms", "ptr")
        n_row_panels, step = self._slot(text, "n_row_panels"), self._slot(text, "panel_step")
        with text.loop(n_row_panels) as outer:
            # Not in order: rows may come ever nearer, and each would take the place of another.
            number = text.value(f"urem i64 {text.value(f'mul i64 {outer.index}, {step}')}, {n_row_panels}")
            panel = text.offset("i8", rows, text.value(f"mul i64 {number}, {row_panel}"))
            row = text.value(f"mul i64 {number}, {self.shape.n_rows}")
            starts = self._starts(text, text.offset("i32", terms, row))
            with text.loop(panels) as inner:
                number = text.value(f"add i64 {first}, {inner.index}")
                place = text.offset("i8", queries, text.value(f"mul i64 {number}, {query_panel}"))
                query = text.value(f"mul i64 {number}, {n}")
                self._tile(text, place, panel, n_units, starts, query, row, scratch)

    def _starts(self, text: FunctionText, terms: str) -> list[str]:
        """Return where the sums of a panel of rows start, before the queries' thresholds are taken off."""
        lanes, starts = self.shape.lanes, []
        for vector in range(self.shape.n_vectors):
            loaded = text.value(f"load <{lanes} x i32>, ptr {text.offset('i32', terms, vector * lanes)}, align 4")
            wide = f"<{lanes} x i32>"
            if self.is_byte:
                # A row that always passes has 255 taken off its sum.
                passes = text.value(f"icmp slt {wide} {loaded}, zeroinitializer")
                starts.append(text.value(f"sext <{lanes} x i1> {passes} to {self.sums}"))
                continue
            if self.scan.factor == -2:
                loaded = text.value(f"ashr {wide} {loaded}, splat (i32 1)")
            value = text.value(f"sub {wide} zeroinitializer, {loaded}") if self.scan.factor < 0 else loaded
            starts.append(value if self.sum == "i32" else text.value(f"sext {wide} {value} to {self.sums}"))
        return starts

    def _tile(
        self,
        text: FunctionText,
        queries: str,
        rows: str,
        n_units: str,
        starts: list[str],
        query: str,
        row: str,
        scratch: str,
    ) -> None:
        shape = self.shape
        thresholds = text.offset("i32", self._slot(text, "thresholds", "ptr"), query)
        limits = [self._limit(text, text.offset("i32", thresholds, i)) for i in range(shape.n_queries)]
        if self.is_byte:
            first = ["zeroinitializer"] * (shape.n_queries * shape.n_vectors)
        else:
            first = [text.value(f"sub {self.sums} {start}, {limit}") for limit in limits for start in starts]
        totals = write_sums(text, self.comparison, shape, queries, rows, n_units, first)
        self._look(text, totals, starts, limits, query, row, scratch)

    def _splat(self, text: FunctionText, value: str) -> str:
        return splat(text, self.sums, self.sum, self.shape.lanes, value)

    def _limit(self, text: FunctionText, place: str) -> str:
        """Return what is taken off the starts for a query's threshold, in every lane; of bytes the threshold."""
        value = text.value(f"load i32, ptr {place}")
        if self.is_byte:
            low = text.value(f"icmp slt i32 {value}, 255")
            value = text.value(f"select i1 {low}, i32 {value}, i32 255")
            return self._splat(text, text.value(f"trunc i32 {value} to i8"))
        if self.scan.factor == -2:  # half of it, rounded up, with the sign changed
            more = text.value(f"add i32 {value}, 1")
            value = text.value(f"sub i32 0, {text.value(f'ashr i32 {more}, 1')}")
        elif self.scan.factor == -1:
            value = text.value(f"sub i32 0, {value}")
        else:
            value = text.value(f"add i32 {value}, 1")
        return self._splat(text, value if self.sum == "i32" else text.value(f"sext i32 {value} to {self.sum}"))

    def _look(
        self,
        text: FunctionText,
        totals: list[str],
        starts: list[str],
        limits: list[str],
        query: str,
        row: str,
        scratch: str,
    ) -> None:
        """Hand a tile on in which some pair passes."""
        shape, bits = self.shape, f"<{self.shape.lanes} x i1>"
        n_vectors = shape.n_vectors
        if self.is_byte:
            name = f"llvm.usub.sat.v{shape.lanes}i8"
            text.declare(f"declare {self.sums} @{name}({self.sums}, {self.sums})")
            passes = []
            for i, total in enumerate(totals):
                less = text.value(f"call {self.sums} @{name}({self.sums} {total}, {self.sums} {starts[i % n_vectors]})")
                passes.append(text.value(f"icmp ule {self.sums} {less}, {limits[i // n_vectors]}"))
            some = _tree(text, "or", bits, passes)
        else:
            # Sums have their sign bit clear where a product passes, and set where a difference does.
            join = "and" if self.scan.factor < 0 else "or"
            joined = _tree(text, join, self.sums, totals)
            relation = "sge" if self.scan.factor < 0 else "slt"
            some = text.value(f"icmp {relation} {self.sums} {joined}, zeroinitializer")
        word = text.value(f"bitcast {bits} {some} to i{shape.lanes}")
        with text.when(text.value(f"icmp ne i{shape.lanes} {word}, 0")):
            size = shape.lanes * self.comparison.sum_bits // 8
            marks = text.offset("i8", scratch, size * len(totals))
            for i, total in enumerate(totals):
                value = total
                if self.is_byte:
                    mark = passes[i]
                else:
                    mark = text.value(f"icmp {relation} {self.sums} {total}, zeroinitializer")
                    less = text.value(f"sub {self.sums} {total}, {starts[i % n_vectors]}")
                    value = text.value(f"add {self.sums} {less}, {limits[i // n_vectors]}")
                text.do(f"store {self.sums} {value}, ptr {text.offset('i8', scratch, i * size)}, align {size}")
                word = text.value(f"bitcast {bits} {mark} to i{shape.lanes}")
                wide = word if shape.lanes == 64 else text.value(f"zext i{shape.lanes} {word} to i64")
                text.do(f"store i64 {wide}, ptr {text.offset('i64', marks, i)}")
            text.do(f"call void @tidu_offer(ptr %p0, i64 {query}, i64 {row}, ptr {scratch}, i64 %p1)")

    # What passes.

    def offer(self) -> Kernel:
        """Look at the marked pairs of a tile: ``offer(table, query, row, scratch, thread)``."""
        text = FunctionText(["ptr", "i64", "i64", "ptr", "i64"], self.processor.enabled)
        shape = self.shape
        n = shape.n_queries * shape.n_vectors
        size = shape.lanes * self.comparison.sum_bits // 8
        marks = text.offset("i8", "%p3", size * n)
        n_queries, n_rows = self._slot(text, "n_queries"), self._slot(text, "n_rows")
        text.declare("declare i64 @llvm.cttz.i64(i64, i1)")
        text.declare("declare i64 @llvm.ctpop.i64(i64)")
        with text.loop(n) as loop:
            word = text.value(f"load i64, ptr {text.offset('i64', marks, loop.index)}")
            query = text.value(f"add i64 %p1, {text.value(f'udiv i64 {loop.index}, {shape.n_vectors}')}")
            vector = text.value(f"urem i64 {loop.index}, {shape.n_vectors}")
            first = text.value(f"add i64 %p2, {text.value(f'mul i64 {vector}, {shape.lanes}')}")
            sums = text.offset(self.sum, "%p3", text.value(f"mul i64 {loop.index}, {shape.lanes}"))
            is_query = text.value(f"icmp ult i64 {query}, {n_queries}")
            some = text.value(f"and i1 {is_query}, {text.value(f'icmp ne i64 {word}, 0')}")
            with text.when(some):
                count = text.value(f"call i64 @llvm.ctpop.i64(i64 {word})")
                with text.loop(count, [("i64", word)]) as bits:
                    lane = text.value(f"call i64 @llvm.cttz.i64(i64 {bits.carried[0]}, i1 true)")
                    rest = text.value(f"sub i64 {bits.carried[0]}, 1")
                    following = text.value(f"and i64 {bits.carried[0]}, {rest}")
                    row = text.value(f"add i64 {first}, {lane}")
                    with text.when(text.value(f"icmp ult i64 {row}, {n_rows}")):
                        self._pair(text, query, row, text.offset(self.sum, sums, lane))
                    bits.hand_on(following)
        return text.finish()

    def _pair(self, text: FunctionText, query: str, row: str, total: str) -> None:
        """Compute the key of a pair, and keep it if it is near."""
        index = text.value(f"add i64 {self._slot(text, 'first_row')}, {row}")
        with text.when(self._is_other(text, query, index)):
            if self.scan.collects:
                with self._worth_it(text, query, row, self._bound(text, query)):
                    self._collect(text, query, index, self._key(text, query, row, total))
                return
            k, kind = self._slot(text, "k"), self.scan.key
            begin = text.value(f"mul i64 {query}, {k}")
            keys = text.offset(kind, self._slot(text, "keys", "ptr"), begin)
            indices = text.offset("i64", self._slot(text, "indices", "ptr"), begin)
            top = text.value(f"load {kind}, ptr {keys}"), text.value(f"load i64, ptr {indices}")
            with self._worth_it(text, query, row, self._least(text, top[0], self._bound(text, query))):
                key = self._key(text, query, row, total)
                nearer = comes_before(text, kind, key, index, *top)
                within = text.value(f"and i1 {nearer}, {self._within(text, query, key)}")
                with text.when(within):
                    text.do(f"call void @tidu_push(ptr {keys}, ptr {indices}, {kind} {key}, i64 {index}, i64 {k})")
                    text.do(f"call void @tidu_threshold(ptr %p0, i64 {query})")

    def _key(self, text: FunctionText, query: str, row: str, total: str) -> str:
        return self._value(text, query, row, total) if self.scan.exact is None else self._exact(text, query, row)

    def _is_other(self, text: FunctionText, query: str, index: str) -> str:
        """Return whether a row is not the query itself; without a list of those, any is another."""
        own = self._slot(text, "own", "ptr")
        # Without a list something else is loaded, which is not looked at.
        is_listed = text.value(f"icmp ne ptr {own}, null")
        place = text.offset("i64", own, query)
        place = text.value(f"select i1 {is_listed}, ptr {place}, ptr {self._slot(text, 'counter', 'ptr')}")
        other = text.value(f"icmp ne i64 {index}, {text.value(f'load i64, ptr {place}')}")
        return text.value(f"or i1 {other}, {text.value(f'xor i1 {is_listed}, true')}")

    @contextmanager
    def _worth_it(self, text: FunctionText, query: str, row: str, limit: str) -> Iterator[None]:
        """Go on with a pair unless a quick bound of its key is beyond a limit already."""
        if not self.is_quick or self.scan.exact is None:
            yield
            return
        scratch = text.offset("i8", "%p3", _tile_bytes(self.shape, self.comparison))
        bound = Table(text, SCAN_SLOTS).quick(self.scan.exact, query, row, scratch)
        with text.when(text.value(f"fcmp ole double {bound}, {limit}")):
            yield

    def _least(self, text: FunctionText, a: str, b: str) -> str:
        relation = "icmp slt" if self.scan.key == "i64" else "fcmp olt"
        less = text.value(f"{relation} {self.scan.key} {a}, {b}")
        return text.value(f"select i1 {less}, {self.scan.key} {a}, {self.scan.key} {b}")

    def _bound(self, text: FunctionText, query: str) -> str:
        place = text.offset(self.scan.key, self._slot(text, "bounds", "ptr"), query)
        return text.value(f"load {self.scan.key}, ptr {place}")

    def _within(self, text: FunctionText, query: str, key: str) -> str:
        bound = self._bound(text, query)
        relation = "icmp sle" if self.scan.key == "i64" else "fcmp ole"
        return text.value(f"{relation} {self.scan.key} {key}, {bound}")

    def _value(self, text: FunctionText, query: str, row: str, total: str) -> str:
        """Return the key that the sum of a pair decides."""
        found = text.value(f"load {self.sum}, ptr {total}")
        if self.sum != "i64":
            found = text.value(f"{'zext' if self.is_byte else 'sext'} {self.sum} {found} to i64")
        scaled = found if self.scan.factor == 1 else text.value(f"mul i64 {found}, {self.scan.factor}")
        terms = [("row_terms", row), ("query_terms", query)]
        for name, at in terms[1:] if self.is_byte else terms:
            place = text.offset("i32", self._slot(text, name, "ptr"), at)
            term = text.value(f"sext i32 {text.value(f'load i32, ptr {place}')} to i64")
            scaled = text.value(f"add i64 {scaled}, {term}")
        return scaled

    def _exact(self, text: FunctionText, query: str, row: str) -> str:
        assert self.scan.exact is not None
        scratch = text.offset("i8", "%p3", _tile_bytes(self.shape, self.comparison))
        return Table(text, SCAN_SLOTS).exact(self.scan.exact, query, row, scratch)

    def _collect(self, text: FunctionText, query: str, index: str, key: str) -> None:
        """Write a pair within the bound down, as long as there is room, and count it."""
        with text.when(self._within(text, query, key)):
            counts = text.offset("i64", self._slot(text, "counts", "ptr"), text.value("mul i64 %p4, 8"))
            number = text.value(f"load i64, ptr {counts}")
            text.do(f"store i64 {text.value(f'add i64 {number}, 1')}, ptr {counts}")
            capacity = self._slot(text, "capacity")
            with text.when(text.value(f"icmp ult i64 {number}, {capacity}")):
                at = text.value(f"add i64 {number}, {text.value(f'mul i64 %p4, {capacity}')}")
                place = text.offset("i64", self._slot(text, "found", "ptr"), text.value(f"mul i64 {at}, 3"))
                for i, (kind, value) in enumerate((("i64", query), ("i64", index), (self.scan.key, key))):
                    text.do(f"store {kind} {value}, ptr {text.offset('i64', place, i)}")


def _tree(text: FunctionText, join: str, kind: str, values: list[str]) -> str:
    while len(values) > 1:
        pairs = zip(values[::2], values[1::2], strict=False)
        odd = values[len(values) // 2 * 2 :]
        values = [text.value(f"{join} {kind} {a}, {b}") for a, b in pairs] + odd
    return values[0]
