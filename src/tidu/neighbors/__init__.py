"""Exact nearest neighbors inside a hard budget of memory, by small integers that decide what is worth judging.

Reading order: `metrics` (what a distance is, to the last bit), `arithmetic` (judged in which numbers), `inputs`,
`plan` (bytes), `encoding` and `encoder` (rows as small integers, and what that may be wrong by), `sampling` and
`suiting` (which integers), `kernels` (native code), `scanner` (two blocks compared), `search` (all pairs),
`projection`, `index` and `pruned` (few pairs), `direct` (metrics without native code), `choosing`, `job` (from what is
asked to what is found), `checkpoint`, and the public functions `knn` and `radius`.
"""

from __future__ import annotations

from tidu.neighbors.job import Job, prepare
from tidu.neighbors.knn import kneighbors
from tidu.neighbors.metrics import METRICS
from tidu.neighbors.plan import MemoryPlan, memory_plan
from tidu.neighbors.radius import radius_neighbors

__all__ = ["METRICS", "Job", "MemoryPlan", "kneighbors", "memory_plan", "prepare", "radius_neighbors"]
