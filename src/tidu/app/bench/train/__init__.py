"""What does `tidu bench train` measure: tidu beside PyTorch, JAX, scikit-learn and NumPy by hand.

Reading order: `cases` (what is done), `arrays` (with which numbers), `trainers` (who can do it), then one file
for each peer (`by_tidu`, `by_jax` ...), `worker` (one measurement), `turns` (all of them), `report`.
"""
