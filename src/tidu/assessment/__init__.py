"""Do the data follow a function, and what is the best score that any model could reach?

Reading order: `inputs`, `graph` (the neighbors of each row), then the methods, each for itself: `contradictions`,
`dependence`, `cells` and `likelihood` (the noise), `gamma`, `voting` (classes), `learning`; `verdict` (all rules),
`assess` (the public function), `result` and what shows it: `text`, `pictures`, `page`.
"""

from __future__ import annotations

from tidu.assessment.assess import assess
from tidu.assessment.result import Assessment, Floor

__all__ = ["Assessment", "Floor", "assess"]
