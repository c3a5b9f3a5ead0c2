"""The old models of billing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .._native import Record
from ..errors import Invalid
from .base import Model
from .columns import Column, Removed, amount
from .errors import NotSupported

__all__ = ["BillingPlan", "CompanyFeatureOverride", "FeatureOption"]


class CompanyFeatureOverride(Model):
    """A value that replaces one of a company's plan. Queries need ``company_account_number``."""

    resource = "overrides"
    record = "Override"
    keys = ("key",)
    is_whole = True
    instead = "delete this row and add another one"

    company_account_number: Column[str] = Column("key", read=lambda key: "", is_company=True)
    feature_key: Column[str] = Column("key")
    value: Column[str] = Column(read=lambda value: f"{value:g}" if isinstance(value, float) else str(value))
    override_enabled: Column[bool] = Column("enabled")
    id = Removed("overrides are named by company and key: `codex.overrides.get((company, key))`")

    def __init__(self, *, company_account_number: str = "", feature_key: str = "", **values: Any) -> None:
        object.__setattr__(self, "_key", (company_account_number, feature_key))
        super().__init__(**values)

    @classmethod
    def of(cls, record: Record, company: str | None = None) -> CompanyFeatureOverride:
        row = cls(company_account_number=company or "", feature_key=cls.feature_key.of(record))
        object.__setattr__(row, "_record", record)
        return row

    def value_of(self, column: Column[Any]) -> Any:
        if column.name in ("company_account_number", "feature_key"):
            return self.key()[column.name == "feature_key"]
        return super().value_of(column)

    def key(self) -> Any:
        return self.__dict__["_key"]

    def company_number(self) -> str | None:
        number: str = self.key()[0]
        return number

    def create(self, dry_run: bool) -> Record | None:
        return self.update(None, dry_run)

    def update(self, version: str | None, dry_run: bool) -> Record | None:
        if not all(self.key()):
            raise Invalid("an override needs company_account_number and feature_key")
        set_to: Any = self.records().set(self.key(), if_match=version, dry_run=dry_run, **self.body())
        return None if dry_run else set_to

    def remove(self, version: str | None, dry_run: bool) -> None:
        self.records().delete(self.key(), dry_run=dry_run)


class BillingPlan(Model):
    """A billing plan. Prices are ``Decimal``."""

    resource = "billing_plans"
    record = "BillingPlan"
    instead = "Codex numbers plans"

    id: Column[int] = Column()
    plan_name: Column[str] = Column()
    term_length: Column[str] = Column()
    per_user_cost: Column[Decimal] = Column(read=amount(2))
    per_workstation_cost: Column[Decimal] = Column(read=amount(2))
    per_server_cost: Column[Decimal] = Column(read=amount(2))
    per_vm_cost: Column[Decimal] = Column(read=amount(2))
    per_switch_cost: Column[Decimal] = Column(read=amount(2))
    per_firewall_cost: Column[Decimal] = Column(read=amount(2))
    per_hour_ticket_cost: Column[Decimal] = Column(read=amount(2))
    backup_base_fee_workstation: Column[Decimal] = Column(read=amount(2))
    backup_base_fee_server: Column[Decimal] = Column(read=amount(2))
    backup_cost_per_gb_workstation: Column[Decimal] = Column(read=amount(4))
    backup_cost_per_gb_server: Column[Decimal] = Column(read=amount(4))
    backup_included_tb: Column[Decimal] = Column(read=amount(2))
    backup_per_tb_fee: Column[Decimal] = Column(read=amount(2))
    support_level: Column[str | None] = Column()
    antivirus: Column[str] = Column()
    soc: Column[str] = Column()
    password_manager: Column[str] = Column()
    sat: Column[str] = Column()
    email_security: Column[str] = Column()
    network_management: Column[str] = Column()


class FeatureOption(Model):
    """A value that can be chosen for a kind of feature."""

    resource = "feature_options"
    record = "FeatureOption"
    is_whole = True
    instead = "options are created, and not changed: see the page of billing plans"

    id: Column[int] = Column()
    feature_category: Column[str] = Column()
    option_value: Column[str] = Column()
    display_name: Column[str | None] = Column()
    feature_type: Column[str | None] = Column()
    description: Column[str | None] = Column()

    def update(self, version: str | None, dry_run: bool) -> Record | None:
        raise NotSupported(f"an option is not updated: {self.instead}")

    def remove(self, version: str | None, dry_run: bool) -> None:
        raise NotSupported(f"an option is not deleted: {self.instead}")
