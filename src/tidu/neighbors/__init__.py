"""Exact nearest neighbors inside a hard budget of memory.

Read in this order: `metrics` (what a distance is, to the last bit), `strategy` (by which arithmetic),
`tiles` (bounds by matrix products), `running` (the k nearest so far), `plan` (bytes), `search` (the
loop), `inputs`, `knn` and `radius` (the public functions).
"""

from __future__ import annotations

from tidu.neighbors.knn import kneighbors
from tidu.neighbors.metrics import METRICS
from tidu.neighbors.plan import MemoryPlan, memory_plan
from tidu.neighbors.radius import radius_neighbors

__all__ = ["METRICS", "MemoryPlan", "kneighbors", "memory_plan", "radius_neighbors"]
