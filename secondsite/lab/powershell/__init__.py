"""A strict subset of Windows PowerShell 5.1, for the lab.

It runs the very scripts that the connectors ship, and the scripts of recovery plans, against
simulated cmdlets. What it does not know it refuses loudly; it never guesses.
"""

from __future__ import annotations
