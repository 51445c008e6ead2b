"""Native code of the neighbor search: compare, judge, keep, pack. Knows nothing of sources and budgets."""
