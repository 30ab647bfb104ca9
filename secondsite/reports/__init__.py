"""What happened, for people and for programs: one object of facts, and its pages, texts and tables.

Knows the journal's records only; no site, no Prefect, no clock of its own.
"""

from __future__ import annotations

from secondsite.reports.closing import closing_words
from secondsite.reports.console import LiveView, print_summary
from secondsite.reports.facts import Reportable, run_facts
from secondsite.reports.html import report_html
from secondsite.reports.markdown import progress_markdown, report_markdown
from secondsite.reports.shape import RunFacts

__all__ = [
    "LiveView",
    "Reportable",
    "RunFacts",
    "closing_words",
    "print_summary",
    "progress_markdown",
    "report_html",
    "report_markdown",
    "run_facts",
]
