//! What a database holds, without row ids and times: equal for equal histories on any engine.

use std::collections::BTreeMap;

use anyhow::Context as _;
use codex_core::{
    agents::Agent,
    assets::Asset,
    companies::Company,
    contacts::Contact,
    locations::Location,
    psa_agents::PsaAgent,
    records::{Resource, Stored, Tracked as _},
    site_links::SiteLink,
    store::Db,
    tickets::Ticket,
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

#[derive(sqlx::FromRow)]
struct Claim {
    source: String,
    kind: String,
    external_id: String,
    record_id: i64,
    scope: String,
    fields: Json<Map<String, Value>>,
    extra: Json<Map<String, Value>>,
    gone: bool,
}

/// Names of records by kind and row id.
type Names = BTreeMap<(String, i64), String>;

/// Every record, claim, link and creation, by a name that does not depend on row ids.
///
/// # Errors
/// When the database cannot be read.
pub async fn state(db: &Db) -> anyhow::Result<BTreeMap<String, Value>> {
    let claims = "select source, kind, external_id, record_id, scope, fields, extra, \
                  gone_at is not null as gone from claims order by source, external_id";
    let claims: Vec<Claim> = db.query(claims).all().await?;
    let mut names = Names::new();
    let mut state = BTreeMap::new();
    for claim in claims {
        let name = format!("{} {}/{}", claim.kind, claim.source, claim.external_id);
        names
            .entry((claim.kind, claim.record_id))
            .or_insert_with(|| name.clone());
        let entry = json!({"scope": claim.scope, "fields": claim.fields.0, "extra": claim.extra.0,
            "gone": claim.gone});
        state.insert(format!("claim {name}"), entry);
    }
    records::<Company>(db, &names, &mut state).await?;
    records::<Contact>(db, &names, &mut state).await?;
    records::<Asset>(db, &names, &mut state).await?;
    records::<Location>(db, &names, &mut state).await?;
    records::<SiteLink>(db, &names, &mut state).await?;
    records::<PsaAgent>(db, &names, &mut state).await?;
    records::<Agent>(db, &names, &mut state).await?;
    records::<Ticket>(db, &names, &mut state).await?;
    let links: Vec<(i64, i64)> = db
        .query("select contact_id, company_id from contact_company")
        .all()
        .await?;
    for (contact, company) in links {
        let contact = name(&names, Contact::KIND, contact)?;
        let company = name(&names, Company::KIND, company)?;
        state.insert(format!("link {contact} {company}"), Value::Null);
    }
    let created: Vec<(String, i64)> = db
        .query("select kind, count(*) from change_log where op = 'create' group by kind")
        .all()
        .await?;
    for (kind, count) in created {
        state.insert(format!("created {kind}"), count.into());
    }
    Ok(state)
}

async fn records<R: Resource>(
    db: &Db,
    names: &Names,
    state: &mut BTreeMap<String, Value>,
) -> anyhow::Result<()> {
    let rows: Vec<Stored<R::Fields>> = db.query(R::Fields::SELECT).all().await?;
    for row in rows {
        let mut entry = serde_json::to_value(&row.fields)?;
        if let Some(company) = entry.get("company_id").and_then(Value::as_i64) {
            entry["company_id"] = name(names, Company::KIND, company)?.into();
        }
        entry["deleted"] = row.deleted_at.is_some().into();
        state.insert(name(names, R::KIND, row.id)?.to_owned(), entry);
    }
    Ok(())
}

fn name<'n>(names: &'n Names, kind: &str, id: i64) -> anyhow::Result<&'n str> {
    let name = names.get(&(kind.to_owned(), id));
    name.map(String::as_str)
        .with_context(|| format!("{kind} {id} has no claim"))
}

/// Where two states differ: at most ten names, each with both values.
pub fn differences(one: &BTreeMap<String, Value>, two: &BTreeMap<String, Value>) -> Vec<String> {
    let names = one
        .keys()
        .chain(two.keys().filter(|k| !one.contains_key(*k)));
    let differ = names.filter(|name| one.get(*name) != two.get(*name));
    differ
        .take(10)
        .map(|name| format!("{name}: {:?} and {:?}", one.get(name), two.get(name)))
        .collect()
}
