#!/usr/bin/env python3
"""Writes the account numbers of companies to the site variables of Datto RMM.

Writes to Datto only with [upstream] write = on; otherwise shows what it would write. Exit code 1 when a number could not be
written.
"""

import argparse

from hivematrix_codex.scripts import Site, main, sync, written

UNCLEAR = "may belong to"
"""What an issue says of a site whose company a person must name: nothing was to be written."""


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    # Of app/rmm/push_account_numbers.py, which did the same.
    parser.add_argument("--provider", default="datto", choices=["datto"], help="the RMM")
    args = parser.parse_args()
    print("=" * 60 + "\nPUSH ACCOUNT NUMBERS TO DATTO RMM\n" + "=" * 60)
    site = Site()
    with site.open(rmm=args.provider) as codex:
        print("\n1. Loading companies from Codex database...")
        job = sync(codex, "accounts-push")
    report = job.report
    for note in report.notes:
        print(f"   → {note}")
    for issue in report.issues:
        print(f"      ✗ {issue}")
    print("\n" + "=" * 60)
    if job.status != "completed":
        print(f"✗ Failed to push account numbers: {job.error or job.status}")
        return 1
    print(written(report.notes, "pushed") or "✓ All sites already have their account numbers")
    failed = [issue for issue in report.issues if UNCLEAR not in issue]
    if failed:
        print(f"✗ Failed to push {len(failed)} account numbers")
        return 1
    return 0


if __name__ == "__main__":
    main(run)
