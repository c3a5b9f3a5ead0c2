#!/usr/bin/env python3
"""Syncs companies, contacts, agents and tickets from the PSA.

Exit code 0 when every provider succeeded. After an error the next type is synced all the same.
"""

import argparse
import configparser
from dataclasses import dataclass, field

from hivematrix_codex import Codex, CodexError
from hivematrix_codex.scripts import Failed, Site, log, main, seen, sync

PROVIDERS = {"freshservice": "Freshservice"}
"""The PSAs that can be synced, with what people call them."""
LISTS = {"companies": ("departments", "company"), "contacts": ("requesters", "contact"), "agents": ("agents", "psa_agent")}
"""The list of the PSA behind each type, and the kind of its records."""
TYPES = {"base": tuple(LISTS), "all": (*LISTS, "tickets"), "tickets": ("tickets",)}
"""What each type stands for; the others stand for themselves."""


@dataclass
class Result:
    """What a provider's sync has come to."""

    counts: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", help="the PSA, such as freshservice")
    parser.add_argument("--type", default="all", choices=[*LISTS, "tickets", "base", "all"], help="what to sync; base: all but tickets")
    parser.add_argument("--light", action="store_true", help="tickets without conversations and time entries")
    parser.add_argument("--detail", action="store_true", help="changed tickets with conversations and time entries")
    parser.add_argument("--full-history", action="store_true", help="every ticket that the PSA has")
    parser.add_argument("--force-reconcile", action="store_true", help="every ticket sync looks for deleted tickets; accepted and not needed")
    parser.add_argument("--all-providers", action="store_true", help="every provider of [psa] enabled_providers")
    parser.add_argument("--list-providers", action="store_true", help="list the providers")
    return parser.parse_args()


def ticket_sync(args: argparse.Namespace) -> str:
    """The sync of tickets that the flags mean."""
    if args.full_history:
        return "ticket-history"
    return "tickets-light" if args.light and not args.detail else "tickets"


def enabled(site: Site) -> list[str]:
    """The providers of ``[psa] enabled_providers``."""
    conf = configparser.RawConfigParser(strict=False)
    conf.read(site.require_conf())
    names = conf.get("psa", "enabled_providers", fallback="freshservice").split(",")
    return [name.strip() for name in names if name.strip()]


def step(codex: Codex, result: Result, name: str, kind: str, types: dict[str, str], lists: list[str] | None) -> None:
    """Runs a sync that reads some types; ``types`` has the kind of record of each."""
    for one in types:
        log(f"Syncing {one} from {name}...")
    try:
        job = sync(codex, kind, lists=lists, reads=types.values() if lists else (), say=log)
        if job.status != "completed":
            raise Failed(job.error or job.status)
    except (CodexError, Failed) as error:
        message = f"Error syncing {', '.join(types)}: {error}"
        log(f"  ERROR: {message}")
        result.errors.append(message)
        return
    for one, record in types.items():
        result.counts[one] = seen(job, record)
        log(f"  Synced {result.counts[one]} {one}")


def sync_provider(site: Site, provider: str, args: argparse.Namespace) -> Result:
    """Syncs what the flags name from one provider."""
    result = Result()
    name = PROVIDERS.get(provider)
    if name is None:
        log(f"ERROR: Provider error: {provider} is unknown; there are {', '.join(PROVIDERS)}")
        result.errors.append("unknown provider")
        return result
    types = TYPES.get(args.type, (args.type,))
    with site.open(psa=provider) as codex:
        listed = {one: LISTS[one][1] for one in types if one in LISTS}
        if listed:
            step(codex, result, name, "freshservice", listed, [LISTS[one][0] for one in listed])
        if "tickets" in types:
            step(codex, result, name, ticket_sync(args), {"tickets": "ticket"}, None)
    return result


def run() -> int:
    args = parse()
    if args.list_providers:
        print("Available PSA providers:")
        for provider in PROVIDERS:
            print(f"  - {provider}")
        return 0
    site = Site()
    if not site.conf.is_file():
        log("ERROR: No configuration found")
        return 1
    if not args.all_providers and not args.provider:
        log("ERROR: Must specify --provider or --all-providers")
        return 1
    providers = enabled(site) if args.all_providers else [args.provider]
    succeeded = True
    for provider in providers:
        log(f"Starting sync for {provider}")
        result = sync_provider(site, provider, args)
        log(f"Sync complete for {provider}:")
        for one, count in result.counts.items():
            log(f"  {one}: {count}")
        if result.errors:
            log(f"  Errors: {len(result.errors)}")
            succeeded = False
    return 0 if succeeded else 1


if __name__ == "__main__":
    main(run)
