#!/usr/bin/env python3
"""Serves Codex on 127.0.0.1:5010, or as instance/codex.conf says. Becomes codexd: the process id stays.

Arguments are those of `codexd serve`. A second start ends with 1 and "already running".
"""

import os
import pathlib
import sys

from hivematrix_codex.scripts import Site, main


def run() -> int:
    site = Site()
    program = pathlib.Path(site.codexd)
    # Helm looks for a server by names of Python's servers; the name of the program is that of the process.
    named = program.with_name("codexd-gunicorn")
    program = named if named.exists() else program
    sys.stdout.flush()
    os.execv(program, [str(program), "serve", *sys.argv[1:]])


if __name__ == "__main__":
    main(run)
