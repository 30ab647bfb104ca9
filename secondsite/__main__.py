"""`python -m secondsite` is the same as `secondsite`."""

from __future__ import annotations

from secondsite.cli.main import run_and_exit

if __name__ == "__main__":
    run_and_exit()
