"""The phrases of `knn`."""

from __future__ import annotations

from tidu.words import Words

PHRASES: dict[str, Words] = {
    "plan": {
        "en": "Neighbors of {n_queries:,} queries in {n_rows:,} rows of {n_features:,} x {dtype}, k = {k}",
        "zh": "最近邻：{n_queries:,} 个查询，{n_rows:,} 行数据，每行 {n_features:,} 个 {dtype} 值，k = {k}",
    },
    "blocks": {
        "en": "in blocks of {query_rows:,} queries and {data_rows:,} rows",
        "zh": "每块 {query_rows:,} 个查询、{data_rows:,} 行数据",
    },
    "brute": {"en": "every pair is compared", "zh": "比较每一对"},
    "pruned": {
        "en": "rows are projected on {n_directions} directions first, and few distances computed",
        "zh": "先把各行投影到 {n_directions} 个方向，只计算少数距离",
    },
    "peak": {"en": "at most", "zh": "峰值"},
    "limit": {"en": "limit", "zh": "上限"},
    "no_limit": {"en": "none", "zh": "无"},
    "bytes": {"en": "{n:,} bytes", "zh": "{n:,} 字节"},
    "results": {"en": "results", "zh": "结果"},
    "queries": {"en": "block of queries", "zh": "查询块"},
    "data": {"en": "block of data", "zh": "数据块"},
    "running": {"en": "k nearest so far", "zh": "当前 k 个最近邻"},
    "scratch": {"en": "scratch space of threads", "zh": "各线程的工作空间"},
    "index": {"en": "projected index", "zh": "投影索引"},
    "projections": {"en": "projecting rows", "zh": "计算投影"},
    "sample": {"en": "sample of the rows, before", "zh": "预先抽样"},
    "fixed": {"en": "buffers of fixed size", "zh": "固定缓冲"},
    "progress": {"en": "comparing", "zh": "比较中"},
    "rate_column": {
        "en": "{{task.fields[millions]:,.0f}} million pairs/s",
        "zh": "每秒 {{task.fields[millions]:,.0f}} 百万对",
    },
    "rate": {"en": "{rate:,.0f} million pairs/s", "zh": "每秒 {rate:,.0f} 百万对"},
    "within": {
        "en": "Rows within {radius:g} of {n_queries:,} queries, among {n_rows:,} rows",
        "zh": "与 {n_queries:,} 个查询的距离不超过 {radius:g} 的行，共 {n_rows:,} 行数据",
    },
    "accuracy": {
        "en": "k = {k}: {share:.1f} % of the labels are right ({hits:,} of {n:,})",
        "zh": "k = {k}：标签正确率 {share:.1f} %（{n:,} 个中 {hits:,} 个正确）",
    },
    "wrote": {"en": "neighbors written to {path}", "zh": "近邻已写入 {path}"},
}
