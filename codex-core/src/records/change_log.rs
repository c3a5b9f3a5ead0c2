//! The change log: differences, not states.

use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::{Author, ChangeOp, MAX_BINDS};
use crate::{Result, store::Tx};

/// Binds of an entry.
const COLUMNS: usize = 9;

/// One entry about to be appended.
#[derive(Debug)]
pub(crate) struct Entry {
    pub kind: &'static str,
    pub record_id: i64,
    pub op: ChangeOp,
    pub changes: Map<String, Value>,
}

/// The fields that differ, each with before and after.
pub(crate) fn difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Map<String, Value> {
    after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| {
            let old = before.get(name).cloned().unwrap_or_default();
            (name.clone(), json!({ "before": old, "after": value }))
        })
        .collect()
}

/// Appends entries, as many in one SQL statement as it can bind.
pub(crate) async fn append(tx: &mut Tx, author: &Author, entries: &[Entry]) -> Result<()> {
    for chunk in entries.chunks(MAX_BINDS / COLUMNS) {
        let mut q = tx.query(
            "insert into change_log \
             (at, kind, record_id, op, changes, actor, reason, request_id, run_id) ",
        );
        q.push_rows(chunk, |row, entry| {
            row.bind(author.at)
                .bind(entry.kind)
                .bind(entry.record_id)
                .bind(entry.op.name())
                .bind(Json(&entry.changes))
                .bind(author.actor.as_str())
                .bind_text(author.reason.as_deref())
                .bind_text(author.request_id.as_deref())
                .bind_text(author.run_id.as_deref());
        });
        q.execute().await?;
    }
    Ok(())
}
