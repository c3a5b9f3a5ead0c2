"""Records, and how they are created, changed and listed: the same over both backends."""

from __future__ import annotations

import pathlib
import pickle
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any

import pytest

from conftest import setting
from hivematrix_codex import Changed, Client, Codex, Forbidden, Invalid, NotFound, Unauthorized
from hivematrix_codex.records import Asset, Company, DryRun


@pytest.fixture(params=["in process", "over HTTP"])
def backend(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Codex | Client]:
    """Both backends, one after the other."""
    if request.param == "over HTTP":
        yield request.getfixturevalue("client")
    else:
        with Codex.open(f"sqlite://{tmp_path}/codex.db") as codex:
            yield codex


@pytest.fixture
def acme(backend: Codex | Client) -> Company:
    return backend.companies.create(name="Acme GmbH", domains=["acme.example", "acme.test"])


def test_created_records_can_be_read(backend: Codex | Client, acme: Company) -> None:
    assert acme.name == "Acme GmbH"
    assert acme.domains == ("acme.example", "acme.test")
    assert backend.companies.get(acme.account_number) == acme
    assert backend.companies.get(acme) == acme
    asset = backend.assets.create(hostname="ACME-PC-7", company_account_number=acme.account_number)
    contact = backend.contacts.create(name="Ann", company_account_numbers=[acme.account_number])
    assert backend.assets.get(asset.id).company_account_number == acme.account_number
    assert backend.contacts.get(contact.id).company_account_numbers == (acme.account_number,)
    assert [found.id for found in backend.assets.list(company=acme.account_number)] == [asset.id]
    location = backend.locations.create(company=acme.account_number, name="Main Office")
    assert backend.locations.get(location) == location
    assert [found.name for found in backend.locations.list(company=acme.account_number)] == ["Main Office"]


def test_missing_records_are_not_found(backend: Codex | Client) -> None:
    assert backend.assets.find(987_654_321) is None
    with pytest.raises(NotFound, match="asset 987654321"):
        backend.assets.get(987_654_321)
    with pytest.raises(LookupError):
        backend.companies.update("999999", name="x")
    with pytest.raises(NotFound):
        list(backend.assets.list(company="999999"))


def test_forged_tokens_are_unauthorized() -> None:
    with Client(setting("CODEX_URL"), token="forged") as client, pytest.raises(Unauthorized) as refused:
        client.companies.get("100001")
    assert isinstance(refused.value, PermissionError) and not isinstance(refused.value, Forbidden)


def test_records_are_frozen_and_pickle(acme: Company) -> None:
    with pytest.raises(AttributeError, match="name: records are frozen"):
        acme.name = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        acme.colour = "x"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(acme)) == acme
    assert len({acme, pickle.loads(pickle.dumps(acme))}) == 1
    assert "Acme GmbH" in repr(acme)
    assert acme.to_dict()["name"] == "Acme GmbH"


def test_html_of_records_is_escaped(backend: Codex | Client) -> None:
    company = backend.companies.create(name="<b>Tom & Jerry</b>")
    html = company._repr_html_()
    assert "&lt;b&gt;Tom &amp; Jerry" in html and "<b>" not in html


def test_update_returns_the_record_as_it_is_then(backend: Codex | Client, acme: Company) -> None:
    updated = backend.companies.update(acme, description="Bakery")
    assert updated.description == "Bakery" and updated.name == acme.name
    assert backend.companies.update(acme, description=None).description is None


def test_stale_versions_are_refused(backend: Codex | Client, acme: Company) -> None:
    backend.companies.update(acme, if_match=acme, description="first")
    with pytest.raises(Changed):
        backend.companies.update(acme, if_match=acme, description="second")
    assert backend.companies.get(acme).description == "first"


def test_dry_runs_change_nothing(backend: Codex | Client, acme: Company) -> None:
    plan = backend.companies.update(acme, dry_run=True, name="Other")
    assert isinstance(plan, DryRun) and plan.dry_run
    assert [change.kind for change in plan.changes] == ["company"]
    planned = backend.companies.delete(acme, dry_run=True)
    assert isinstance(planned, DryRun)
    assert backend.companies.get(acme) == acme


def test_deleted_records_are_restored(backend: Codex | Client, acme: Company) -> None:
    contact = backend.contacts.create(name="Ann")
    backend.contacts.delete(contact)
    assert backend.contacts.find(contact.id) is None
    assert contact.id in [deleted.id for deleted in backend.deleted.list("contact")]
    backend.contacts.restore(contact.id)
    assert backend.contacts.get(contact.id).name == "Ann"


def test_all_faults_are_reported_at_once(backend: Codex | Client, acme: Company) -> None:
    with pytest.raises(Invalid) as caught:
        backend.companies.update(acme, compliance_level="odd", colour="red")  # type: ignore[call-overload]
    assert {fault.pointer for fault in caught.value.faults} == {"/colour", "/compliance_level"}
    with pytest.raises(ValueError, match="name"):
        backend.companies.create(name=" ")


def test_bulk_has_a_result_for_each_row(backend: Codex | Client) -> None:
    rows: list[dict[str, Any]] = [{"name": "One"}, {"name": " "}]
    result = backend.companies.bulk(rows, action="create")
    assert [row.status for row in result.results] == ["created", "failed"]
    assert result.results[1].errors[0].pointer.endswith("name")
    assert isinstance(backend.companies.bulk(rows[:1], dry_run=True), DryRun)
    with pytest.raises(TypeError, match=r"rows\[0\]"):
        backend.companies.bulk([3])  # type: ignore[list-item]


def test_tags_are_put_on_records(backend: Codex | Client, acme: Company) -> None:
    tag = backend.tags.create(name=f"VIP {acme.account_number}")
    assert backend.tags.add(tag, "company", [acme.account_number]).added == 1
    assert backend.companies.get(acme).tags == (tag.name,)
    assert [found.name for found in backend.companies.list(tag=tag.name)] == ["Acme GmbH"]
    assert backend.tags.remove(tag, "company", [acme.account_number]).removed == 1


def test_claims_are_released(backend: Codex | Client, acme: Company) -> None:
    claims = backend.claims.get("company", acme.account_number)
    assert "name" in [field.field for field in claims.fields]
    with pytest.raises((Invalid, NotFound), match="colour"):
        backend.claims.release("company", acme.account_number, "colour")


def test_billing_of_a_company(backend: Codex | Client, acme: Company) -> None:
    key = (acme.account_number, "per_user_cost")
    assert backend.overrides.set(key, value=14.5).value == 14.5
    assert [one.key for one in backend.overrides.list(company=acme.account_number)] == ["per_user_cost"]
    assert backend.billing.effective_plan(acme.account_number).account_number == acme.account_number
    assert backend.billing.billable(acme.account_number).account_number == acme.account_number
    backend.overrides.delete(key)
    assert backend.overrides.find(key) is None
    name = f"Gold {acme.account_number}"
    plan = backend.billing_plans.create(plan_name=name, term_length="1 Year", per_user_cost=20)
    assert backend.billing_plans.update(plan, per_user_cost=25).per_user_cost == 25
    backend.billing_plans.delete(plan)


def test_companies_are_renumbered(backend: Codex | Client, acme: Company) -> None:
    taken = {company.account_number for company in backend.companies.list()}
    free = next(str(n) for n in range(700_000, 800_000) if str(n) not in taken)
    assert backend.companies.renumber(acme, free).account_number == free
    assert backend.companies.get(acme.account_number).account_number == free


def test_search_finds_names(backend: Codex | Client, acme: Company) -> None:
    found = backend.search("acme gmbh", kinds=["company"])
    assert acme.account_number in [hit.id for hit in found.results] or found.more
    with pytest.raises(ValueError):
        backend.search("")


def test_filters_compare(backend: Codex | Client, acme: Company) -> None:
    for name in ("PC-1", "PC-2", "SRV-1"):
        backend.assets.create(hostname=name, company_account_number=acme.account_number, operating_system="Linux")
    own = acme.account_number

    def names(**conditions: Any) -> list[str]:
        return [asset.hostname for asset in backend.assets.list(company=own, **conditions)]

    assert names(hostname__startswith="PC") == ["PC-1", "PC-2"]
    assert names(sort="-hostname", limit=2) == ["SRV-1", "PC-2"]
    assert names(hostname=["PC-1", "SRV-1"]) == ["PC-1", "SRV-1"]
    assert names(last_seen=None) == ["PC-1", "PC-2", "SRV-1"]
    assert names(created_at__gt=datetime.now(timezone.utc)) == []
    assert names(created_at__lt=date(2001, 1, 1)) == []
    assert names(q="srv") == ["SRV-1"]
    assert names(limit=0) == []
    assert backend.assets.count(company=own) == 3


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"operating_systm": "x"}, "did you mean `operating_system`"),
        ({"hostname__contain": "x"}, "did you mean `hostname__contains`"),
        ({"hostnam__contain": "x"}, "did you mean `hostname__contains`"),
        ({"colour__contains": "x"}, "unknown filter `colour__contains`"),
        ({"sort": "colour"}, "unknown sort key `colour`"),
        ({"online__contains": "x"}, "online__contains"),
        ({"hostname": []}, "hostname: is an empty list"),
        ({"last_seen__gt": datetime(2026, 1, 1)}, "last_seen__gt: the time has no time zone"),
        ({"id__gt": "many"}, "id__gt"),
    ],
)
def test_unusable_conditions_are_value_errors(
    backend: Codex | Client, conditions: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(backend.assets.list(**conditions))


@pytest.mark.parametrize("value", [object(), {"a"}, {"a": 1}, b"x"])
def test_odd_types_are_type_errors(backend: Codex | Client, value: Any) -> None:
    with pytest.raises(TypeError, match="hostname"):
        backend.assets.list(hostname=value)
    with pytest.raises(TypeError, match="if_match"):
        backend.assets.update(1, if_match=value, hostname="x")
    with pytest.raises(TypeError):
        backend.assets.get(value)


def test_records_of_another_class_name_nothing(backend: Codex | Client, acme: Company) -> None:
    with pytest.raises(TypeError, match="record of class Asset"):
        backend.assets.get(acme)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="id"):
        backend.assets.get(True)


def test_keyword_arguments_alone_state_fields(backend: Codex | Client) -> None:
    with pytest.raises(TypeError):
        backend.companies.create("Acme")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="hostname"):
        backend.assets.create(hostname=float("nan"))  # type: ignore[call-overload]


def test_both_backends_have_the_same_classes(codex: Codex, client: Client) -> None:
    mine = codex.assets.create(hostname="PC-1")
    theirs = client.assets.create(hostname="PC-1")
    assert type(mine) is type(theirs) is Asset
    assert mine.to_dict().keys() == theirs.to_dict().keys()
    differing = {
        name for name, value in mine.to_dict().items() if value != theirs.to_dict()[name]
    }
    assert differing <= {"id"}


def test_views_are_saved(backend: Codex | Client) -> None:
    view = backend.views.create(name="Offline servers", resource="assets", query="hardware_type=Server&online=false")
    assert (view.audience, view.resource) == ("personal", "assets")
    assert backend.views.get(view) == view
    assert view.name in [found.name for found in backend.views.list(resource="assets", sort="name")]
    assert backend.views.update(view, if_match=view, name="Servers").name == "Servers"
    with pytest.raises(Changed):
        backend.views.update(view, if_match=view, name="Late")
    with pytest.raises(ValueError, match="resource"):
        backend.views.create(name="x", resource="planets")
    backend.views.delete(view.id)
    assert backend.views.find(view.id) is None


def test_agents_are_created_and_updated(codex: Codex) -> None:
    agent = codex.agents.create(keycloak_id="kc-1", username="grace", email="grace@msp.example")
    assert (agent.keycloak_id, agent.theme_preference) == ("kc-1", "light")
    assert codex.agents.update(agent, if_match=agent, theme_preference="dark").theme_preference == "dark"
    assert isinstance(codex.agents.update(agent, theme_preference="light", dry_run=True), DryRun)
    with pytest.raises(Changed):
        codex.agents.update(agent, if_match=agent, theme_preference="light")
    with pytest.raises(ValueError, match="theme_preference"):
        codex.agents.update(agent, theme_preference="pink")
    with pytest.raises(NotFound, match="agent nobody"):
        codex.agents.update("nobody", theme_preference="dark")


def test_companies_of_agents_are_set(backend: Codex | Client, acme: Company) -> None:
    agents = list(backend.agents.list(limit=1))
    agent = agents[0] if agents else backend.agents.create(keycloak_id="kc-1", username="grace")
    assert isinstance(backend.agents.set_companies(agent, [acme.account_number], dry_run=True), DryRun)
    before = backend.agents.companies(agent)
    assert backend.agents.set_companies(agent, [acme.account_number]) == (acme.account_number,)
    assert backend.agents.companies(agent.keycloak_id) == (acme.account_number,)
    with pytest.raises(ValueError, match="none such"):
        backend.agents.set_companies(agent, ["none such"])
    assert backend.agents.set_companies(agent, before) == before
    with pytest.raises(NotFound):
        backend.agents.companies("nobody")


def test_people_are_assigned_to_assets(backend: Codex | Client, acme: Company) -> None:
    contact = backend.contacts.create(name="Ann", company_account_numbers=[acme.account_number])
    asset = backend.assets.create(hostname="PC-1", contact_ids=[contact.id])
    if isinstance(backend, Client):
        with pytest.raises(Invalid, match="contacts: is not there over HTTP"):
            backend.assets.contacts(asset)
        return
    assert [one.name for one in backend.assets.contacts(asset)] == ["Ann"]
    assert [one.hostname for one in backend.contacts.assets(contact)] == ["PC-1"]
    backend.contacts.update(contact, asset_ids=[])
    assert backend.assets.contacts(asset) == ()


def test_audits_of_assets_are_read(backend: Codex | Client) -> None:
    asset = backend.assets.create(hostname="PC-1", serial_number="SN-1")
    audit = backend.assets.audit(asset)
    assert (audit.asset_id, audit.serial_number, audit.software) == (asset.id, "SN-1", ())
    with pytest.raises(NotFound, match="asset 987654321"):
        backend.assets.audit(987_654_321)


def test_secrets_are_revealed_by_name(synced: Codex) -> None:
    assets = list(synced.assets.list())
    named = [(asset, name) for asset in assets for name in synced.assets.secret_names(asset)]
    for asset, name in named[:1]:
        assert synced.assets.reveal_secret(asset, name)
        assert name not in asset.udf
    assert synced.assets.reveal_secret(assets[0], "udf31") is None


def test_billing_is_exported_and_imported(backend: Codex | Client, acme: Company) -> None:
    name = f"Gold {acme.account_number}"
    backend.billing_plans.create(plan_name=name, term_length="1 Year", per_user_cost=20)
    export = backend.billing.export_plans()
    assert name in [plan["plan_name"] for plan in export["plans"]]
    assert isinstance(backend.billing.import_plans(export, dry_run=True), DryRun)
    assert backend.billing.import_plans(export).plans_created == 0
    export["plans"] = [{"plan_name": f"New {name}", "term_length": "1 Year"}]
    assert backend.billing.import_plans(export).plans_created == 1
    with pytest.raises(ValueError, match="plan"):
        backend.billing.import_plans({"plans": [{"plan_name": " "}]})
    with pytest.raises(ValueError, match="did you mean `plans`"):
        backend.billing.import_plans({"plan": []})
    with pytest.raises(ValueError, match="plans"):
        backend.billing.import_plans({"plans": 3})


def test_dashboard_has_the_counts(backend: Codex | Client, acme: Company) -> None:
    dashboard = backend.dashboard()
    assert dashboard.counts.companies == backend.companies.count()
    assert dashboard.assets.online >= 0
