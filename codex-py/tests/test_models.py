"""The old models: what a site's own scripts read and write under the old names."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from hivematrix_codex import Changed, Client, Codex, Invalid, NotFound
from hivematrix_codex.compat import NotSupported, connection, models, use
from hivematrix_codex.compat.columns import Column
from hivematrix_codex.compat.models import (
    Agent,
    Asset,
    BillingPlan,
    Company,
    CompanyFeatureOverride,
    Contact,
    FeatureOption,
    Location,
    PlanFeature,
    PSAAgent,
    SyncJob,
    TicketDetail,
    db,
)
from hivematrix_codex.compat.base import Model

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(params=["in process", "over HTTP"])
def backend(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Codex | Client]:
    """Both backends under the old names, one after the other."""
    if request.param == "over HTTP":
        client: Client = request.getfixturevalue("client")
        use(client)
        yield client
    else:
        with Codex.open(f"sqlite://{tmp_path}/codex.db") as codex:
            use(codex)
            yield codex
    db.session.close()


@pytest.fixture
def vendors(synced: Codex) -> Iterator[Codex]:
    """What the simulated vendors have, under the old names."""
    use(synced)
    yield synced
    db.session.close()


@pytest.fixture
def acme(backend: Codex | Client) -> Company:
    company = Company(name="Acme GmbH", phone_system="Teams", domains='["acme.example"]')
    db.session.add(company)
    db.session.commit()
    return company


def test_rows_have_the_old_attributes_and_types(backend: Codex | Client, acme: Company) -> None:
    number = acme.account_number
    again = Company.query.get(number)
    assert again is acme, "a row that is in use is one object"
    assert isinstance(number, str) and acme.name == "Acme GmbH"
    assert acme.domains == '["acme.example"]' and acme.compliance_level == "standard"
    asset = Asset(hostname="ACME-PC-7", company_account_number=number, backup_usage_tb="0.50")
    contact = Contact(name="Ann", email=f"ann@{number}.example")
    plan = BillingPlan(plan_name=f"Gold {number}", term_length="1 Year", per_user_cost=Decimal("20"))
    db.session.add_all([asset, contact, plan])
    db.session.commit()
    assert isinstance(asset.id, int) and asset.backup_usage_tb == "0.50"
    assert getattr(asset, "udf7") is None
    assert contact.primary_email == contact.email and contact.vip_user is False and contact.secondary_emails is None
    assert plan.per_user_cost == Decimal("20.00") and str(plan.backup_cost_per_gb_server) == "0.0000"
    db.session.delete(plan)
    db.session.commit()
    assert BillingPlan.query.get(plan.id) is None


def test_queries_find_what_they_found(backend: Codex | Client, acme: Company) -> None:
    number = acme.account_number
    for name in ("PC-1", "PC-2", "SRV-1"):
        db.session.add(Asset(hostname=name, company_account_number=number, operating_system="Windows 11"))
    db.session.commit()
    own = Asset.query.filter_by(company_account_number=number)
    assert own.count() == 3 and len(own.all()) == 3

    def names(query: Any) -> list[str]:
        return sorted(asset.hostname for asset in query)

    assert names(own.filter(Asset.hostname == "PC-1")) == ["PC-1"]
    assert names(own.filter(Asset.hostname == "pc-1")) == [], "case counts, as in SQL"
    assert names(own.filter(Asset.hostname != "PC-1")) == ["PC-2", "SRV-1"]
    assert names(own.filter(Asset.hostname.in_(["PC-1", "pc-2"]))) == ["PC-1"]
    assert names(own.filter(Asset.hostname.like("PC%"))) == ["PC-1", "PC-2"]
    assert names(own.filter(Asset.hostname.like("PC-_"))) == ["PC-1", "PC-2"]
    assert names(own.filter(Asset.hostname.ilike("%srv%"))) == ["SRV-1"]
    assert names(own.filter(Asset.hostname.contains("C-"), Asset.hostname.startswith("P"))) == ["PC-1", "PC-2"]
    assert names(own.filter(Asset.last_seen.is_(None))) == ["PC-1", "PC-2", "SRV-1"]
    assert names(own.filter(Asset.last_seen.isnot(None))) == []
    assert names(own.filter(Asset.hostname > "PC-1", Asset.hostname > "PC-2")) == ["SRV-1"]
    assert names(own.filter(Asset.operating_system.in_([]))) == []
    assert [asset.hostname for asset in own.order_by(Asset.hostname.desc()).limit(2)] == ["SRV-1", "PC-2"]
    first = own.order_by("hostname").first()
    assert first is not None and first.hostname == "PC-1"
    first.description = "z"
    db.session.commit()
    described = [asset.description for asset in own.order_by(Asset.description)]
    assert described == ["z", None, None], "unknown values come last"
    assert own.filter_by(hostname="PC-2").one().company.name == "Acme GmbH"
    assert own.filter_by(hostname="none").first() is None and own.filter_by(hostname="none").one_or_none() is None
    with pytest.raises(NotFound):
        own.filter_by(hostname="none").one()
    with pytest.raises(Invalid, match="more than one"):
        own.one()
    assert Asset.query.filter_by(company_account_number="none such").all() == []
    assert Asset.query.filter_by(company_account_number="none such").count() == 0
    assert Asset.query.get(987_654_321) is None


def test_related_rows_are_read(backend: Codex | Client, acme: Company) -> None:
    number = acme.account_number
    db.session.add(Asset(hostname="PC-1", company_account_number=number))
    db.session.add(Location(company_account_number=number, name="Main Office"))
    db.session.add(CompanyFeatureOverride(company_account_number=number, feature_key="per_user_cost", value="14.5"))
    db.session.commit()
    backend.contacts.create(name="Ann", company_account_numbers=[number])
    assert [asset.hostname for asset in acme.assets] == ["PC-1"]
    assert [contact.companies for contact in acme.contacts] == [(acme,)]
    location = acme.locations[0]
    assert (location.name, location.company) == ("Main Office", acme)
    location.name = "Head Office"
    db.session.commit()
    assert acme.locations.all()[0].name == "Head Office"
    assert list(acme.tickets) == []
    (override,) = acme.feature_overrides
    assert (override.feature_key, override.value, override.override_enabled) == ("per_user_cost", "14.5", True)
    assert override.company_account_number == number
    override.value = "15"
    db.session.commit()
    of_company = CompanyFeatureOverride.query.filter_by(company_account_number=number)
    assert [row.value for row in of_company] == ["15"]
    db.session.delete(of_company.one())
    db.session.commit()
    assert of_company.all() == []


def test_people_of_an_asset_are_read(codex: Codex) -> None:
    use(codex)
    contact = codex.contacts.create(name="Ann")
    asset = codex.assets.create(hostname="PC-1", contact_ids=[contact.id])
    row = Asset.query.get(asset.id)
    assert row is not None and [one.name for one in row.contacts] == ["Ann"]
    assert [one.hostname for one in row.contacts[0].assets] == ["PC-1"]


def test_changes_are_written_with_the_commit(backend: Codex | Client, acme: Company) -> None:
    acme.description = "Bakery"
    assert backend.companies.get(acme.account_number).description is None
    db.session.commit()
    assert backend.companies.get(acme.account_number).description == "Bakery"
    acme.description = "other"
    db.session.rollback()
    assert acme.description == "Bakery"
    acme.description = "Bakery"
    db.session.commit()
    db.session.delete(acme)
    db.session.commit()
    assert Company.query.get(acme.account_number) is None


def test_new_company_comes_before_its_rows(codex: Codex) -> None:
    use(codex)
    db.session.add(CompanyFeatureOverride(company_account_number="700001", feature_key="per_user_cost", value="9"))
    db.session.add(Asset(hostname="PC-1", company_account_number="700001"))
    db.session.add(Company(name="Acme GmbH", account_number="700001"))
    db.session.commit()
    company = Company.query.filter_by(account_number="700001").one()
    assert [asset.hostname for asset in company.assets] == ["PC-1"] and len(company.feature_overrides) == 1


def test_conflicts_of_two_writers_raise(backend: Codex | Client, acme: Company) -> None:
    db.session.add(Asset(hostname="PC-1", company_account_number=acme.account_number))
    db.session.commit()
    db.session.close()
    asset = Asset.query.filter_by(company_account_number=acme.account_number).one()
    backend.assets.update(asset.id, description="theirs")
    asset.description = "mine"
    with pytest.raises(Changed):
        db.session.commit()
    assert backend.assets.get(asset.id).description == "theirs"
    db.session.refresh(asset)
    assert asset.description == "theirs"
    asset.description = "mine"
    db.session.commit()
    assert backend.assets.get(asset.id).description == "mine"


def test_refused_commit_writes_nothing(backend: Codex | Client, acme: Company) -> None:
    acme.description = "Bakery"
    db.session.add(Contact(name=" "))
    with pytest.raises(Invalid, match="name"):
        db.session.commit()
    assert backend.companies.get(acme.account_number).description is None
    db.session.rollback()
    db.session.commit()


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: Company(name="x").created_at, "Company.created_at is not there any more"),
    (lambda: Company.query.join(Asset), "company.assets"),
    (lambda: Company.query.paginate(1), "islice"),
    (lambda: Company.query.filter("name = 'x'"), "text of SQL is not run"),  # type: ignore[arg-type]
    (lambda: Company.query.filter((Company.name == "x") | (Company.name == "y")), r"in_\(\)"),
    (lambda: Company.query.order_by(Company.name, Company.address), "sorted"),
    (lambda: Company.query.filter(Company.assets == 3), "query the other model"),
    (lambda: setattr(Company(name="x"), "external_id", 5), "the PSA states it"),
    (lambda: setattr(Company(name="x"), "assets", []), "company_account_number"),
    (lambda: setattr(Asset(hostname="x"), "last_seen", "2026"), "the RMM states it"),
    (lambda: TicketDetail(status="closed"), "codex.tickets.update"),
    (lambda: SyncJob(script="x"), "codex.sync"),
    (lambda: PlanFeature.query, "codex.billing_plans"),
    (lambda: db.session.execute("select 1"), "to_arrow"),
    (lambda: db.session.query(Company.name), "takes a model"),  # type: ignore[arg-type]
    (lambda: db.session.flush(), "commit"),
    (lambda: db.create_all(), "codexd migrate"),
    (lambda: db.Column(), "database of your own"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_is_not_there_names_the_new_call(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(NotSupported, match=message):
        call()


def test_unknown_columns_are_refused() -> None:
    with pytest.raises(AttributeError, match="did you mean `name`"):
        Company(nam="x")
    with pytest.raises(ValueError, match="did you mean `hostname`"):
        Asset.query.filter_by(hostnme="x")
    with pytest.raises(ValueError, match="limit"):
        Asset.query.limit(-1)
    with pytest.raises(TypeError, match=r"filter\(\)"):
        bool(Company.name == "x")
    with pytest.raises(ValueError, match="is not a time"):
        Asset.query.filter(Asset.last_seen > "yesterday")
    with pytest.raises(TypeError, match="row"):
        db.session.add("x")  # type: ignore[arg-type]


def test_every_column_reads_an_attribute(vendors: Codex) -> None:
    kinds = [one for one in vars(models).values() if isinstance(one, type) and issubclass(one, Model) and one is not Model]
    assert len(kinds) == 11
    for model in kinds:
        record = vendors_class(model.record)
        for column in model.columns().values():
            assert isinstance(column, Column) and column.new in record.__match_args__, column
    for rows in (Company.query.limit(5), Asset.query.limit(50), Contact.query.limit(50)):
        for row in rows:
            assert all(is_old(getattr(row, name)) for name in row.columns())


def vendors_class(name: str) -> Any:
    from hivematrix_codex import records

    return getattr(records, name)


def is_old(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool, Decimal))


def test_times_are_text_as_before(vendors: Codex) -> None:
    seen = [asset.last_seen for asset in Asset.query.filter(Asset.last_seen.isnot(None)).limit(5)]
    assert seen and all(time and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time) for time in seen)
    assert Asset.query.filter(Asset.last_seen < "2001-01-01").all() == []
    newest = Asset.query.order_by(Asset.last_seen.desc()).first()
    assert newest is not None and Asset.query.filter(Asset.last_seen >= newest.last_seen).count() >= 1
    (job, *_) = SyncJob.query.filter_by(status="completed").order_by(SyncJob.started_at.desc()).all()
    assert job.started_at is not None and job.started_at.endswith("Z") and job.success is True


def test_tickets_are_read(backend: Codex | Client) -> None:
    if isinstance(backend, Codex):
        assert TicketDetail.query.count() == 0
        return
    ticket = TicketDetail.query.order_by(TicketDetail.last_updated_at.desc()).first()
    assert ticket is not None
    assert ticket.ticket_id == ticket.external_id and ticket.last_updated_at is not None
    assert ticket.last_updated_at.endswith("Z")
    said = json.loads(ticket.conversations or "[]")
    assert all("body" in one for one in said)
    found = TicketDetail.query.filter(TicketDetail.status == str(ticket.status).upper()).limit(500).all()
    assert ticket.ticket_id in [one.ticket_id for one in found]
    assert Agent.query.count() > 0 and PSAAgent.query.count() >= 0 and FeatureOption.query.count() >= 0


def test_old_script_runs_in_the_folder_of_an_installation(conf: pathlib.Path, synced: Codex) -> None:
    site = conf.parents[1]
    for name in ("models.py", "extensions.py", "app"):  # as install.sh does
        (site / name).symlink_to(ROOT / "scripts" / name)
    script = site / "offline.py"
    script.write_text(
        "from app import app\n"
        "from app.service_client import call_service\n"
        "from extensions import db\n"
        "from models import Asset, Company\n"
        "with app.app_context():\n"
        "    for company in Company.query.order_by(Company.name).all():\n"
        "        offline = [asset.hostname for asset in company.assets if not asset.online]\n"
        "        print(company.account_number, len(offline))\n"
    )
    result = subprocess.run([sys.executable, str(script)], cwd="/", capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == synced.companies.count()


def test_script_without_an_installation_says_what_is_missing(tmp_path: pathlib.Path) -> None:
    use(tmp_path)
    with pytest.raises(NotFound, match="codex.conf"):
        Company.query.first()
    connection.close()
