#!/usr/bin/env python3
"""Replaces all billing plans and feature options with those of config.override.json, in one transaction.

Every row is checked first. A plan whose name and term exist keeps its id. Exit code 1 when the file is missing or has a fault;
then nothing is changed.
"""

import argparse
import json
import pathlib
from typing import Any

from hivematrix_codex import Invalid
from hivematrix_codex.scripts import Failed, Site, main

FILE = "config.override.json"
COLUMNS = (
    "plan_name",
    "term_length",
    "per_user_cost",
    "per_workstation_cost",
    "per_server_cost",
    "per_vm_cost",
    "per_switch_cost",
    "per_firewall_cost",
    "per_hour_ticket_cost",
    "backup_base_fee_workstation",
    "backup_base_fee_server",
    "backup_cost_per_gb_workstation",
    "backup_cost_per_gb_server",
    "support_level",
    "antivirus",
    "soc",
    "password_manager",
    "sat",
    "email_security",
    "network_management",
)
"""The fields of a plan's row, in their order."""
PLANS, FEATURES = "default_plans_data", "default_features"
"""The lists of the file."""
LISTS = {"plans": PLANS, "feature_options": FEATURES}
"""The lists of the file by their names in faults."""


def find(site: Site) -> pathlib.Path:
    """The file: of the working directory, else of the installation."""
    for folder in (site.called_from, site.folder):
        if (folder / FILE).is_file():
            return folder / FILE
    raise Failed(f"{FILE} not found")


def rows(data: dict[str, Any], name: str, shortest: int, longest: int) -> list[list[Any]]:
    """A list of the file, whose rows are lists of so many values."""
    found = data.get(name)
    if not isinstance(found, list):
        raise Failed(f"{FILE}: {name} must be a list; [] deletes all")
    for index, row in enumerate(found):
        if not isinstance(row, list) or not shortest <= len(row) <= longest:
            size = str(shortest) if shortest == longest else f"{shortest} to {longest}"
            raise Failed(f"{FILE}: {name}[{index}] must be a list of {size} values")
    return found


def read(path: pathlib.Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The plans and options of the file; a value that is null gets the default."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failed(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise Failed(f"{FILE} must be an object with {PLANS} and {FEATURES}")
    plans = [
        {column: value for column, value in zip(COLUMNS, row, strict=False) if value is not None}
        for row in rows(data, PLANS, 2, len(COLUMNS))
    ]
    options = [{"feature_category": row[0], "option_value": row[1]} for row in rows(data, FEATURES, 2, 2)]
    return plans, options


def faults(error: Invalid) -> str:
    """What is wrong, with the rows and fields of the file."""
    lines = []
    for fault in error.faults:
        _, name, index, *field = fault.pointer.split("/", 3)
        lines.append(f"{LISTS.get(name, name)}[{index}] {' '.join(field)}: {fault.detail}")
    return "; ".join(lines) or str(error)


def run() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("=" * 70 + "\nInitializing Billing Plans and Features\n" + "=" * 70)
    site = Site()
    try:
        path = find(site)
        plans, options = read(path)
        with site.open() as codex:
            print(f"Loading {len(plans)} billing plans...")
            print(f"Loading {len(options)} feature options...")
            try:
                done = codex.billing.replace(plans, options)
            except Invalid as error:
                raise Failed(f"{FILE}: {faults(error)}") from error
    except Failed as error:
        print(f"ERROR: {error}")
        print("✗ Failed to initialize billing plans; nothing was changed")
        return 1
    for plan in plans:
        print(f"  + {plan['plan_name']} ({plan['term_length']})")
    print(f"✓ Loaded {len(plans)} billing plans ({done.plans_kept} keep their ids, {done.plans_deleted} deleted)")
    for option in options:
        print(f"  + {option['feature_category']}: {option['option_value']}")
    print(f"✓ Loaded {len(options)} feature options ({done.options_kept} keep their ids, {done.options_deleted} deleted)")
    print("\n" + "=" * 70 + "\n✓ Initialization complete!\n" + "=" * 70)
    return 0


if __name__ == "__main__":
    main(run)
