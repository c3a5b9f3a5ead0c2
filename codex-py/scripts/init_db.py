#!/usr/bin/env python3
"""Connects to PostgreSQL, writes instance/codex.conf and brings the schema up to date.

Asks for the connection unless --headless is given. May be repeated: other settings and all data stay.
"""

import argparse
import configparser
import getpass
import json
import subprocess
import sys
from dataclasses import dataclass

from hivematrix_codex.scripts import Failed, Site, main

PHRASE = "DELETE ALL DATA"
"""The phrase that confirms the deletion of all data."""
LOCAL = ("localhost", "127.0.0.1", "::1")
"""The hosts on which a missing database is created."""


@dataclass
class Connection:
    """Where the database is."""

    host: str
    port: str
    name: str
    user: str
    password: str

    def flags(self) -> list[str]:
        """It as flags of `codexd init`."""
        pairs = {"host": self.host, "port": self.port, "name": self.name, "user": self.user, "password": self.password}
        return [f"--db-{name}={value}" for name, value in pairs.items()]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--migrate-only", action="store_true", help="only bring the schema up to date")
    parser.add_argument("--force-rebuild", action="store_true", help="drop all tables and create them anew; asks first")
    parser.add_argument("--test", action="store_true", help="test the connection of instance/codex.conf")
    parser.add_argument("--headless", action="store_true", help="ask nothing; needs --db-password")
    parser.add_argument("--db-host", default="localhost", help="host (localhost)")
    parser.add_argument("--db-port", default="5432", help="port (5432)")
    parser.add_argument("--db-name", default="codex_db", help="name of the database (codex_db)")
    parser.add_argument("--db-user", default="codex_user", help="user (codex_user)")
    parser.add_argument("--db-password", help="password of the user")
    # Helm sends it for a new database; the Flask service ignored it too.
    parser.add_argument("--create-sample-data", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """The error message of codexd."""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].removeprefix("codexd: ")


def create_database(connection: Connection) -> bool:
    """Creates a missing database as the user ``postgres``, without asking for a password. Returns whether it succeeded."""
    command = ["sudo", "-n", "-u", "postgres", "createdb", "--port", connection.port, "--owner", connection.user]
    try:
        done = subprocess.run([*command, "--", connection.name], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def connect(site: Site, connection: Connection) -> None:
    """Tests the connection, writes the settings and brings the schema up to date."""
    print(f"\n→ Testing database connection to {connection.host}:{connection.port}/{connection.name}...")
    words = ["init", "--headless", *connection.flags()]
    done = site.run(*words, capture=True)
    is_missing = f'database "{connection.name}" does not exist' in done.stderr
    if is_missing and connection.host in LOCAL and create_database(connection):
        print(f"✓ Created database {connection.name}")
        done = site.run(*words, capture=True)
    if done.returncode:
        raise Failed(f"Connection failed: {said(done)}")
    print("✓ Database connection successful")
    print(f"✓ Configuration saved to: {site.conf}")
    print("✓ Schema is up to date")


def migrate(site: Site) -> None:
    """Brings the schema up to date."""
    if not site.conf.is_file():
        print("Run without --migrate-only to create configuration first", file=sys.stderr)
        raise Failed(f"No configuration found at {site.conf}")
    print(f"\n✓ Using existing configuration: {site.conf}")
    done = site.run("migrate", capture=True)
    if done.returncode:
        raise Failed(said(done))
    print("✓ Schema is up to date")


def test(site: Site) -> int:
    """Tests the connection of the settings."""
    print("\nTesting database connection...")
    findings = json.loads(site.run("doctor", "--json", capture=True).stdout or "[]")
    bad = [one for one in findings if one["status"] == "error" and one["check"] in ("configuration", "database", "schema")]
    if bad or not findings:
        print("\n✗ Connection test FAILED", file=sys.stderr)
        for one in bad:
            print(f"  {one['check']}: {one['message']}; {one.get('action', '')}", file=sys.stderr)
        return 1
    print("\n✓ Connection test PASSED")
    return 0


def force_rebuild(site: Site) -> None:
    """Drops all tables and creates them anew, after a confirmation."""
    print("\n⚠ WARNING: FORCE REBUILD MODE\n\nThis will DELETE ALL DATA in the database!")
    print(f"\nType '{PHRASE}' to confirm:")
    if ask("> ") != PHRASE:
        print("\nAborted.")
        return
    if site.is_served():
        raise Failed("Codex is running; stop it first")
    with site.open() as codex:
        codex.rebuild()
    print("✓ All tables dropped\n✓ Schema recreated\n\n✓ Force rebuild complete")


def ask(prompt: str) -> str:
    """The answer to a question; empty at the end of the input."""
    try:
        return input(prompt)
    except EOFError:
        return ""


def interactive(site: Site) -> None:
    """Asks for the connection until it works."""
    conf = configparser.RawConfigParser(strict=False)
    conf.read(site.conf)

    def stored(name: str, default: str) -> str:
        return conf.get("database_credentials", name, fallback=default)

    if not sys.stdin.isatty():
        raise Failed("there is no terminal to ask on; use --headless with the --db-... flags")
    print("\n--- PostgreSQL Database Configuration ---")
    host, port = stored("db_host", "localhost"), stored("db_port", "5432")
    name, user = stored("db_name", stored("db_dbname", "codex_db")), stored("db_user", "codex_user")
    while True:
        host, port = ask(f"Host [{host}]: ") or host, ask(f"Port [{port}]: ") or port
        name, user = ask(f"Database Name [{name}]: ") or name, ask(f"User [{user}]: ") or user
        try:
            return connect(site, Connection(host, port, name, user, getpass.getpass("Password: ")))
        except Failed as error:
            print(f"\n✗ {error}", file=sys.stderr)
        if ask("\nWould you like to try again? (y/n): ").lower() != "y":
            raise Failed("Database configuration aborted.")


def run() -> int:
    args = parse()
    if args.headless and not args.db_password:
        print("ERROR: --db-password is required for headless mode", file=sys.stderr)
        return 1
    print("\n" + "=" * 80 + "\nCODEX DATABASE INITIALIZATION\n" + "=" * 80)
    site = Site()
    if args.headless:
        connect(site, Connection(args.db_host, args.db_port, args.db_name, args.db_user, args.db_password))
    elif args.force_rebuild:
        force_rebuild(site)
        return 0
    elif args.test:
        return test(site)
    elif args.migrate_only:
        migrate(site)
    else:
        interactive(site)
    print("\n" + "=" * 80 + "\n ✓ Codex Initialization Complete!\n" + "=" * 80)
    return 0


if __name__ == "__main__":
    main(run)
