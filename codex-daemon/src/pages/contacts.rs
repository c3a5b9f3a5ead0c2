//! Pages of contacts (contract 5.2).

use std::collections::BTreeSet;

use codex_core::{
    Access, Error, Scope,
    assets::Asset,
    claims::ClaimedResource,
    companies::{COMPANY_NUMBER, COMPANY_NUMBERS, CompanyRef},
    contacts::{
        Contact, ContactFields,
        query::{ContactCompanies, LISTING},
        wire::ContactIn,
    },
    ids::ContactId,
    list::{Filter, ListedResource, Page, PageRequest, listed},
    records::{Author, FieldDef, Intent, RecordBody as _},
};
use serde_json::{Map, Value, json};

use super::{
    PageSet,
    address::ListAddress,
    assets::Assets,
    fields::values,
    form::InputView,
    record::{
        self, AtFirst, Badge, BesideColumn, BesideInput, LinkChange, LinkForms, MOST_CHOICES,
        PageRecord, Part, RecordPages, ResourceDef, TabDef, company_link, named, table,
    },
    table::{Cell, Head, TableView},
    visit::{Visit, applied},
};
use crate::http::{forwarded::Forwarded, problem::Problem};

/// The tabs.
const COMPANIES: &str = "companies";
const ASSETS: &str = "assets";

/// Pages of contacts.
pub(super) struct Contacts;

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::records::<Contacts>(record::routes::<Contacts>);

impl RecordPages for Contacts {
    type Record = Contact;
    type Found = (Contact, ContactCompanies);

    const DEF: &'static ResourceDef = &ResourceDef {
        path: "/contacts/",
        key: "id",
        noun: "contact",
        title: "Contacts",
        listing: &LISTING,
        form: ContactFields::FIELDS,
        beside: &[BesideInput {
            name: COMPANY_NUMBERS,
            label: "Companies",
            help: "Account numbers of the companies that the person is at, one a line.",
            is_list: true,
            is_new: true,
            is_required: false,
        }],
        columns: &[
            "name",
            "company",
            "email",
            "work_phone_number",
            "mobile_phone_number",
            "job_title",
            "tags",
        ],
        beside_columns: &[BesideColumn::COMPANY, BesideColumn::TAGS],
        apart: &[],
        // Who is not known to be inactive counts as active.
        at_first: Some(AtFirst {
            filter: Some(("active__ne", "false")),
            until: &["active"],
            noun: "active contact",
            narrowed: "Without inactive contacts",
            whole: "With inactive contacts",
        }),
        claims: Some(ClaimedResource::Contacts),
        listed: Some(ListedResource::Contacts),
        export: Some("contacts"),
        tabs: &[
            TabDef {
                word: COMPANIES,
                access: Access::Everyone,
            },
            TabDef {
                word: ASSETS,
                access: Access::Everyone,
            },
        ],
        empty: (
            "There are no contacts yet. They come with the first sync of the PSA, or are created here.",
            "No contact is open to you yet. Ask your service desk to open your company.",
        ),
        deleting: "disappears from all lists, and no sync brings it back. An administrator or technician can restore \
            it.",
    };

    fn shown((contact, own): &Self::Found) -> PageRecord {
        let mut values = values(&contact.fields);
        values.insert(COMPANY_NUMBERS.to_owned(), json!(own.account_numbers));
        PageRecord {
            id: contact.id.0,
            key: contact.id.to_string(),
            name: contact.fields.name.clone(),
            subtitle: contact.fields.job_title.clone().unwrap_or_default(),
            values,
            updated_at: contact.updated_at,
            tags: contact.tags.clone(),
            companies: own.companies.clone(),
            claims_key: Some(contact.id.to_string()),
        }
    }

    async fn list(
        visit: &Visit,
        _asked: &ListAddress,
        request: &PageRequest,
    ) -> codex_core::Result<Page<Self::Found>> {
        let codex = &visit.call.codex;
        codex.contacts(visit.scope(), None, request).await
    }

    async fn find(visit: &Visit, key: &str) -> codex_core::Result<Option<Self::Found>> {
        let Ok(id) = key.parse() else { return Ok(None) };
        let codex = &visit.call.codex;
        codex
            .contact_with_companies(visit.scope(), ContactId(id))
            .await
    }

    async fn create(visit: &Visit, stated: Map<String, Value>) -> codex_core::Result<String> {
        let (codex, author) = (&visit.call.codex, &visit.call.author);
        let contact = ContactIn::read(stated, Intent::Create)?;
        let created = codex.create_contact(visit.scope(), author, &contact);
        let id = applied(created.await?)?;
        Ok(id.to_string())
    }

    async fn update(
        visit: &Visit,
        author: &Author,
        (contact, _): &Self::Found,
        stated: Map<String, Value>,
    ) -> codex_core::Result<bool> {
        let edit = ContactIn::read(stated, Intent::Update)?;
        let codex = &visit.call.codex;
        let updated = codex.update_contact(visit.scope(), author, contact.id, &edit);
        Ok(updated.await?.map(applied).transpose()?.is_some())
    }

    async fn part(
        visit: &Visit,
        found: &Self::Found,
        tab: &str,
        _request: &PageRequest,
    ) -> Result<Part, Problem> {
        if tab == COMPANIES {
            return Ok(companies(&visit.at, &found.1));
        }
        assets(visit, found).await
    }

    async fn link(
        visit: &Visit,
        author: &Author,
        found: &Self::Found,
        tab: &str,
        change: &LinkChange,
    ) -> Result<bool, Problem> {
        let body = match tab {
            COMPANIES => (COMPANY_NUMBERS, json!(numbers(&found.1, change)?)),
            ASSETS => ("asset_ids", json!(asset_ids(visit, found, change).await?)),
            _ => return Err(Problem::not_found("Nothing is linked here.")),
        };
        let stated = Map::from_iter([(body.0.to_owned(), body.1)]);
        Ok(Self::update(visit, author, found, stated).await?)
    }

    fn decorate(_at: &Forwarded, _record: &PageRecord, cell: &mut Cell) {
        // Who is not known to be inactive is shown as active.
        if cell.field == "active" {
            let (text, class) = match cell.text.as_str() {
                "no" => ("Inactive", "badge--warning"),
                _ => ("Active", "badge--success"),
            };
            text.clone_into(&mut cell.text);
            cell.badge = Some(class);
        }
    }

    fn badges(scope: &Scope, record: &PageRecord) -> Vec<Badge> {
        let is = |name: &str, wanted: bool| {
            let value = record.values.get(name).and_then(Value::as_bool);
            value == Some(wanted)
        };
        let is_staff = scope.companies().is_none();
        let badges = [
            (is("active", false), "Inactive", "badge--warning"),
            (is_staff && is("vip_user", true), "VIP", "badge--gold"),
            (is_staff && is("is_agent", true), "Agent", "badge--info"),
        ];
        let badges = badges.into_iter().filter(|(is_true, ..)| *is_true);
        badges
            .map(|(_, text, colour)| Badge {
                text: text.to_owned(),
                colour,
            })
            .collect()
    }

    fn input(field: &FieldDef, input: InputView) -> InputView {
        match field.name {
            "address" | "background_information" => input.in_lines(),
            "secondary_emails" => input.helped("Further e-mail addresses, one a line."),
            _ => input,
        }
    }
}

/// The companies of a contact.
fn companies(at: &Forwarded, own: &ContactCompanies) -> Part {
    let heads = ["Company", "Account number", "Compliance level"].map(|label| Head {
        label: label.to_owned(),
        href: None,
        aria_sort: None,
    });
    let rows = own.companies.iter().map(|company| {
        let link = company_link(at, company);
        let mut name = Cell::of(company.name.as_str());
        name.href = Some(link.href).filter(|href| !href.is_empty());
        let number = company.account_number.clone().unwrap_or_default();
        vec![
            name,
            Cell::of(number),
            Cell::of(company.compliance_level.name()),
        ]
    });
    let linked = own.companies.iter().filter_map(|company| {
        let number = company.account_number.clone()?;
        Some((number, company.name.clone()))
    });
    let table = TableView {
        caption: "Companies".to_owned(),
        heads: heads.into_iter().collect(),
        rows: rows.collect(),
        empty: "This contact is at no company.".to_owned(),
    };
    Part {
        forms: Some(LinkForms {
            noun: "company",
            by: "account number",
            choices: Vec::new(),
            linked: linked.collect(),
        }),
        ..Part::of(table)
    }
}

/// The account numbers of a contact's companies after a change.
fn numbers(own: &ContactCompanies, change: &LinkChange) -> Result<Vec<String>, Problem> {
    // The whole list is written, and a company without a number could not be on it.
    let unnumbered = |company: &CompanyRef| company.account_number.is_none();
    if let Some(company) = own.companies.iter().find(|company| unnumbered(company)) {
        let name = &company.name;
        let message = format!("{name} has no account number yet, and its link would be lost");
        return Err(Error::conflict(message).into());
    }
    let mut numbers = own.account_numbers.clone();
    match change {
        LinkChange::Add(number) if numbers.contains(number) => {}
        LinkChange::Add(number) => numbers.push(number.clone()),
        LinkChange::Remove(number) => numbers.retain(|known| known != number),
    }
    Ok(numbers)
}

/// The assets that a contact uses.
async fn assets(
    visit: &Visit,
    (contact, own): &(Contact, ContactCompanies),
) -> Result<Part, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let used = codex.contact_assets(scope, contact.id).await?;
    let ids: BTreeSet<i64> = used.iter().map(|(asset, _)| asset.id.0).collect();
    let mut choices = Vec::new();
    if !own.account_numbers.is_empty() {
        let parameter = format!("{COMPANY_NUMBER}__in");
        let request = PageRequest {
            limit: Some(MOST_CHOICES),
            filters: vec![Filter::new(&parameter, &listed(&own.account_numbers))],
            ..PageRequest::default()
        };
        let page = codex.assets(scope, None, &request).await?;
        let others = page.items.iter().map(|(asset, _)| asset);
        let others = others.filter(|asset| !ids.contains(&asset.id.0));
        choices = others.map(choice).collect();
    }
    let empty = "This contact uses no asset.".to_owned();
    let columns = [
        "hostname",
        "company",
        "hardware_type",
        "operating_system",
        "online",
        "last_seen",
    ];
    let table = table::<Assets>(&visit.at, scope, &columns, &used, codex.now(), empty);
    Ok(Part {
        forms: Some(LinkForms {
            noun: "asset",
            by: "host name or id",
            choices,
            linked: used.iter().map(|(asset, _)| choice(asset)).collect(),
        }),
        ..Part::of(table)
    })
}

/// What names an asset in a form, and what it is called.
fn choice(asset: &Asset) -> (String, String) {
    let name = asset.fields.hostname.clone();
    let id = asset.id.to_string();
    let name = name.unwrap_or_else(|| format!("Asset {id}"));
    (id, name)
}

/// The ids of a contact's assets after a change.
async fn asset_ids(
    visit: &Visit,
    (contact, _): &(Contact, ContactCompanies),
    change: &LinkChange,
) -> Result<BTreeSet<i64>, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let used = codex.contact_assets(scope, contact.id).await?;
    let mut ids: BTreeSet<i64> = used.iter().map(|(asset, _)| asset.id.0).collect();
    match change {
        LinkChange::Remove(id) => {
            let id = id.parse::<i64>().ok();
            ids.retain(|known| Some(*known) != id);
        }
        LinkChange::Add(name) => {
            let request = named("hostname", name);
            let found = if let Ok(id) = name.parse() {
                vec![id]
            } else {
                let page = codex.assets(scope, None, &request).await?;
                page.items.iter().map(|(asset, _)| asset.id.0).collect()
            };
            match found[..] {
                [id] => {
                    ids.insert(id);
                }
                [] => return Err(not_one("no asset has this host name")),
                _ => {
                    return Err(not_one(
                        "several assets have this host name: name one by its id",
                    ));
                }
            }
        }
    }
    Ok(ids)
}

fn not_one(what: &str) -> Problem {
    Error::invalid("add", what).into()
}

/// What templates are tested with.
#[cfg(test)]
pub(super) fn samples() -> Vec<(&'static str, (Contact, ContactCompanies))> {
    use super::{
        parts::samples::now,
        record::samples::{company, hostile},
        tests::HOSTILE,
    };

    let contact = |fields: Value, companies: Vec<CompanyRef>| {
        let contact = Contact {
            id: ContactId(7),
            fields: serde_json::from_value(fields).unwrap(),
            created_at: now(),
            updated_at: now(),
            deleted_at: None,
            tags: vec![HOSTILE.to_owned()],
        };
        let own = ContactCompanies {
            companies,
            ..ContactCompanies::default()
        };
        (contact, own)
    };
    let usual =
        json!({"name": "Ann Lee", "email": "ann@heron.test", "active": false, "vip_user": true});
    let heron = vec![
        company(Some("100002"), "Blue Heron GmbH"),
        company(None, "New GmbH"),
    ];
    let attack = vec![company(Some(HOSTILE), HOSTILE)];
    vec![
        ("empty", contact(json!({"name": "Ben"}), Vec::new())),
        ("usual", contact(usual, heron)),
        ("hostile", contact(hostile(ContactFields::FIELDS), attack)),
    ]
}
