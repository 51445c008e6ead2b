"""How fast and how exact is tidu's k-NN beside FAISS, scikit-learn, usearch, JAX and NumPy: as `tidu bench knn`.

pip install -e '.[bench]'
python benchmarks/knn.py [--data CIFAR10] [--cases cifar-uint8,normal-16] [--scale 0.1] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import sys

from tidu.app.bench.knn.command import knn
from tidu.app.one_line import OneLineGroup

if __name__ == "__main__":
    OneLineGroup(commands=[knn]).main(["knn", *sys.argv[1:]])
