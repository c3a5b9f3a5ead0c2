"""Records, and how they are created, changed and listed: the same over both doors."""

from __future__ import annotations

import pathlib
import pickle
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import Any

import pytest

from hivematrix_codex import Changed, Client, Codex, Invalid, NotFound
from hivematrix_codex.records import Asset, Company, DryRun


@pytest.fixture(params=["in process", "over HTTP"])
def door(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Codex | Client]:
    """Both doors, one after the other."""
    if request.param == "over HTTP":
        yield request.getfixturevalue("client")
    else:
        with Codex.open(f"sqlite://{tmp_path}/codex.db") as codex:
            yield codex


@pytest.fixture
def acme(door: Codex | Client) -> Company:
    return door.companies.create(name="Acme GmbH", domains=["acme.example", "acme.test"])


def test_created_records_can_be_read(door: Codex | Client, acme: Company) -> None:
    assert acme.name == "Acme GmbH"
    assert acme.domains == ("acme.example", "acme.test")
    assert door.companies.get(acme.account_number) == acme
    assert door.companies.get(acme) == acme
    asset = door.assets.create(hostname="ACME-PC-7", company_account_number=acme.account_number)
    contact = door.contacts.create(name="Ann", company_account_numbers=[acme.account_number])
    assert door.assets.get(asset.id).company_account_number == acme.account_number
    assert door.contacts.get(contact.id).company_account_numbers == (acme.account_number,)
    assert [found.id for found in door.assets.list(company=acme.account_number)] == [asset.id]
    location = door.locations.create(company=acme.account_number, name="Main Office")
    assert door.locations.get(location) == location
    assert [found.name for found in door.locations.list(company=acme.account_number)] == ["Main Office"]


def test_missing_records_are_not_found(door: Codex | Client) -> None:
    assert door.assets.find(987_654_321) is None
    with pytest.raises(NotFound, match="asset 987654321"):
        door.assets.get(987_654_321)
    with pytest.raises(LookupError):
        door.companies.update("999999", name="x")
    with pytest.raises(NotFound):
        list(door.assets.list(company="999999"))


def test_records_are_frozen_and_pickle(acme: Company) -> None:
    with pytest.raises(AttributeError, match="name: records are frozen"):
        acme.name = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        acme.colour = "x"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(acme)) == acme
    assert len({acme, pickle.loads(pickle.dumps(acme))}) == 1
    assert "Acme GmbH" in repr(acme)
    assert acme.to_dict()["name"] == "Acme GmbH"


def test_html_of_records_is_escaped(door: Codex | Client) -> None:
    company = door.companies.create(name="<b>Tom & Jerry</b>")
    html = company._repr_html_()
    assert "&lt;b&gt;Tom &amp; Jerry" in html and "<b>" not in html


def test_update_returns_the_record_as_it_is_then(door: Codex | Client, acme: Company) -> None:
    updated = door.companies.update(acme, description="Bakery")
    assert updated.description == "Bakery" and updated.name == acme.name
    assert door.companies.update(acme, description=None).description is None


def test_stale_versions_are_refused(door: Codex | Client, acme: Company) -> None:
    door.companies.update(acme, if_match=acme, description="first")
    with pytest.raises(Changed):
        door.companies.update(acme, if_match=acme, description="second")
    assert door.companies.get(acme).description == "first"


def test_dry_runs_change_nothing(door: Codex | Client, acme: Company) -> None:
    plan = door.companies.update(acme, dry_run=True, name="Other")
    assert isinstance(plan, DryRun) and plan.dry_run
    assert [change.kind for change in plan.changes] == ["company"]
    planned = door.companies.delete(acme, dry_run=True)
    assert isinstance(planned, DryRun)
    assert door.companies.get(acme) == acme


def test_deleted_records_are_restored(door: Codex | Client, acme: Company) -> None:
    contact = door.contacts.create(name="Ann")
    door.contacts.delete(contact)
    assert door.contacts.find(contact.id) is None
    assert contact.id in [deleted.id for deleted in door.deleted.list("contact")]
    door.contacts.restore(contact.id)
    assert door.contacts.get(contact.id).name == "Ann"


def test_all_faults_are_reported_at_once(door: Codex | Client, acme: Company) -> None:
    with pytest.raises(Invalid) as caught:
        door.companies.update(acme, compliance_level="odd", colour="red")  # type: ignore[call-overload]
    assert {fault.pointer for fault in caught.value.faults} == {"/colour", "/compliance_level"}
    with pytest.raises(ValueError, match="name"):
        door.companies.create(name=" ")


def test_bulk_has_a_result_for_each_row(door: Codex | Client) -> None:
    rows: list[dict[str, Any]] = [{"name": "One"}, {"name": " "}]
    result = door.companies.bulk(rows, action="create")
    assert [row.status for row in result.results] == ["created", "failed"]
    assert result.results[1].errors[0].pointer.endswith("name")
    assert isinstance(door.companies.bulk(rows[:1], dry_run=True), DryRun)
    with pytest.raises(TypeError, match=r"rows\[0\]"):
        door.companies.bulk([3])  # type: ignore[list-item]


def test_tags_are_put_on_records(door: Codex | Client, acme: Company) -> None:
    tag = door.tags.create(name=f"VIP {acme.account_number}")
    assert door.tags.add(tag, "company", [acme.account_number]).added == 1
    assert door.companies.get(acme).tags == (tag.name,)
    assert [found.name for found in door.companies.list(tag=tag.name)] == ["Acme GmbH"]
    assert door.tags.remove(tag, "company", [acme.account_number]).removed == 1


def test_claims_are_released(door: Codex | Client, acme: Company) -> None:
    claims = door.claims.get("company", acme.account_number)
    assert "name" in [field.field for field in claims.fields]
    with pytest.raises((Invalid, NotFound), match="colour"):
        door.claims.release("company", acme.account_number, "colour")


def test_billing_of_a_company(door: Codex | Client, acme: Company) -> None:
    key = (acme.account_number, "per_user_cost")
    assert door.overrides.set(key, value=14.5).value == 14.5
    assert [one.key for one in door.overrides.list(company=acme.account_number)] == ["per_user_cost"]
    assert door.billing.effective_plan(acme.account_number).account_number == acme.account_number
    assert door.billing.billable(acme.account_number).account_number == acme.account_number
    door.overrides.delete(key)
    assert door.overrides.find(key) is None
    name = f"Gold {acme.account_number}"
    plan = door.billing_plans.create(plan_name=name, term_length="1 Year", per_user_cost=20)
    assert door.billing_plans.update(plan, per_user_cost=25).per_user_cost == 25
    door.billing_plans.delete(plan)


def test_companies_are_renumbered(door: Codex | Client, acme: Company) -> None:
    taken = {company.account_number for company in door.companies.list()}
    free = next(str(n) for n in range(700_000, 800_000) if str(n) not in taken)
    assert door.companies.renumber(acme, free).account_number == free
    assert door.companies.get(acme.account_number).account_number == free


def test_search_finds_names(door: Codex | Client, acme: Company) -> None:
    found = door.search("acme gmbh", kinds=["company"])
    assert acme.account_number in [hit.id for hit in found.results] or found.more
    with pytest.raises(ValueError):
        door.search("")


def test_filters_compare(door: Codex | Client, acme: Company) -> None:
    for name in ("PC-1", "PC-2", "SRV-1"):
        door.assets.create(hostname=name, company_account_number=acme.account_number, operating_system="Linux")
    own = acme.account_number

    def names(**conditions: Any) -> list[str]:
        return [asset.hostname for asset in door.assets.list(company=own, **conditions)]

    assert names(hostname__startswith="PC") == ["PC-1", "PC-2"]
    assert names(sort="-hostname", limit=2) == ["SRV-1", "PC-2"]
    assert names(hostname=["PC-1", "SRV-1"]) == ["PC-1", "SRV-1"]
    assert names(last_seen=None) == ["PC-1", "PC-2", "SRV-1"]
    assert names(created_at__gt=datetime.now(timezone.utc)) == []
    assert names(created_at__lt=date(2001, 1, 1)) == []
    assert names(q="srv") == ["SRV-1"]
    assert names(limit=0) == []
    assert door.assets.count(company=own) == 3


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"operating_systm": "x"}, "did you mean `operating_system`"),
        ({"colour__contains": "x"}, "unknown filter `colour__contains`"),
        ({"sort": "colour"}, "unknown sort key `colour`"),
        ({"online__contains": "x"}, "online__contains"),
        ({"hostname": []}, "hostname: is an empty list"),
        ({"last_seen__gt": datetime(2026, 1, 1)}, "last_seen__gt: the time has no time zone"),
        ({"id__gt": "many"}, "id__gt"),
    ],
)
def test_unusable_conditions_are_value_errors(
    door: Codex | Client, conditions: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(door.assets.list(**conditions))


@pytest.mark.parametrize("value", [object(), {"a"}, {"a": 1}, b"x"])
def test_odd_types_are_type_errors(door: Codex | Client, value: Any) -> None:
    with pytest.raises(TypeError, match="hostname"):
        door.assets.list(hostname=value)
    with pytest.raises(TypeError, match="if_match"):
        door.assets.update(1, if_match=value, hostname="x")
    with pytest.raises(TypeError):
        door.assets.get(value)


def test_records_of_another_class_name_nothing(door: Codex | Client, acme: Company) -> None:
    with pytest.raises(TypeError, match="record of class Asset"):
        door.assets.get(acme)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="id"):
        door.assets.get(True)


def test_keyword_arguments_alone_state_fields(door: Codex | Client) -> None:
    with pytest.raises(TypeError):
        door.companies.create("Acme")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="hostname"):
        door.assets.create(hostname=float("nan"))  # type: ignore[call-overload]


def test_both_doors_have_the_same_classes(codex: Codex, client: Client) -> None:
    mine = codex.assets.create(hostname="PC-1")
    theirs = client.assets.create(hostname="PC-1")
    assert type(mine) is type(theirs) is Asset
    assert mine.to_dict().keys() == theirs.to_dict().keys()
    differing = {
        name for name, value in mine.to_dict().items() if value != theirs.to_dict()[name]
    }
    assert differing <= {"id"}
