#!/usr/bin/env python3
"""Gives an account number to every Freshservice company that has none.

Writes to Freshservice only with [upstream] write = on; otherwise shows what it would write. Exit code 1 when a company could
not be given its number.
"""

import argparse

from hivematrix_codex.scripts import Site, main, sync, written


def run() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("=" * 60 + "\nCREATE ACCOUNT NUMBERS FOR FRESHSERVICE COMPANIES\n" + "=" * 60)
    site = Site()
    with site.open(psa="freshservice") as codex:
        print("\n1. Fetching companies from Freshservice...")
        job = sync(codex, "accounts-assign")
    report = job.report
    for note in report.notes:
        print(f"   → {note}")
    for issue in report.issues:
        print(f"      ERROR: {issue}")
    print("\n" + "=" * 60)
    if job.status != "completed":
        print(f"✗ Failed to assign account numbers: {job.error or job.status}")
        return 1
    print(written(report.notes, "assigned") or "✓ All companies already have account numbers!")
    if report.issue_count:
        print(f"✗ Failed to assign {report.issue_count} account numbers")
        return 1
    return 0


if __name__ == "__main__":
    main(run)
