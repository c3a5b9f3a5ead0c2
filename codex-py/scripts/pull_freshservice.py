#!/usr/bin/env python3
"""Syncs companies, contacts and agents from Freshservice.

Exit code 1 when the sync did not complete, or Freshservice has no companies or no contacts.
"""

import argparse

from hivematrix_codex.scripts import Site, main, seen, sync


def run() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("--- Running Freshservice Data Sync Script ---")
    site = Site()
    print(f"Loading configuration from: {site.require_conf()}")
    with site.open(psa="freshservice") as codex:
        print("Fetching companies from Freshservice...")
        job = sync(codex, "freshservice", reads=("company", "contact"))
    if job.status != "completed":
        print(f"\n--- Freshservice Data Sync Failed: {job.error or job.status} ---")
        return 1
    companies, contacts = seen(job, "company"), seen(job, "contact")
    print(f" Found {companies} companies in Freshservice.")
    print(f" Found {contacts} total users in Freshservice.")
    if not companies or not contacts:
        print("\n--- Freshservice Data Sync Failed: Could not fetch data ---")
        return 1
    print("\n--- Freshservice Data Sync Successful ---")
    return 0


if __name__ == "__main__":
    main(run)
