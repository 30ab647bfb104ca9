"""The brain of a run: what may start, what a failure leads to, and the journal.

Knows no site, no Prefect. Only `secondsite.run.journal` and `secondsite.run.writer` do I/O.
"""
