"""How fast does tidu train beside PyTorch, JAX, scikit-learn and NumPy by hand: the same as `tidu bench train`.

pip install -e '.[bench]'
python benchmarks/train.py [CASE ...] [--quick] [--repeat 3] [--peers tidu,jax-scan,torch] [--json FILE]
"""

from __future__ import annotations

import sys

from tidu.app.cli import cli

if __name__ == "__main__":
    cli.main(["bench", "train", *sys.argv[1:]])
