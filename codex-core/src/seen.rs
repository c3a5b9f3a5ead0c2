//! The last visits of people to records, and the changes since.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::{Result, codex::Codex, panics::spawn_on};

/// The most visits of a person that are kept.
const MOST_LOOKS: i64 = 5_000;
/// How long a visit is kept.
const KEPT: TimeDelta = TimeDelta::days(90);
/// A second visit within this time counts as the same, so that a reloaded page shows the same.
const ONE_LOOK: TimeDelta = TimeDelta::minutes(1);
/// The most changes of a record that are read.
const MOST_CHANGES: i64 = 500;

sql! {
    /// The last visit of a person to a record, with each change since, the oldest first.
    SINCE = "select s.seen_at, c.changes from seen s left join change_log c on c.kind = s.kind \
        and c.record_id = s.record_id and c.at > s.seen_at \
        where s.actor = $1 and s.kind = $2 and s.record_id = $3 order by c.id limit $4";
    /// Stores a visit.
    NOTE = "insert into seen (actor, kind, record_id, seen_at) values ($1, $2, $3, $4) \
        on conflict (actor, kind, record_id) do update set seen_at = excluded.seen_at";
    /// Deletes old visits.
    FORGET_OLD = "delete from seen where seen_at < $1";
    /// Deletes all but the newest visits of a person.
    FORGET_MORE = "delete from seen where actor = $1 and seen_at < (select seen_at from seen \
        where actor = $1 order by seen_at desc limit 1 offset $2)";
}

/// The time of the last visit, and a change since.
type Row = (DateTime<Utc>, Option<Json<Map<String, Value>>>);

/// The changes of a record since the last visit of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct SinceSeen {
    /// The time of the last visit.
    pub at: DateTime<Utc>,
    /// Changed fields, each with its value at that time. The caller must leave out fields that the person may not see.
    pub fields: BTreeMap<String, Value>,
}

impl Codex {
    /// The changes of a record since the last visit of `actor`; `None` at the first one. `kind` is that of the record,
    /// `record_id` its row id.
    ///
    /// # Errors
    /// [`crate::Error::Db`].
    pub async fn since_seen(
        &self,
        actor: &str,
        kind: &'static str,
        record_id: i64,
    ) -> Result<Option<SinceSeen>> {
        let q = self.0.db.query(SINCE).bind(actor).bind(kind);
        let rows: Vec<Row> = q.bind(record_id).bind(MOST_CHANGES).all().await?;
        let Some(at) = rows.first().map(|(at, _)| *at) else {
            return Ok(None);
        };
        let changes = rows.into_iter().filter_map(|(_, changes)| changes);
        let mut fields = BTreeMap::new();
        for (name, mut values) in changes.flat_map(|Json(changes)| changes) {
            // The first change has the value of that time.
            fields.entry(name).or_insert_with(|| {
                let before = values.get_mut("before");
                before.map(Value::take).unwrap_or_default()
            });
        }
        Ok(Some(SinceSeen { at, fields }))
    }

    /// Stores a visit of `actor` to a record. It runs in a task of its own: the page does not wait, and is shown even if
    /// nothing can be written. `last` is the last visit. Within a minute of it nothing is stored, unless `anew`.
    pub fn note_seen(
        &self,
        actor: &str,
        kind: &'static str,
        record_id: i64,
        last: Option<DateTime<Utc>>,
        anew: bool,
    ) {
        let now = self.now();
        if !anew && last.is_some_and(|last| now - last < ONE_LOOK) {
            return;
        }
        let (codex, actor) = (self.clone(), actor.to_owned());
        spawn_on(&self.0.tasks, "look", async move {
            if let Err(error) = codex.write_seen(&actor, kind, record_id, now).await {
                tracing::debug!(error = error.chain(), "A visit of a record was not stored");
            }
        });
    }

    async fn write_seen(
        &self,
        actor: &str,
        kind: &'static str,
        record_id: i64,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let note = tx.query(NOTE).bind(actor).bind(kind).bind(record_id);
        note.bind(now).execute().await?;
        tx.query(FORGET_OLD).bind(now - KEPT).execute().await?;
        let more = tx.query(FORGET_MORE).bind(actor).bind(MOST_LOOKS);
        more.execute().await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn looks_are_kept_for_a_while_and_by_person() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let now = codex.now();
        assert_eq!(codex.since_seen("ann", "asset", 1).await.unwrap(), None);
        codex.write_seen("ann", "asset", 1, now).await.unwrap();
        let seen = codex.since_seen("ann", "asset", 1).await.unwrap().unwrap();
        assert!((seen.at - now).abs() < TimeDelta::milliseconds(1) && seen.fields.is_empty());
        for (actor, kind, id) in [
            ("ben", "asset", 1),
            ("ann", "contact", 1),
            ("ann", "asset", 2),
        ] {
            assert_eq!(codex.since_seen(actor, kind, id).await.unwrap(), None);
        }
        let later = now + KEPT + TimeDelta::days(1);
        codex.write_seen("ben", "asset", 2, later).await.unwrap();
        assert_eq!(codex.since_seen("ann", "asset", 1).await.unwrap(), None);
        codex.close().await;
    }
}
