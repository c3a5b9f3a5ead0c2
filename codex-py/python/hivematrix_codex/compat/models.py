"""The old models, over Codex: ``from models import Company, db``.

Names and types of the columns are those of the Flask service; what they are called now stands beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .._native import Record
from ..errors import Invalid, NotFound
from .base import Model, Relation
from .billing import BillingPlan, CompanyFeatureOverride, FeatureOption
from .columns import Column, Removed, iso, json_text, local
from .connection import codex
from .gone import DattoSiteLink, FeatureCategoryConfig, PlanFeature, RMMSiteLink
from .people import Agent, PSAAgent, SyncJob
from .session import db

__all__ = [
    "Agent",
    "Asset",
    "BillingPlan",
    "Company",
    "CompanyFeatureOverride",
    "Contact",
    "DattoSiteLink",
    "FeatureCategoryConfig",
    "FeatureOption",
    "Location",
    "PSAAgent",
    "PlanFeature",
    "RMMSiteLink",
    "SyncJob",
    "TicketDetail",
    "db",
]

VENDOR_TIME = "Codex does not keep the vendor's own times; `codex.claims.get(kind, key).sources` says when it was read"
TIB = 2**40


def json_list(text: Any) -> Any:
    """A list that is set as JSON text."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid(f"`{text}` is not a JSON list: {error}") from None


class Company(Model):
    """A client of the MSP."""

    resource = "companies"
    record = "Company"
    keys = ("account_number",)
    instead = "the PSA states it, and syncs read it"

    account_number: Column[str] = Column()
    name: Column[str] = Column()
    description: Column[str | None] = Column()
    external_id: Column[int | None] = Column()
    freshservice_id: Column[int | None] = Column("external_id")
    external_source: Column[str | None] = Column()
    psa_provider: Column[str | None] = Column("external_source")
    compliance_level: Column[str] = Column()
    created_at = Removed(VENDOR_TIME)
    updated_at = Removed(VENDOR_TIME)
    head_user_id: Column[int | None] = Column()
    head_name: Column[str | None] = Column()
    prime_user_id: Column[int | None] = Column()
    prime_user_name: Column[str | None] = Column()
    domains: Column[str | None] = Column(read=json_text, write=json_list)
    workspace_id: Column[int | None] = Column()
    plan_selected: Column[str | None] = Column()
    managed_users: Column[str | None] = Column()
    managed_devices: Column[str | None] = Column()
    managed_network: Column[str | None] = Column()
    contract_term: Column[str | None] = Column()
    contract_start_date: Column[str | None] = Column()
    contract_end_date: Column[str | None] = Column()
    profit_or_non_profit: Column[str | None] = Column()
    company_main_number: Column[str | None] = Column()
    address: Column[str | None] = Column()
    company_start_date: Column[str | None] = Column()
    billing_plan: Column[str | None] = Column()
    contract_term_length: Column[str | None] = Column()
    support_level: Column[str | None] = Column()
    phone_system: Column[str | None] = Column()
    email_system: Column[str | None] = Column()
    datto_portal_url: Column[str | None] = Column()

    assets: Relation[Asset] = Relation(
        lambda company: of_company(Asset, company), "codex.assets.update(asset, company_account_number=...)"
    )
    contacts: Relation[Contact] = Relation(
        lambda company: of_company(Contact, company), "codex.contacts.update(contact, company_account_numbers=[...])"
    )
    locations: Relation[Location] = Relation(
        lambda company: of_company(Location, company), "db.session.add(Location(company_account_number=..., name=...))"
    )
    tickets: Relation[TicketDetail] = Relation(
        lambda company: of_company(TicketDetail, company), "the PSA: tickets come from there"
    )
    feature_overrides: Relation[CompanyFeatureOverride] = Relation(
        lambda company: of_company(CompanyFeatureOverride, company), "codex.overrides.set((company, key), value=...)"
    )
    datto_site_links = Removed("`asset.site_name` names the site of an asset, and `codex.assets.list(company=...)` has them")
    rmm_site_links = datto_site_links

    def own_number(self) -> str | None:
        return self._set.get("account_number")


class Asset(Model):
    """A device of a client. Times are the server's local time, as the RMM sync wrote them. Secret user-defined fields are
    not in ``udf1`` to ``udf30``: ``codex.assets.reveal_secret(asset, name)`` reads them, and the change log says so."""

    resource = "assets"
    record = "Asset"
    instead = "the RMM states it, and syncs read it"

    id: Column[int] = Column()
    hostname: Column[str] = Column()
    company_account_number: Column[str | None] = Column(is_company=True)
    hardware_type: Column[str | None] = Column()
    operating_system: Column[str | None] = Column()
    last_logged_in_user: Column[str | None] = Column()
    domain: Column[str | None] = Column()
    datto_site_name: Column[str | None] = Column("site_name")
    rmm_site_name: Column[str | None] = Column("site_name")
    antivirus_product: Column[str | None] = Column()
    description: Column[str | None] = Column()
    ext_ip_address: Column[str | None] = Column()
    int_ip_address: Column[str | None] = Column()
    last_audit_date: Column[str | None] = Column(read=local, is_time=True)
    last_reboot: Column[str | None] = Column(read=local, is_time=True)
    last_seen: Column[str | None] = Column(read=local, is_time=True)
    online: Column[bool | None] = Column()
    patch_status: Column[str | None] = Column()
    backup_usage_tb: Column[str | None] = Column(write_to="backup_bytes", write=lambda text: int(Decimal(text) * TIB))
    enabled_administrators: Column[str | None] = Column()
    device_type: Column[str | None] = Column()
    portal_url: Column[str | None] = Column()
    web_remote_url: Column[str | None] = Column()

    company: Relation[Company] = Relation(
        lambda asset: Company.query.get(asset.company_account_number) if asset.company_account_number else None,
        "asset.company_account_number = company.account_number",
    )
    contacts: Relation[Contact] = Relation(
        lambda asset: [Contact.of(one) for one in codex().assets.contacts(asset.id)],
        "codex.assets.update(asset_id, contact_ids=[...])",
    )


def user_defined(name: str) -> Callable[[Any], Any]:
    return lambda fields: (fields or {}).get(name)


for number in range(1, 31):
    _field: Column[str | None] = Column("udf", read=user_defined(f"udf{number}"))
    setattr(Asset, f"udf{number}", _field)
    _field.__set_name__(Asset, f"udf{number}")


class Contact(Model):
    """A person at a client."""

    resource = "contacts"
    record = "Contact"
    instead = "the PSA states it, and syncs read it"

    id: Column[int] = Column()
    freshservice_id: Column[int | None] = Column("external_id")
    external_id: Column[int | None] = Column()
    external_source: Column[str | None] = Column()
    first_name: Column[str | None] = Column()
    last_name: Column[str | None] = Column()
    name: Column[str] = Column()
    primary_email: Column[str] = Column("email")
    email: Column[str] = Column()
    active: Column[bool] = Column()
    is_agent: Column[bool] = Column(read=bool)
    vip_user: Column[bool] = Column(read=bool)
    has_logged_in: Column[bool] = Column(read=bool)
    mobile_phone_number: Column[str | None] = Column()
    work_phone_number: Column[str | None] = Column()
    address: Column[str | None] = Column()
    secondary_emails: Column[str | None] = Column(read=json_text, write=json_list)
    job_title: Column[str | None] = Column()
    title: Column[str | None] = Column()
    employment_type: Column[str] = Column()
    department_ids: Column[str | None] = Column(read=json_text)
    department_names: Column[str | None] = Column(read=json_text)
    reporting_manager_id: Column[int | None] = Column()
    location_id: Column[int | None] = Column()
    work_schedule_id: Column[int | None] = Column()
    location_name: Column[str | None] = Column()
    language: Column[str | None] = Column()
    time_zone: Column[str | None] = Column()
    time_format: Column[str | None] = Column()
    can_see_all_tickets_from_associated_departments: Column[bool] = Column(read=bool)
    can_see_all_changes_from_associated_departments: Column[bool] = Column(read=bool)
    created_at = Removed(VENDOR_TIME)
    updated_at = Removed(VENDOR_TIME)
    background_information: Column[str | None] = Column()
    user_number: Column[str | None] = Column()

    companies: Relation[Company] = Relation(
        lambda contact: companies_of(contact), "codex.contacts.update(contact_id, company_account_numbers=[...])"
    )
    assets: Relation[Asset] = Relation(
        lambda contact: [Asset.of(one) for one in codex().contacts.assets(contact.id)],
        "codex.contacts.update(contact_id, asset_ids=[...])",
    )


class Location(Model):
    """An address of a client."""

    resource = "locations"
    record = "Location"
    keys = ("company_account_number", "id")
    instead = "Codex numbers locations; add another one for another company"

    id: Column[int] = Column()
    name: Column[str] = Column()
    address: Column[str | None] = Column()
    phone_number: Column[str | None] = Column()
    company_account_number: Column[str] = Column(is_company=True)

    company: Relation[Company] = Relation(
        lambda location: Company.query.get(location.company_account_number), "another Location"
    )

    def __init__(self, *, company_account_number: str | None = None, **values: Any) -> None:
        super().__init__(**values)
        # A location that is new names its company; one that was read has a record.
        if company_account_number:
            self._set["company_account_number"] = company_account_number

    @classmethod
    def find(cls, key: Any) -> Record | None:
        """Locations were numbered through all companies."""
        found = codex().locations
        if isinstance(key, tuple):
            return found.find(key)
        record: Record | None = next(iter(found.list(id=key, limit=1)), None)
        return record

    def create(self, dry_run: bool) -> Record | None:
        fields = self.body()
        fields["company"] = fields.pop("company_account_number", None)
        created: Any = self.records().create(dry_run=dry_run, **fields)
        return None if dry_run else created


class TicketDetail(Model):
    """A ticket. ``status`` and ``priority`` are words in lower case; conditions do not look at case. Times are ISO text in
    UTC."""

    resource = "tickets"
    record = "Ticket"
    keys = ("number",)
    instead = "codex.tickets.update(ticket_id, status=..., notes=...) writes to the PSA"

    ticket_id: Column[int] = Column("number")
    id: Column[int] = Column()
    external_id: Column[int] = Column("number")
    external_source: Column[str | None] = Column()
    company_account_number: Column[str | None] = Column(is_company=True)
    ticket_number: Column[str] = Column()
    subject: Column[str | None] = Column()
    description = Removed("`description_text` has the text; the HTML is not kept in lists")
    description_text: Column[str | None] = Column()
    status: Column[str | None] = Column(is_word=True)
    priority: Column[str | None] = Column(is_word=True)
    status_id: Column[int | None] = Column()
    priority_id: Column[int | None] = Column()
    ticket_type: Column[str | None] = Column()
    requester_email: Column[str | None] = Column()
    requester_name: Column[str | None] = Column()
    requester_id: Column[int | None] = Column()
    responder_id: Column[int | None] = Column()
    group_id: Column[int | None] = Column()
    department_id: Column[int | None] = Column()
    created_at: Column[str | None] = Column(read=iso, is_time=True)
    last_updated_at: Column[str | None] = Column(read=iso, is_time=True)
    closed_at: Column[str | None] = Column(read=iso, is_time=True)
    total_hours_spent: Column[float] = Column()
    fr_due_by: Column[str | None] = Column(read=iso, is_time=True)
    due_by: Column[str | None] = Column(read=iso, is_time=True)
    first_responded_at: Column[str | None] = Column(read=iso, is_time=True)
    agent_responded_at: Column[str | None] = Column(read=iso, is_time=True)
    webhook_updated_at = Removed("`last_updated_at` says when the ticket was last changed")
    notes = Removed("`conversations` has them too: private ones have \"private\": true")

    company: Relation[Company] = Relation(
        lambda ticket: Company.query.get(ticket.company_account_number) if ticket.company_account_number else None,
        "the PSA: tickets come from there",
    )

    @property
    def conversations(self) -> str | None:
        """Conversations as JSON text; ``None`` when there are none."""
        return json_text([one.to_dict() for one in codex().tickets.conversations(self.ticket_id)])


def of_company(model: type[Model], company: Company) -> list[Any]:
    """The rows of a model that belong to a company."""
    try:
        number = company.key()
        return [model.of(record, number) for record in model.records().list(company=number)]
    except NotFound:
        return []


def companies_of(contact: Contact) -> list[Company]:
    """The companies of a contact."""
    record: Any = contact._record
    found = (codex().companies.find(number) for number in (record.company_account_numbers if record else ()))
    return [Company.of(company) for company in found if company is not None]
