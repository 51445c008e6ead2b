"""What does `tidu bench train` measure: tidu beside PyTorch, JAX, scikit-learn and NumPy by hand.

Reading order: `cases` (what is done), `arrays` (with which numbers), `clock`, `trainers` and `jobs` (who
does it), then one file for each peer (`by_tidu`, `by_jax` ...), `worker` (one measurement in a process of
its own), `turns` (all of them, turn by turn, and their medians).
"""
