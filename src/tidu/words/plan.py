"""The phrases of `explain_plan`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "title": {
        "en": "{f}: {flops:,} operations in {n:,} kernels, {threads} thread(s)",
        "zh": "{f}：{n:,} 个内核，共 {flops:,} 次运算，{threads} 个线程",
    },
    "memory": {
        "en": "arena {arena:,} bytes, at most {peak:,} bytes with the results",
        "zh": "工作区 {arena:,} 字节，连同结果最多 {peak:,} 字节",
    },
    "cached": {"en": "the code was there already, from an earlier run", "zh": "代码取自缓存（以前编译过）"},
    "compiled": {"en": "the code was compiled just now", "zh": "代码是刚刚编译的"},
    "kernel": {"en": "kernel", "zh": "内核"},
    "space": {"en": "space", "zh": "空间"},
    "flops": {"en": "operations", "zh": "运算次数"},
    "bytes": {"en": "bytes", "zh": "字节"},
    "intensity": {"en": "per byte", "zh": "每字节运算"},
    "threads": {"en": "threads", "zh": "线程"},
    "interval": {"en": "interval", "zh": "区间"},
    "one": {"en": "one number", "zh": "一个数"},
    "intervals": {
        "en": "Threads wait for each other between intervals.",
        "zh": "各区间之间，线程要互相等待。",
    },
    "interpreted": {
        "en": "Run by the interpreter, as they have no native code:",
        "zh": "以下结点没有本机代码，由解释器执行：",
    },
    "too_large": {
        "en": "All of it runs through the interpreter: with {n:,} nodes, or so many turns between native and "
        "interpreted code, compiling would take longer than it is worth (limits: {most:,} nodes, {loops:,} that "
        "become loops, {stages} turns).",
        "zh": "全部由解释器执行：结点有 {n:,} 个，或本机代码与解释执行交替过多，编译得不偿失"
        "（上限：{most:,} 个结点，其中成为循环的 {loops:,} 个，交替 {stages} 次）。",
    },
    "nothing": {"en": "There is nothing to compute.", "zh": "没有需要计算的内容。"},
}
