//! Until when a vendor must not be called.
//!
//! Limits are account-wide and processes are many, so the time stands in a row that all share.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};

use crate::{Result, store::Db};

/// How long an answer of the database is good for.
const FRESH: Duration = Duration::from_secs(1);

sql! {
    /// Until when a source is closed.
    READ = "select closed_until from upstream_gates where source = $1";
    /// Closes a source; a later time wins.
    CLOSE = "insert into upstream_gates (source, closed_until, reason) values ($1, $2, $3) \
        on conflict (source) do update set closed_until = excluded.closed_until, \
        reason = excluded.reason where upstream_gates.closed_until < excluded.closed_until";
}

/// When it was read, and what it said.
type Answer = (Instant, Option<DateTime<Utc>>);

/// The gate of one source.
#[derive(Debug, Clone)]
pub struct Gate {
    db: Db,
    source: &'static str,
    last: Arc<Mutex<Option<Answer>>>,
}

impl Gate {
    /// The gate of `source`.
    pub fn new(db: Db, source: &'static str) -> Self {
        Self {
            db,
            source,
            last: Arc::default(),
        }
    }

    /// Until when the source must not be called, if it was ever closed; the time may have passed.
    pub async fn closed_until(&self) -> Result<Option<DateTime<Utc>>> {
        if let Some((at, answer)) = *self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < FRESH
        {
            return Ok(answer);
        }
        let answer = self.db.query(READ).bind(self.source).scalar().await?;
        self.remember(answer);
        Ok(answer)
    }

    /// Closes the source until `until`, for all processes.
    pub async fn close(&self, until: DateTime<Utc>, why: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.query(CLOSE)
            .bind(self.source)
            .bind(until)
            .bind(why)
            .execute()
            .await?;
        tx.commit().await?;
        self.remember(Some(until));
        Ok(())
    }

    fn remember(&self, answer: Option<DateTime<Utc>>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), answer));
    }
}
