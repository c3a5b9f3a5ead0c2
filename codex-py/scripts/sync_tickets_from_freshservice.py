#!/usr/bin/env python3
"""Syncs tickets from Freshservice, with conversations and time entries.

Exit code 1 when the sync did not complete.
"""

import argparse

from hivematrix_codex.scripts import Site, main, seen, sync


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full-sync", action="store_true", help="read every ticket again; no ticket is deleted first")
    # A version between the two older ones called it so.
    parser.add_argument("--full-history", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    kind = "ticket-history" if args.full_sync or args.full_history else "tickets"
    print("--- Codex Ticket Sync Script ---")
    site = Site()
    with site.open(psa="freshservice") as codex:
        job = sync(codex, kind)
    if job.status != "completed":
        print(f"ERROR: Failed to fetch tickets: {job.error or job.status}")
        return 1
    tickets = seen(job, "ticket")
    if not tickets:
        print("\nNo new or updated tickets found.")
    else:
        print(f"\n✓ Successfully synced {tickets} tickets.")
    return 0


if __name__ == "__main__":
    main(run)
