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
    SINCE = "select s.seen_at, s.status, c.changes from seen s left join change_log c on c.kind = s.kind \
        and c.record_id = s.record_id and c.at > s.seen_at \
        where s.actor = $1 and s.kind = $2 and s.record_id = $3 order by c.id limit $4";
    /// Stores a visit.
    NOTE = "insert into seen (actor, kind, record_id, seen_at, status) values ($1, $2, $3, $4, $5) \
        on conflict (actor, kind, record_id) do update set seen_at = excluded.seen_at, status = excluded.status";
    /// Deletes old visits.
    FORGET_OLD = "delete from seen where seen_at < $1";
    /// Deletes all but the newest visits of a person.
    FORGET_MORE = "delete from seen where actor = $1 and seen_at < (select seen_at from seen \
        where actor = $1 order by seen_at desc limit 1 offset $2)";
}

/// The members of a JSON object.
type Members = Json<Map<String, Value>>;
/// The time and the status of the last visit, and a change since.
type Row = (DateTime<Utc>, Option<Members>, Option<Members>);

/// A visit of a person to a record.
#[derive(Debug, Clone)]
pub struct Look {
    /// The person.
    pub actor: String,
    /// The kind of the record.
    pub kind: &'static str,
    /// Its row id.
    pub record_id: i64,
    /// What of the record changes outside its history, by field.
    pub status: Map<String, Value>,
}

/// The changes of a record since the last visit of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct SinceSeen {
    /// The time of the last visit.
    pub at: DateTime<Utc>,
    /// Changed fields, each with its value at that time. The caller must leave out fields that the person may not see.
    pub fields: BTreeMap<String, Value>,
}

impl Codex {
    /// The changes of a record since the last visit of the person; `None` at the first one.
    ///
    /// # Errors
    /// [`crate::Error::Db`].
    pub async fn since_seen(&self, look: &Look) -> Result<Option<SinceSeen>> {
        let q = self.0.db.query(SINCE).bind(look.actor.as_str());
        let q = q.bind(look.kind).bind(look.record_id);
        let mut rows: Vec<Row> = q.bind(MOST_CHANGES).all().await?;
        let Some((at, status, _)) = rows.first_mut() else {
            return Ok(None);
        };
        let (at, status) = (*at, status.take());
        // A field that was not known at that time is not known to have changed.
        let status = status.into_iter().flat_map(|Json(status)| status);
        let mut fields: BTreeMap<String, Value> = status
            .filter(|(name, before)| look.status.get(name).is_some_and(|now| now != before))
            .collect();
        let changes = rows.into_iter().filter_map(|(.., changes)| changes);
        for (name, mut values) in changes.flat_map(|Json(changes)| changes) {
            // The first change has the value of that time.
            fields.entry(name).or_insert_with(|| {
                let before = values.get_mut("before");
                before.map(Value::take).unwrap_or_default()
            });
        }
        Ok(Some(SinceSeen { at, fields }))
    }

    /// Stores a visit to a record. It runs in a task of its own: the page does not wait, and is shown even if nothing can
    /// be written. `last` is the last visit. Within a minute of it nothing is stored, unless `anew`.
    pub fn note_seen(&self, look: Look, last: Option<DateTime<Utc>>, anew: bool) {
        let now = self.now();
        if !anew && last.is_some_and(|last| now - last < ONE_LOOK) {
            return;
        }
        let codex = self.clone();
        spawn_on(&self.0.tasks, "look", async move {
            if let Err(error) = codex.write_seen(&look, now).await {
                tracing::debug!(error = error.chain(), "A visit of a record was not stored");
            }
        });
    }

    async fn write_seen(&self, look: &Look, now: DateTime<Utc>) -> Result<()> {
        let actor = look.actor.as_str();
        let mut tx = self.0.db.begin().await?;
        let note = tx.query(NOTE).bind(actor).bind(look.kind);
        let note = note.bind(look.record_id).bind(now);
        note.bind(Json(&look.status)).execute().await?;
        tx.query(FORGET_OLD).bind(now - KEPT).execute().await?;
        let more = tx.query(FORGET_MORE).bind(actor).bind(MOST_LOOKS);
        more.execute().await?;
        tx.commit().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn look(actor: &str, kind: &'static str, record_id: i64) -> Look {
        Look {
            actor: actor.to_owned(),
            kind,
            record_id,
            status: Map::new(),
        }
    }

    fn online(is_online: bool) -> Look {
        let status = json!({"online": is_online, "patch_status": "Pending"});
        Look {
            status: status.as_object().cloned().unwrap_or_default(),
            ..look("ann", "asset", 1)
        }
    }

    #[tokio::test]
    async fn status_of_the_last_look_is_compared() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let now = codex.now();
        // A look of a release that stored no status.
        codex
            .write_seen(&look("ann", "asset", 1), now)
            .await
            .unwrap();
        let seen = codex.since_seen(&online(true)).await.unwrap().unwrap();
        assert!(seen.fields.is_empty(), "{seen:?}");
        codex.write_seen(&online(true), now).await.unwrap();
        let seen = codex.since_seen(&online(false)).await.unwrap().unwrap();
        assert_eq!(seen.fields, [("online".to_owned(), json!(true))].into());
        let seen = codex.since_seen(&online(true)).await.unwrap().unwrap();
        assert!(seen.fields.is_empty(), "{seen:?}");
        codex.close().await;
    }

    #[tokio::test]
    async fn looks_are_kept_for_a_while_and_by_person() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let now = codex.now();
        let ann = look("ann", "asset", 1);
        assert_eq!(codex.since_seen(&ann).await.unwrap(), None);
        codex.write_seen(&ann, now).await.unwrap();
        let seen = codex.since_seen(&ann).await.unwrap().unwrap();
        assert!((seen.at - now).abs() < TimeDelta::milliseconds(1) && seen.fields.is_empty());
        for (actor, kind, id) in [
            ("ben", "asset", 1),
            ("ann", "contact", 1),
            ("ann", "asset", 2),
        ] {
            let other = look(actor, kind, id);
            assert_eq!(codex.since_seen(&other).await.unwrap(), None);
        }
        let later = now + KEPT + TimeDelta::days(1);
        let ben = look("ben", "asset", 2);
        codex.write_seen(&ben, later).await.unwrap();
        assert_eq!(codex.since_seen(&ann).await.unwrap(), None);
        codex.close().await;
    }
}
