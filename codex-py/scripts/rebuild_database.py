#!/usr/bin/env python3
"""Drops and creates all tables of Codex: all data is lost. Asks first; any answer but YES changes nothing."""

import argparse

from hivematrix_codex.scripts import Failed, Site, main


def rebuild(site: Site) -> None:
    """Rebuilds the database, unless Codex is running."""
    if site.is_served():
        raise Failed("Codex is running; stop it first")
    with site.open() as codex:
        print("\n1. Dropping all existing tables...")
        codex.rebuild()
    print("   ✓ All tables dropped")
    print("\n2. Creating new schema...")
    print("   ✓ New schema created")


def run() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("=" * 80 + "\nCodex Database Rebuild\n" + "=" * 80)
    print("\nWARNING: This will DELETE ALL existing data in the Codex database!")
    print("This action cannot be undone.")
    site = Site()
    site.require_conf()
    try:
        answer = input("\nType 'YES' to continue: ")
    except EOFError:
        answer = ""
    if answer != "YES":
        print("\nAborted.")
        return 0
    print("\nProceeding with database rebuild...")
    rebuild(site)
    print("\n" + "=" * 80 + "\nDatabase rebuild complete!\n" + "=" * 80)
    print("\nNext steps:\n1. Run: python pull_freshservice.py\n2. Run: python pull_datto.py")
    return 0


if __name__ == "__main__":
    main(run)
