#!/usr/bin/env python3
"""Syncs sites and devices from Datto RMM.

Exit code 1 when the sync did not complete, or Datto has no sites.
"""

import argparse

from hivematrix_codex.scripts import Site, main, seen, sync


def run() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("--- Running Datto RMM Data Sync Script ---")
    site = Site()
    print(f"Loading configuration from: {site.require_conf()}")
    with site.open(rmm="datto") as codex:
        print("Fetching sites from Datto RMM...")
        job = sync(codex, "datto", reads=("site_link",))
    if job.status != "completed":
        print(f"\n--- Datto RMM Data Sync Failed: {job.error or job.status} ---")
        return 1
    sites, devices = seen(job, "site_link"), seen(job, "asset")
    print(f" Found {sites} sites in Datto RMM.")
    print(f" Found {devices} devices in Datto RMM.")
    if not sites:
        print("\n--- Datto RMM Data Sync Failed: Could not fetch data ---")
        return 1
    print("\n--- Datto RMM Data Sync Successful ---")
    return 0


if __name__ == "__main__":
    main(run)
