//! The two records of a duplicate candidate side by side, for the person who decides.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{
    RecordKind, Result,
    assets::Asset,
    contacts::Contact,
    records::{FieldDef, Resource, Stored, Tracked as _},
    store::Db,
};

/// What is counted of an asset and goes to the record that is kept, with the statement that counts it.
const OF_ASSETS: [(&str, &str, &str); 5] = [
    (
        "people",
        "select asset_id, count(distinct contact_id) from asset_contacts where not removed and asset_id in ",
        " group by asset_id",
    ),
    (
        "tags",
        "select record_id, count(*) from record_tags where kind = 'asset' and record_id in ",
        " group by record_id",
    ),
    (
        "installed programs",
        "select asset_id, count(*) from asset_software where asset_id in ",
        " group by asset_id",
    ),
    (
        "secret values",
        "select asset_id, count(*) from asset_secrets where asset_id in ",
        " group by asset_id",
    ),
    (
        "source records",
        "select record_id, count(*) from claims where kind = 'asset' and source <> 'manual' \
         and gone_at is null and record_id in ",
        " group by record_id",
    ),
];
/// The same of a contact.
const OF_CONTACTS: [(&str, &str, &str); 4] = [
    (
        "companies",
        "select contact_id, count(*) from contact_company where contact_id in ",
        " group by contact_id",
    ),
    (
        "assets",
        "select contact_id, count(distinct asset_id) from asset_contacts where not removed and contact_id in ",
        " group by contact_id",
    ),
    (
        "tags",
        "select record_id, count(*) from record_tags where kind = 'contact' and record_id in ",
        " group by record_id",
    ),
    (
        "source records",
        "select record_id, count(*) from claims where kind = 'contact' and source <> 'manual' \
         and gone_at is null and record_id in ",
        " group by record_id",
    ),
];

/// What is compared of two records.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The fields of the kind.
    pub fields: &'static [FieldDef],
    /// The fields of the older record, by name; empty when its row is gone.
    pub older: Map<String, Value>,
    /// Those of the newer record.
    pub newer: Map<String, Value>,
    /// What belongs to each and goes to the record that is kept: what it is, and how many each has.
    pub belongings: Vec<(&'static str, [i64; 2])>,
}

/// Compares two records of a kind in two statements; `None` for a kind that is not compared.
pub(crate) async fn compare(
    db: &Db,
    kind: RecordKind,
    ids: [i64; 2],
) -> Result<Option<Comparison>> {
    Ok(match kind {
        RecordKind::Asset => Some(of_kind::<Asset>(db, ids, &OF_ASSETS).await?),
        RecordKind::Contact => Some(of_kind::<Contact>(db, ids, &OF_CONTACTS).await?),
        _ => None,
    })
}

async fn of_kind<R: Resource>(
    db: &Db,
    ids: [i64; 2],
    counted: &'static [(&'static str, &'static str, &'static str)],
) -> Result<Comparison> {
    let mut q = db.query(R::Fields::SELECT);
    q.push(" where id in ").push_list(ids);
    let rows = q.all::<Stored<R::Fields>>().await?;
    let fields = |id: i64| {
        let row = rows.iter().find(|row| row.id == id);
        match row.map(|row| serde_json::to_value(&row.fields)) {
            Some(Ok(Value::Object(fields))) => fields,
            _ => Map::new(),
        }
    };
    let mut q = db.query("");
    for (place, (what, select, rest)) in counted.iter().copied().enumerate() {
        if place > 0 {
            q.push(" union all ");
        }
        q.push("select '").push(what);
        q.push("' as what, c.* from (").push(select).push_list(ids);
        q.push(rest).push(") as c");
    }
    let rows: Vec<(String, i64, i64)> = q.all().await?;
    let counts: HashMap<(&str, i64), i64> = rows
        .iter()
        .map(|(what, id, count)| ((what.as_str(), *id), *count))
        .collect();
    let of = |what: &'static str| {
        let both = ids.map(|id| counts.get(&(what, id)).copied().unwrap_or(0));
        (what, both)
    };
    Ok(Comparison {
        fields: R::Fields::FIELDS,
        older: fields(ids[0]),
        newer: fields(ids[1]),
        belongings: counted.iter().map(|(what, ..)| of(what)).collect(),
    })
}
