#!/usr/bin/env python3
"""Another name of create_account_numbers.py."""

from create_account_numbers import run
from hivematrix_codex.scripts import main

if __name__ == "__main__":
    main(run)
