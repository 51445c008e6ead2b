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
    "peak": {"en": "at most", "zh": "峰值"},
    "limit": {"en": "limit", "zh": "上限"},
    "no_limit": {"en": "none", "zh": "无"},
    "bytes": {"en": "{n:,} bytes", "zh": "{n:,} 字节"},
    "results": {"en": "results", "zh": "结果"},
    "queries": {"en": "block of queries", "zh": "查询块"},
    "data": {"en": "block of data", "zh": "数据块"},
    "tile": {"en": "tile of distances", "zh": "距离块"},
    "selection": {"en": "selection of candidates", "zh": "候选筛选"},
    "exact": {"en": "exact distances of candidates", "zh": "候选的精确距离"},
    "running": {"en": "k nearest so far", "zh": "当前 k 个最近邻"},
    "fixed": {"en": "buffers of fixed size", "zh": "固定缓冲"},
    "progress": {"en": "comparing", "zh": "比较中"},
}
