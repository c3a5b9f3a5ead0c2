//! Pages of assets (contract 5.2).

mod audit;

use std::collections::BTreeSet;

use codex_core::{
    Access, Error, Scope,
    assets::{Asset, AssetFields, query::LISTING, wire::AssetIn},
    claims::ClaimedResource,
    companies::{COMPANY_NUMBER, CompanyRef, cockpit::FULLY_PATCHED},
    contacts::Contact,
    ids::AssetId,
    list::{Filter, ListedResource, Page, PageRequest},
    records::{Author, FieldDef, Intent, RecordBody as _},
};
use serde_json::{Map, Value, json};

use super::{
    PageSet,
    address::ListAddress,
    asset_secrets::SecretsView,
    contacts::Contacts,
    fields::{values, visible},
    form::InputView,
    record::{
        self, Badge, BesideColumn, BesideInput, LinkChange, LinkForms, MOST_CHOICES, PageRecord,
        Part, RecordPages, ResourceDef, SummaryView, TabDef, named, table,
    },
    table::{Cell, Link},
    visit::{Visit, applied},
};
use crate::http::{forwarded::Forwarded, problem::Problem};

/// The tabs.
const CONTACTS: &str = "contacts";
const INVENTORY: &str = "inventory";

/// Links of an asset that lead out of Codex, by field, with what they are called.
const ACTIONS: [(&str, &str); 2] = [
    ("web_remote_url", "Remote access"),
    ("portal_url", "Open in the RMM"),
];

/// Pages of assets.
pub(super) struct Assets;

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::records::<Assets>(record::routes::<Assets>);

impl RecordPages for Assets {
    type Record = Asset;
    type Found = (Asset, Option<CompanyRef>);

    const DEF: &'static ResourceDef = &ResourceDef {
        path: "/assets/",
        key: "id",
        noun: "asset",
        title: "Assets",
        listing: &LISTING,
        form: AssetFields::FIELDS,
        beside: &[BesideInput {
            name: COMPANY_NUMBER,
            label: "Company",
            help: "Account number of the company that the asset belongs to; empty for none.",
            is_list: false,
            is_new: false,
            is_required: false,
        }],
        columns: &[
            "hostname",
            "company",
            "hardware_type",
            "operating_system",
            "last_logged_in_user",
            "online",
            "last_seen",
            "tags",
        ],
        beside_columns: &[
            BesideColumn::COMPANY.sorted_by(COMPANY_NUMBER),
            BesideColumn::TAGS,
        ],
        apart: &["udf"],
        at_first: None,
        claims: Some(ClaimedResource::Assets),
        listed: Some(ListedResource::Assets),
        export: Some("assets"),
        tabs: &[
            TabDef {
                word: CONTACTS,
                access: Access::Everyone,
            },
            TabDef {
                word: INVENTORY,
                access: Access::Staff,
            },
            TabDef {
                word: "software",
                access: Access::Staff,
            },
        ],
        empty: (
            "There are no assets yet. They come with the first sync of the RMM, or are created here.",
            "No asset is open to you yet. Ask your service desk to open your company.",
        ),
        deleting: "disappears from all lists, and no sync brings it back. An administrator or technician can restore \
            it.",
    };

    fn shown((asset, company): &Self::Found) -> PageRecord {
        let id = asset.id.to_string();
        let number = company.as_ref();
        let number = number.and_then(|company| company.account_number.as_ref());
        let mut values = values(&asset.kept());
        values.insert(COMPANY_NUMBER.to_owned(), json!(number));
        let hostname = asset.fields.hostname.clone();
        let hostname = hostname.filter(|name| !name.trim().is_empty());
        PageRecord {
            id: asset.id.0,
            name: hostname.unwrap_or_else(|| format!("Asset {id}")),
            subtitle: asset.fields.operating_system.clone().unwrap_or_default(),
            values,
            updated_at: asset.updated_at,
            tags: asset.tags.clone(),
            companies: company.iter().cloned().collect(),
            claims_key: Some(id.clone()),
            key: id,
        }
    }

    async fn list(
        visit: &Visit,
        _asked: &ListAddress,
        request: &PageRequest,
    ) -> codex_core::Result<Page<Self::Found>> {
        let codex = &visit.call.codex;
        codex.assets(visit.scope(), None, request).await
    }

    async fn find(visit: &Visit, key: &str) -> codex_core::Result<Option<Self::Found>> {
        let Ok(id) = key.parse() else { return Ok(None) };
        let codex = &visit.call.codex;
        codex.asset_with_company(visit.scope(), AssetId(id)).await
    }

    async fn create(visit: &Visit, stated: Map<String, Value>) -> codex_core::Result<String> {
        let (codex, author) = (&visit.call.codex, &visit.call.author);
        let asset = AssetIn::read(stated, Intent::Create)?;
        let created = codex.create_asset(visit.scope(), author, &asset);
        let id = applied(created.await?)?;
        Ok(id.to_string())
    }

    async fn update(
        visit: &Visit,
        author: &Author,
        (asset, _): &Self::Found,
        stated: Map<String, Value>,
    ) -> codex_core::Result<bool> {
        let edit = AssetIn::read(stated, Intent::Update)?;
        let codex = &visit.call.codex;
        let updated = codex.update_asset(visit.scope(), author, asset.id, &edit);
        Ok(updated.await?.map(applied).transpose()?.is_some())
    }

    async fn summary(visit: &Visit, (asset, _): &Self::Found) -> codex_core::Result<SummaryView> {
        let mut view = SummaryView::default();
        if visible(LISTING.fields, visit.scope(), "udf").is_some() {
            view.tables.extend(audit::user_fields(&asset.fields.udf));
        }
        Ok(view)
    }

    fn status((asset, _): &Self::Found) -> Map<String, Value> {
        values(&asset.status)
    }

    async fn secrets(
        visit: &Visit,
        (asset, _): &Self::Found,
    ) -> codex_core::Result<Option<SecretsView>> {
        SecretsView::of(visit, asset.id).await
    }

    async fn part(
        visit: &Visit,
        found: &Self::Found,
        tab: &str,
        _request: &PageRequest,
    ) -> Result<Part, Problem> {
        if tab == CONTACTS {
            return contacts(visit, found).await;
        }
        let codex = &visit.call.codex;
        let read = codex.asset_audit(visit.scope(), found.0.id).await?;
        let audit = read.and_then(|(_, audit)| audit);
        let table = match tab {
            INVENTORY => audit::inventory(audit.as_ref()),
            _ => audit::software(audit.as_ref()),
        };
        Ok(Part {
            json: Some(format!("/api/assets/{}/audit", found.0.id)),
            ..Part::of(table)
        })
    }

    async fn link(
        visit: &Visit,
        author: &Author,
        found: &Self::Found,
        tab: &str,
        change: &LinkChange,
    ) -> Result<bool, Problem> {
        if tab != CONTACTS {
            return Err(Problem::not_found("Nothing is linked here."));
        }
        let ids = contact_ids(visit, found, change).await?;
        let stated = Map::from_iter([("contact_ids".to_owned(), json!(ids))]);
        Ok(Self::update(visit, author, found, stated).await?)
    }

    fn decorate(_at: &Forwarded, _record: &PageRecord, cell: &mut Cell) {
        match (cell.field, cell.text.as_str()) {
            ("online", "yes") => (cell.text, cell.badge) = online(true),
            ("online", "no") => (cell.text, cell.badge) = online(false),
            ("patch_status", FULLY_PATCHED) => cell.badge = Some("badge--success"),
            ("patch_status", state) if !state.is_empty() => cell.badge = Some("badge--warning"),
            _ => {}
        }
    }

    fn badges(_scope: &Scope, record: &PageRecord) -> Vec<Badge> {
        let is_online = record.values.get("online").and_then(Value::as_bool);
        let badge = is_online.map(|is_online| {
            let (text, colour) = online(is_online);
            Badge {
                text,
                colour: colour.unwrap_or_default(),
            }
        });
        badge.into_iter().collect()
    }

    fn actions(scope: &Scope, record: &PageRecord) -> Vec<Link> {
        let actions = ACTIONS.into_iter().filter_map(|(field, label)| {
            visible(LISTING.fields, scope, field)?;
            let url = record.values.get(field)?.as_str()?;
            // What a vendor or a person states is not run as a script.
            let is_web = ["https://", "http://"];
            let is_web = is_web.iter().any(|scheme| url.starts_with(scheme));
            is_web.then(|| Link::new(label, url.to_owned()))
        });
        actions.collect()
    }

    fn input(field: &FieldDef, input: InputView) -> InputView {
        match field.name {
            "description" => input.in_lines(),
            _ => input,
        }
    }
}

/// Whether an asset is online, as a badge.
fn online(is_online: bool) -> (String, Option<&'static str>) {
    if is_online {
        ("Online".to_owned(), Some("badge--success"))
    } else {
        ("Offline".to_owned(), Some("badge--danger"))
    }
}

/// The contacts who use an asset.
async fn contacts(
    visit: &Visit,
    (asset, company): &(Asset, Option<CompanyRef>),
) -> Result<Part, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let users = codex.asset_users(scope, asset.id).await?;
    let ids: BTreeSet<i64> = users.iter().map(|(contact, _)| contact.id.0).collect();
    let mut choices = Vec::new();
    if company.is_some() {
        let request = PageRequest {
            limit: Some(MOST_CHOICES),
            filters: vec![Filter::new("active__ne", "false")],
            ..PageRequest::default()
        };
        let page = codex
            .contacts(scope, asset.fields.company_id, &request)
            .await?;
        let others = page.items.iter().map(|(contact, _)| contact);
        let others = others.filter(|contact| !ids.contains(&contact.id.0));
        choices = others.map(choice).collect();
    }
    let empty = "Nobody uses this asset.".to_owned();
    let columns = ["name", "company", "email", "job_title", "work_phone_number"];
    let table = table::<Contacts>(&visit.at, scope, &columns, &users, codex.now(), empty);
    Ok(Part {
        forms: Some(LinkForms {
            noun: "contact",
            by: "e-mail address or id",
            choices,
            linked: users.iter().map(|(contact, _)| choice(contact)).collect(),
        }),
        ..Part::of(table)
    })
}

/// What names a contact in a form, and what the person is called.
fn choice(contact: &Contact) -> (String, String) {
    (contact.id.to_string(), contact.fields.name.clone())
}

/// The ids of an asset's users after a change.
async fn contact_ids(
    visit: &Visit,
    (asset, _): &(Asset, Option<CompanyRef>),
    change: &LinkChange,
) -> Result<BTreeSet<i64>, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let users = codex.asset_users(scope, asset.id).await?;
    let mut ids: BTreeSet<i64> = users.iter().map(|(contact, _)| contact.id.0).collect();
    match change {
        LinkChange::Remove(id) => {
            let id = id.parse::<i64>().ok();
            ids.retain(|known| Some(*known) != id);
        }
        LinkChange::Add(name) => {
            let request = named("email", name);
            let found = if let Ok(id) = name.parse() {
                vec![id]
            } else {
                let page = codex.contacts(scope, None, &request).await?;
                page.items.iter().map(|(contact, _)| contact.id.0).collect()
            };
            match found[..] {
                [id] => {
                    ids.insert(id);
                }
                [] => return Err(not_one("no contact has this e-mail address")),
                _ => {
                    return Err(not_one(
                        "several contacts have this e-mail address: name one by its id",
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
pub(super) fn samples() -> Vec<(&'static str, (Asset, Option<CompanyRef>))> {
    use codex_core::assets::AssetStatus;

    use super::{
        parts::samples::now,
        record::samples::{company, hostile},
        tests::HOSTILE,
    };

    let asset = |fields: Value, status: AssetStatus| Asset {
        id: AssetId(7),
        fields: serde_json::from_value(fields).unwrap(),
        status,
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
        tags: vec![HOSTILE.to_owned()],
    };
    let online = AssetStatus {
        online: Some(true),
        last_seen: Some(now()),
        patch_status: Some(FULLY_PATCHED.to_owned()),
        ..AssetStatus::default()
    };
    let attacked = AssetStatus {
        online: Some(false),
        patch_status: Some(HOSTILE.to_owned()),
        last_logged_in_user: Some(HOSTILE.to_owned()),
        ..AssetStatus::default()
    };
    let usual = json!({"hostname": "PC-00231", "operating_system": "Windows 11", "portal_url": "https://rmm.test/1",
        "web_remote_url": "https://rmm.test/remote/1"});
    let attack = asset(hostile(AssetFields::FIELDS), attacked);
    vec![
        ("empty", (asset(json!({}), AssetStatus::default()), None)),
        (
            "usual",
            (
                asset(usual, online),
                Some(company(Some("100002"), "Blue Heron GmbH")),
            ),
        ),
        ("hostile", (attack, Some(company(None, HOSTILE)))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_open_a_remote_session() {
        use codex_core::Role;

        let scope = Scope::staff(Role::Technician);
        let labels = |url: &str| {
            let values = Map::from_iter([("web_remote_url".to_owned(), json!(url))]);
            let record = PageRecord {
                values,
                ..PageRecord::default()
            };
            Assets::actions(&scope, &record).len()
        };
        assert_eq!(labels("https://rmm.test/remote/1"), 1);
        assert_eq!(labels("javascript:alert(1)"), 0);
    }
}
