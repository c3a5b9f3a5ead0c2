//! Rows that name their record by its id, or by what only that record should have.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{
    Fault, Result,
    bulk::BulkAction,
    records::{Resource, Tracked as _, live},
    store::Tx,
};

pub(crate) const ID: &str = "id";

/// What a record may be known by besides its id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Natural {
    /// The field of a row.
    pub field: &'static str,
    /// The column that holds it.
    pub column: &'static str,
    /// What the column holds of a text; `None` when it tells nobody apart.
    pub key: fn(&str) -> Option<String>,
}

impl Natural {
    fn of(&self, body: &Map<String, Value>) -> Option<String> {
        let text = body.get(self.field)?.as_str()?;
        (self.key)(text).filter(|value| !value.contains('\0'))
    }
}

/// What a row names its record by.
enum Named {
    Id(i64),
    Natural(&'static Natural, String),
    Nothing,
}

/// Values that rows have named so far, by their field.
pub(crate) type Met = HashSet<(&'static str, String)>;

/// The live record that each row means. With `upsert` a row without an id means the one that alone has the first
/// of `naturals` that the row states.
pub(crate) async fn find<R: Resource>(
    tx: &mut Tx,
    action: BulkAction,
    rows: &mut [&mut Map<String, Value>],
    met: &mut Met,
    naturals: &'static [Natural],
) -> Result<Vec<Result<Option<i64>, Fault>>> {
    if action == BulkAction::Upsert {
        // Two at once would both find nothing, and both make it.
        tx.advisory_lock(R::KIND).await?;
    }
    let naturals = if action == BulkAction::Upsert {
        naturals
    } else {
        &[]
    };
    let named: Vec<_> = rows
        .iter_mut()
        .map(|body| named(body, action, met, naturals))
        .collect();
    let named_so = || named.iter().filter_map(|named| named.as_ref().ok());
    let ids = named_so().filter_map(|named| match named {
        Named::Id(id) => Some(*id),
        _ => None,
    });
    let live = live::<R>(tx, ids).await?;
    let mut holders: HashMap<(&str, String), Vec<i64>> = HashMap::new();
    for natural in naturals {
        let values: Vec<&str> = named_so()
            .filter_map(|named| match named {
                Named::Natural(of, value) if of.field == natural.field => Some(value.as_str()),
                _ => None,
            })
            .collect();
        if values.is_empty() {
            continue;
        }
        let mut q = tx.query("select id, ");
        q.push(natural.column).push(" from ").push(R::Fields::TABLE);
        q.push(" where deleted_at is null and ")
            .push(natural.column);
        q.push(" in ").push_list(values).push(" order by id");
        for (id, value) in q.all::<(i64, String)>().await? {
            holders.entry((natural.field, value)).or_default().push(id);
        }
    }
    let find = |named: Result<Named, Fault>| match named? {
        Named::Nothing => Ok(None),
        Named::Id(id) if live.contains(&id) => Ok(Some(id)),
        Named::Id(_) => Err(Fault::at(ID, format!("names no {} that is there", R::KIND))),
        Named::Natural(natural, value) => {
            match holders.get(&(natural.field, value)).map(Vec::as_slice) {
                None | Some([]) => Ok(None),
                Some([id]) => Ok(Some(*id)),
                Some(several) => {
                    let several: Vec<String> = several.iter().map(i64::to_string).collect();
                    let detail = format!(
                        "belongs to {} {}: say which by `id`",
                        R::KIND,
                        several.join(", ")
                    );
                    Err(Fault::at(natural.field, detail))
                }
            }
        }
    };
    Ok(named.into_iter().map(find).collect())
}

fn named(
    body: &mut Map<String, Value>,
    action: BulkAction,
    met: &mut Met,
    naturals: &'static [Natural],
) -> Result<Named, Fault> {
    match body.remove(ID) {
        None | Some(Value::Null) => {}
        Some(_) if action == BulkAction::Create => {
            return Err(Fault::at(ID, "is given by Codex"));
        }
        Some(id) => {
            // No other row may mean it by what it states here.
            let stated = naturals
                .iter()
                .find_map(|natural| Some((natural.field, natural.of(body)?)));
            met.extend(stated);
            let id = id.as_i64();
            return id
                .map(Named::Id)
                .ok_or_else(|| Fault::at(ID, "must be a whole number"));
        }
    }
    for natural in naturals {
        if let Some(value) = natural.of(body) {
            if !met.insert((natural.field, value.clone())) {
                return Err(Fault::at(natural.field, "is in another row too"));
            }
            return Ok(Named::Natural(natural, value));
        }
    }
    Ok(Named::Nothing)
}
