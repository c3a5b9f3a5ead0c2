"""Writes the stubs of the compiled module from its own registry: ``python stubs.py FOLDER``.

``records.pyi`` has the classes of records, the fields that people set, and the conditions of lists; ``_native.pyi`` has
the resources. A new field of the library is in them without an edit here.
"""

from __future__ import annotations

import pathlib
import re
import sys
import textwrap
from typing import Any

from hivematrix_codex import _native

Attribute = tuple[str, str, str]

# Property of `Codex`, class, base, record.
RESOURCES = [
    ("companies", "Companies", "BulkRecords", "Company"),
    ("contacts", "Contacts", "BulkRecords", "Contact"),
    ("assets", "Assets", "BulkRecords", "Asset"),
    ("locations", "Locations", "EditableRecords", "Location"),
    ("tickets", "Tickets", "Records", "Ticket"),
    ("billing_plans", "BillingPlans", "EditableRecords", "BillingPlan"),
    ("feature_options", "FeatureOptions", "Records", "FeatureOption"),
    ("overrides", "Overrides", "Records", "Override"),
    ("tags", "Tags", "EditableRecords", "Tag"),
    ("views", "Views", "EditableRecords", "View"),
    ("agents", "Agents", "Records", "Agent"),
    ("psa_agents", "PsaAgents", "Records", "PsaAgent"),
    ("jobs", "Jobs", "Records", "Job"),
    ("holds", "Holds", "Records", "Hold"),
    ("duplicates", "Duplicates", "Records", "Duplicate"),
    ("outbox", "Outbox", "Records", "OutboxEntry"),
]
KEYS = {
    "Company": "str | Company",
    "Location": "tuple[str, int] | Location",
    "Override": "tuple[str, str]",
    "Agent": "str | Agent",
    "Job": "str | Job",
    "Hold": "str | Hold",
}
# Methods of one resource alone.
MORE = {
    "Contacts": """
        def assets(self, key: int | str | Contact, /) -> tuple[Asset, ...]: ...
    """,
    "Assets": """
        def audit(self, key: int | str | Asset, /) -> AssetAudit: ...
        def contacts(self, key: int | str | Asset, /) -> tuple[Contact, ...]: ...
        def secret_names(self, key: int | str | Asset, /) -> tuple[str, ...]: ...
        def reveal_secret(self, key: int | str | Asset, name: str, /) -> str | None: ...
    """,
    "Agents": """
        @overload
        def create(self, *, dry_run: Literal[False] = False, **fields: Unpack[_AgentIn]) -> Agent: ...
        @overload
        def create(self, *, dry_run: Literal[True], **fields: Unpack[_AgentIn]) -> DryRun: ...
        @overload
        def create(self, *, dry_run: bool = False, **fields: Unpack[_AgentIn]) -> Agent | DryRun: ...
        @overload
        def update(self, key: str | Agent, /, *, if_match: Agent | str | None = None, dry_run: Literal[False] = False, **fields: Unpack[_AgentIn]) -> Agent: ...
        @overload
        def update(self, key: str | Agent, /, *, if_match: Agent | str | None = None, dry_run: Literal[True], **fields: Unpack[_AgentIn]) -> DryRun: ...
        @overload
        def update(self, key: str | Agent, /, *, if_match: Agent | str | None = None, dry_run: bool = False, **fields: Unpack[_AgentIn]) -> Agent | DryRun: ...
        def companies(self, key: str | Agent, /) -> tuple[str, ...]: ...
        @overload
        def set_companies(self, key: str | Agent, account_numbers: Sequence[str], /, *, dry_run: Literal[False] = False) -> tuple[str, ...]: ...
        @overload
        def set_companies(self, key: str | Agent, account_numbers: Sequence[str], /, *, dry_run: Literal[True]) -> DryRun: ...
        @overload
        def set_companies(self, key: str | Agent, account_numbers: Sequence[str], /, *, dry_run: bool = False) -> tuple[str, ...] | DryRun: ...
    """,
    "Companies": """
        @overload
        def renumber(self, key: str | Company, account_number: str, /, *, dry_run: Literal[False] = False) -> Renumbered: ...
        @overload
        def renumber(self, key: str | Company, account_number: str, /, *, dry_run: Literal[True]) -> DryRun: ...
        @overload
        def renumber(self, key: str | Company, account_number: str, /, *, dry_run: bool = False) -> Renumbered | DryRun: ...
    """,
    "Tickets": """
        @overload
        def update(self, key: int | str | Ticket, /, *, status: str | None = None, notes: str | None = None, dry_run: Literal[False] = False) -> TicketUpdate: ...
        @overload
        def update(self, key: int | str | Ticket, /, *, status: str | None = None, notes: str | None = None, dry_run: Literal[True]) -> DryRun: ...
        @overload
        def update(self, key: int | str | Ticket, /, *, status: str | None = None, notes: str | None = None, dry_run: bool = False) -> TicketUpdate | DryRun: ...
        def conversations(self, key: int | str | Ticket, /) -> tuple[Conversation, ...]: ...
    """,
    "FeatureOptions": """
        @overload
        def create(self, *, dry_run: Literal[False] = False, **fields: Unpack[_FeatureOptionIn]) -> FeatureOption: ...
        @overload
        def create(self, *, dry_run: Literal[True], **fields: Unpack[_FeatureOptionIn]) -> DryRun: ...
        @overload
        def create(self, *, dry_run: bool = False, **fields: Unpack[_FeatureOptionIn]) -> FeatureOption | DryRun: ...
    """,
    "Overrides": """
        @overload
        def set(self, key: tuple[str, str], /, *, if_match: Override | str | None = None, dry_run: Literal[False] = False, **fields: Unpack[_OverrideIn]) -> Override: ...
        @overload
        def set(self, key: tuple[str, str], /, *, if_match: Override | str | None = None, dry_run: Literal[True], **fields: Unpack[_OverrideIn]) -> DryRun: ...
        @overload
        def set(self, key: tuple[str, str], /, *, if_match: Override | str | None = None, dry_run: bool = False, **fields: Unpack[_OverrideIn]) -> Override | DryRun: ...
        def delete(self, key: tuple[str, str], /, *, dry_run: bool = False) -> DryRun | None: ...
    """,
    "Tags": """
        @overload
        def add(self, tag: int | str | Tag, kind: Literal["company", "contact", "asset"], keys: Iterable[int | str], /, *, dry_run: Literal[False] = False) -> TagAdded: ...
        @overload
        def add(self, tag: int | str | Tag, kind: Literal["company", "contact", "asset"], keys: Iterable[int | str], /, *, dry_run: Literal[True]) -> DryRun: ...
        @overload
        def add(self, tag: int | str | Tag, kind: Literal["company", "contact", "asset"], keys: Iterable[int | str], /, *, dry_run: bool = False) -> TagAdded | DryRun: ...
        @overload
        def remove(self, tag: int | str | Tag, kind: Literal["company", "contact", "asset"], keys: Iterable[int | str], /, *, dry_run: Literal[False] = False) -> TagRemoved: ...
        @overload
        def remove(self, tag: int | str | Tag, kind: Literal["company", "contact", "asset"], keys: Iterable[int | str], /, *, dry_run: Literal[True]) -> DryRun: ...
        @overload
        def remove(self, tag: int | str | Tag, kind: Literal["company", "contact", "asset"], keys: Iterable[int | str], /, *, dry_run: bool = False) -> TagRemoved | DryRun: ...
    """,
    "Jobs": """
        def wait(self, key: str | Job, /, *, timeout: float | None = None, progress: Callable[[Job], object] | None = None) -> Job: ...
        def cancel(self, key: str | Job, /) -> Job: ...
        def at_work(self, kind: str, /) -> Job | None: ...
        def last(self, kind: str, /) -> Job | None: ...
    """,
    "Holds": """
        def approve(self, key: str | Hold, /) -> Hold: ...
        def reject(self, key: str | Hold, /) -> Hold: ...
    """,
    "Duplicates": """
        @overload
        def merge(self, key: int | str | Duplicate, /, *, keep: int | None = None, dry_run: Literal[False] = False) -> Duplicate: ...
        @overload
        def merge(self, key: int | str | Duplicate, /, *, keep: int | None = None, dry_run: Literal[True]) -> DryRun: ...
        @overload
        def merge(self, key: int | str | Duplicate, /, *, keep: int | None = None, dry_run: bool = False) -> Duplicate | DryRun: ...
        def reject(self, key: int | str | Duplicate, /) -> Duplicate: ...
    """,
    "Outbox": """
        def retry(self, key: int | str | OutboxEntry, /) -> OutboxEntry: ...
        def cancel(self, key: int | str | OutboxEntry, /) -> OutboxEntry: ...
    """,
}
HEAD = '''"""Generated by codex-py/tests/run with UPDATE=1."""

'''
NATIVE = '''
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, final, overload, type_check_only

from typing_extensions import CapsuleType, Self, Unpack, disjoint_base

from .records import (
{imports}
)

__version__: str
PROCESS_GONE: str

_T = TypeVar("_T")

@disjoint_base
class Record:
    """A record: its attributes are those of its class, and cannot be set."""

    def __new__(cls, values: tuple[Any, ...], version: str | None = None, /) -> Self: ...
    @property
    def version(self) -> str | None: ...
    def to_dict(self) -> dict[str, Any]: ...
    def _repr_html_(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Any, ...], str | None]]: ...

@final
class ArrowTable:
    """Records as an Arrow table: pass it to ``polars.DataFrame``, ``pyarrow.table`` or ``pandas``."""

    @property
    def num_rows(self) -> int: ...
    @property
    def column_names(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> CapsuleType: ...
    def __len__(self) -> int: ...

@final
class RecordIterator(Iterator[_T], Generic[_T]):
    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...

@disjoint_base
class Records:
    """A resource."""

    def _repr_html_(self) -> str: ...

class EditableRecords(Records):
    """A resource whose records people create, update and delete."""

    @overload
    def restore(self, id: int, /, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def restore(self, id: int, /, *, dry_run: bool = False) -> DryRun | None: ...

class BulkRecords(EditableRecords):
    """A resource of which many records are written with one call."""

    @overload
    def bulk(self, rows: Iterable[dict[str, Any]], /, *, action: Literal["create", "update", "upsert"] = "upsert", atomic: bool = False, dry_run: Literal[False] = False) -> BulkResult: ...
    @overload
    def bulk(self, rows: Iterable[dict[str, Any]], /, *, action: Literal["create", "update", "upsert"] = "upsert", atomic: bool = False, dry_run: Literal[True]) -> DryRun: ...
    @overload
    def bulk(self, rows: Iterable[dict[str, Any]], /, *, action: Literal["create", "update", "upsert"] = "upsert", atomic: bool = False, dry_run: bool = False) -> BulkResult | DryRun: ...
{resources}
@final
class Billing:
    """What companies are billed."""

    @overload
    def replace(self, plans: Iterable[dict[str, Any]], feature_options: Iterable[dict[str, Any]], /, *, dry_run: Literal[False] = False) -> BillingReplaced: ...
    @overload
    def replace(self, plans: Iterable[dict[str, Any]], feature_options: Iterable[dict[str, Any]], /, *, dry_run: Literal[True]) -> DryRun: ...
    @overload
    def replace(self, plans: Iterable[dict[str, Any]], feature_options: Iterable[dict[str, Any]], /, *, dry_run: bool = False) -> BillingReplaced | DryRun: ...
    def effective_plan(self, company: str, /) -> EffectivePlan: ...
    def billable(self, company: str, /) -> Billable: ...
    def export_plans(self) -> dict[str, Any]: ...
    @overload
    def import_plans(self, export: dict[str, Any], /, *, dry_run: Literal[False] = False) -> BillingImported: ...
    @overload
    def import_plans(self, export: dict[str, Any], /, *, dry_run: Literal[True]) -> DryRun: ...
    @overload
    def import_plans(self, export: dict[str, Any], /, *, dry_run: bool = False) -> BillingImported | DryRun: ...

@final
class Deleted:
    """What people have deleted."""

    def list(self, kind: str, /, *, limit: int | None = None) -> RecordIterator[DeletedRecord]: ...
    @overload
    def restore(self, kind: str, id: int, /, *, dry_run: Literal[False] = False) -> None: ...
    @overload
    def restore(self, kind: str, id: int, /, *, dry_run: bool = False) -> DryRun | None: ...

@final
class Claims:
    """Claims: what each source states about a record, and which values people have set."""

    def get(self, kind: str, key: int | str, /) -> RecordClaims: ...
    @overload
    def release(self, kind: str, key: int | str, field: str, /, *, if_match: RecordClaims | str | None = None, dry_run: Literal[False] = False) -> RecordClaims: ...
    @overload
    def release(self, kind: str, key: int | str, field: str, /, *, if_match: RecordClaims | str | None = None, dry_run: Literal[True]) -> DryRun: ...
    @overload
    def release(self, kind: str, key: int | str, field: str, /, *, if_match: RecordClaims | str | None = None, dry_run: bool = False) -> RecordClaims | DryRun: ...

@disjoint_base
class BaseCodex:
    """What `Codex` and `Client` have in common."""

{properties}
    def dashboard(self) -> Dashboard: ...
    def search(self, term: str, /, *, kinds: Sequence[str] | None = None, limit: int = 20) -> SearchResult: ...
    def sync(self, kind: str, /, *, progress: Callable[[Job], object] | None = None, wait: bool = True, dry_run: bool = False, lists: Sequence[str] | None = None) -> Job: ...
    def assign_account_numbers(self, *, progress: Callable[[Job], object] | None = None, dry_run: bool = False) -> Job: ...
    def push_account_numbers(self, *, progress: Callable[[Job], object] | None = None, dry_run: bool = False) -> Job: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, exc_type: type[BaseException] | None = None, exc_value: BaseException | None = None, traceback: TracebackType | None = None, /) -> None: ...

@final
class Codex(BaseCodex):
    """Codex in this process, over its database."""

    @overload
    @staticmethod
    def open(url: str, /, *, config: None = None, migrate: bool = True, actor: str = "system") -> Codex: ...
    @overload
    @staticmethod
    def open(url: None = None, /, *, config: str | os.PathLike[str], migrate: bool = True, actor: str = "system") -> Codex: ...
    def rebuild(self) -> None: ...

@final
class Client(BaseCodex):
    """Codex over HTTP: a daemon such as ``http://127.0.0.1:5010``."""

    def __new__(cls, url: str, /, *, token: str, timeout: float = 30.0, retries: int = 2) -> Self: ...

def fold(text: str, /) -> str: ...
def record_classes() -> dict[str, type[Record]]: ...
def _registry() -> Any: ...

__all__ = [
{all}
]
'''


def quoted(doc: str) -> str:
    return '"""' + doc.replace("\\", "\\\\").replace('"""', "'''").strip() + '"""'


def records(registry: dict[str, Any]) -> str:
    """The text of ``records.pyi``."""
    out = [
        HEAD,
        "from collections.abc import Sequence\n",
        "from datetime import date, datetime\n",
        "from decimal import Decimal\n",
        "from typing import Any, Literal, TypedDict, final, type_check_only\n\n",
        "from ._native import Record as Record\n\n",
    ]
    names = ["Record", *sorted(record["name"] for record in registry["records"])]
    out.append("__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n")
    for record in registry["records"]:
        out.append(f"\nclass {record['name']}(Record):\n")
        out.append(textwrap.indent(quoted(record["doc"] or record["name"]), "    ") + "\n\n")
        members = ", ".join(f'Literal["{name}"]' for name, _, _ in record["attributes"])
        out.append(f"    __match_args__: tuple[{members}]\n")
        for name, kind, doc in record["attributes"]:
            out.append(f"    @property\n    def {name}(self) -> {kind}:\n")
            out.append(textwrap.indent(quoted(doc or name), "        ") + "\n")
    for name, body in sorted(registry["bodies"].items()):
        out.append(f"\n@type_check_only\nclass _{name}In(TypedDict, total=False):\n")
        if name == "Location":
            out.append("    company: str\n")
        out.extend(f"    {field}: {kind}\n" for field, kind, _ in body)
    out.append("\n@type_check_only\nclass _OverrideIn(TypedDict, total=False):\n")
    out.append("    value: float | Decimal | str\n    enabled: bool\n")
    for name, columns in sorted(registry["filters"].items()):
        out.append(f"\n@type_check_only\nclass _{name}Filters(TypedDict, total=False):\n")
        met: set[str] = set()
        for column, kind in columns:
            if column not in met:
                met.add(column)
                out.append(f"    {column}: {kind}\n")
        if not columns:
            out.append("    pass\n")
    return "".join(out)


def resource(registry: dict[str, Any], name: str, base: str, record: str) -> str:
    """The stub of a resource."""
    key = KEYS.get(record, f"int | str | {record}")
    asked = f"company: str | None = None, q: str | None = None"
    lists = f"{asked}, sort: str | None = None, limit: int | None = None, **filters: Unpack[_{record}Filters]"
    out = [
        f"\n@final\nclass {name}({base}):",
        f"    {quoted(getattr(_native, name).__doc__ or name)}\n",
        f"    def list(self, *, {lists}) -> RecordIterator[{record}]: ...",
        f"    def count(self, *, {asked}, **filters: Unpack[_{record}Filters]) -> int: ...",
        f"    def to_arrow(self, *, {lists}) -> ArrowTable: ...",
        f"    def get(self, key: {key}) -> {record}: ...",
        f"    def find(self, key: {key}) -> {record} | None: ...",
    ]
    if base != "Records":
        fields = f"**fields: Unpack[_{record}In]"
        match = f"if_match: {record} | str | None = None"
        for flag, answer in (
            ("dry_run: Literal[False] = False", record),
            ("dry_run: Literal[True]", "DryRun"),
            ("dry_run: bool = False", f"{record} | DryRun"),
        ):
            out += ["    @overload", f"    def create(self, *, {flag}, {fields}) -> {answer}: ..."]
        for flag, answer in (
            ("dry_run: Literal[False] = False", record),
            ("dry_run: Literal[True]", "DryRun"),
            ("dry_run: bool = False", f"{record} | DryRun"),
        ):
            out += [
                "    @overload",
                f"    def update(self, key: {key}, /, *, {match}, {flag}, {fields}) -> {answer}: ...",
            ]
        for flag, answer in (
            ("dry_run: Literal[False] = False", "None"),
            ("dry_run: bool = False", "DryRun | None"),
        ):
            out += ["    @overload", f"    def delete(self, key: {key}, /, *, {match}, {flag}) -> {answer}: ..."]
    more = textwrap.dedent(MORE.get(name, "")).strip()
    if more:
        out.append(textwrap.indent(more, "    "))
    return "\n".join(out) + "\n"


def native(registry: dict[str, Any]) -> str:
    """The text of ``_native.pyi``."""
    resources = "".join(resource(registry, name, base, record) for _, name, base, record in RESOURCES)
    properties = [(name, kind) for name, kind, _, _ in RESOURCES]
    properties += [("billing", "Billing"), ("deleted", "Deleted"), ("claims", "Claims")]
    names = "\n".join(f'    "{name}",' for name in sorted(_native.__all__))
    text = NATIVE.replace("{all}", names).replace("{resources}", resources).replace(
        "{properties}",
        "\n".join(f"    @property\n    def {name}(self) -> {kind}: ..." for name, kind in properties),
    )
    words = set(re.findall(r"[A-Za-z_]+", text))
    known = {record["name"] for record in registry["records"]}
    known |= {f"_{name}In" for name in registry["bodies"]} | {"_OverrideIn"}
    known |= {f"_{name}Filters" for name in registry["filters"]}
    imports = "".join(f"    {name},\n" for name in sorted(words & known))
    return HEAD + text.replace("{imports}\n", imports).lstrip()


def texts() -> dict[str, str]:
    """The stubs by file name."""
    registry = _native._registry()
    return {"records.pyi": records(registry), "_native.pyi": native(registry)}


if __name__ == "__main__":
    for file, text in texts().items():
        (pathlib.Path(sys.argv[1]) / file).write_text(text)
