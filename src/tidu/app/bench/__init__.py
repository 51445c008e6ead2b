"""How does tidu compare with others on this machine: `tidu bench train` and `tidu bench knn`.

Reading order: `clock` (seconds and bytes), `present` (who is there), `processes` (one measurement in a process
of its own), `turns` (all of them, turn by turn), `showing` (what all tables share), then `train` and `knn`.
"""
