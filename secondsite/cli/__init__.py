"""The command line: one file per command, no rule of its own."""
