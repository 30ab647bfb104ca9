"""Plan + operation → the run graph: which steps there are, and what each waits for.

Pure: no I/O, no clock. This package is the only place that knows networkx.
"""

from __future__ import annotations

from secondsite.graph.compile import compile_graph
from secondsite.graph.rungraph import RunGraph
from secondsite.graph.steps import Action, Operation, PrimarySide, Side, Step, StepId

__all__ = [
    "Action",
    "Operation",
    "PrimarySide",
    "RunGraph",
    "Side",
    "Step",
    "StepId",
    "compile_graph",
]
