"""What does `tidu bench knn` measure: exact neighbors beside FAISS, scikit-learn, usearch, JAX and NumPy.

Reading order: `cases` (what is done, and what is meant to be reached), `numbers` (with which rows), `truth` (what
is right), `searchers` (who can do it), one file for each peer (`by_tidu`, `by_faiss` ...), `peers`, `worker` (one
measurement), `turns` (all of them), `goals`, `report`, `command`.
"""
