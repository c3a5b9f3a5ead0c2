//! Calls that are made once whatever happens on the way.

use chrono::{DateTime, TimeDelta, Utc};

use super::Codex;
use crate::Result;

/// How long a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

sql! {
    /// Takes a key, unless it is taken; keys that are too old are free again.
    TAKE = "insert into idempotency_keys (actor, key, request, begun_at) values ($1, $2, $3, $4) \
        on conflict (actor, key) do update set request = excluded.request, begun_at = excluded.begun_at, \
        status = null, content_type = null, body = null where idempotency_keys.begun_at < $5";
    /// What is known of a key.
    FIND = "select request, begun_at, status, content_type, body from idempotency_keys \
        where actor = $1 and key = $2";
    /// Keeps an answer.
    ANSWER = "update idempotency_keys set status = $3, content_type = $4, body = $5 \
        where actor = $1 and key = $2";
    /// Gives a key back: nothing was done.
    FREE = "delete from idempotency_keys where actor = $1 and key = $2 and status is null";
    /// Forgets old keys.
    FORGET = "delete from idempotency_keys where begun_at < $1";
}

/// What a call with a key is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once {
    /// It is the first: make it.
    Make,
    /// It was made: this was the answer.
    Made(KeptAnswer),
    /// The key was used for something else.
    Other,
    /// One with this key began then; whether it was made is not known.
    Unknown(DateTime<Utc>),
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Its media type.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    request: String,
    begun_at: DateTime<Utc>,
    status: Option<i64>,
    content_type: Option<String>,
    body: Option<Vec<u8>>,
}

impl Codex {
    /// Begins a call with a key; `request` says what it is, so that a key is not used for two things.
    pub async fn begin_once(&self, actor: &str, key: &str, request: &str) -> Result<Once> {
        let now = self.now();
        let old = now - REMEMBERED;
        let mut tx = self.0.db.begin().await?;
        let q = tx.query(TAKE).bind(actor).bind(key).bind(request);
        let taken = q.bind(now).bind(old).execute().await?;
        if taken > 0 {
            tx.query(FORGET).bind(old).execute().await?;
            tx.commit().await?;
            return Ok(Once::Make);
        }
        let known: Option<Row> = tx.query(FIND).bind(actor).bind(key).optional().await?;
        tx.rollback().await?;
        Ok(match known {
            Some(row) if row.request != request => Once::Other,
            Some(row) => match row.status.and_then(|status| u16::try_from(status).ok()) {
                Some(status) => Once::Made(KeptAnswer {
                    status,
                    content_type: row.content_type,
                    body: row.body.unwrap_or_default(),
                }),
                None => Once::Unknown(row.begun_at),
            },
            // Given back at this moment.
            None => Once::Unknown(now),
        })
    }

    /// Keeps the answer of a call with a key; without one nothing was done, and the key is free again.
    pub async fn end_once(&self, actor: &str, key: &str, answer: Option<KeptAnswer>) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        match answer {
            Some(answer) => {
                let q = tx.query(ANSWER).bind(actor).bind(key);
                let q = q.bind(i64::from(answer.status));
                let q = q
                    .bind_text(answer.content_type.as_deref())
                    .bind(answer.body);
                q.execute().await?;
            }
            None => {
                tx.query(FREE).bind(actor).bind(key).execute().await?;
            }
        }
        tx.commit().await
    }
}
