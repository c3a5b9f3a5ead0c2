#!/usr/bin/env python3
"""Syncs sites and devices from the RMM.

Exit code 1 when the sync did not complete, or the connection that is tested does not work.
"""

import argparse
import configparser
import json
from datetime import datetime

from hivematrix_codex.scripts import Failed, Site, main, seen, sync

PROVIDERS = {"datto": "Datto RMM"}
"""The RMMs that can be synced, with what people call them."""


def chosen(site: Site, provider: str | None) -> str:
    """The provider that is named, else that of ``[rmm] default_provider``."""
    if provider is None:
        print("Using default RMM provider from config")
        conf = configparser.RawConfigParser(strict=False)
        conf.read(site.require_conf())
        provider = conf.get("rmm", "default_provider", fallback="datto").strip() or "datto"
    else:
        print(f"Using specified RMM provider: {provider}")
    if provider not in PROVIDERS:
        raise Failed(f"{provider} is unknown; there are {', '.join(PROVIDERS)}")
    print(f"RMM Provider: {PROVIDERS[provider]}")
    return provider


def test_connection(site: Site, provider: str) -> int:
    """Makes one cheap call to the RMM and says how it went."""
    found = site.run("doctor", "--json", capture=True)
    findings = json.loads(found.stdout or "[]")
    if not findings:
        raise Failed(found.stderr)
    # What comes before it has failed, or it is not configured.
    finding = next((one for one in findings if one["check"] == provider), None)
    if finding is None:
        broken = [one["message"] for one in findings if one["status"] == "error"]
        raise Failed(broken[0] if broken else f"{PROVIDERS[provider]} is not configured")
    if finding["status"] != "ok":
        raise Failed(f"{finding['message']}; {finding.get('action', '')}")
    print(f"✓ {finding['message']}")
    return 0


def sync_devices(site: Site, provider: str) -> int:
    """Syncs sites and devices."""
    with site.open(rmm=provider) as codex:
        print("Fetching sites from RMM system...")
        job = sync(codex, "datto", reads=("site_link",))
    if job.status != "completed":
        raise Failed(f"Could not retrieve data from RMM system: {job.error or job.status}")
    print(f"✓ Found {seen(job, 'site_link')} sites.")
    print(f"✓ Found {seen(job, 'asset')} devices.")
    print("\n✓ Finished processing all companies and assets.")
    print("\n" + "=" * 60 + "\n  RMM Data Sync Successful\n" + "=" * 60)
    return 0


def run() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", help="the RMM, such as datto")
    parser.add_argument("--test-connection", action="store_true", help="test the connection only")
    args = parser.parse_args()
    print("=" * 60 + "\n  RMM Data Sync\n" + "=" * 60)
    print(f"Started: {datetime.now():%Y-%m-%d %H:%M:%S}\n")
    site = Site()
    print(f"Loading configuration from: {site.require_conf()}")
    provider = chosen(site, args.provider)
    return test_connection(site, provider) if args.test_connection else sync_devices(site, provider)


if __name__ == "__main__":
    main(run)
