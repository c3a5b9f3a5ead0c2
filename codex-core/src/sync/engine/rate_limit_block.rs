//! What all who call a vendor's account share: until when it must not be called, and how often it was called of late.
//!
//! Limits are account-wide and processes are many, beside each other and one after the other, so both stand in rows of
//! the database. Times are of each host's own clock; where another's may run ahead, waits are longer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::http::budget::{Budget, FinishedGrant, SKEW};
use crate::{Result, store::Db};

/// How long an answer of the database is good for.
const FRESH: Duration = Duration::from_secs(1);
/// Nobody closes a gate for longer: a later time was noted by a clock that was wrong.
pub(crate) const FARTHEST: TimeDelta = TimeDelta::hours(2);

sql! {
    /// Until when a source is closed.
    READ = "select closed_until from upstream_gates where source = $1";
    /// Closes a source; a later time wins, unless it is too far away to be true.
    CLOSE = "insert into upstream_gates (source, closed_until, reason) values ($1, $2, $3) \
        on conflict (source) do update set closed_until = excluded.closed_until, \
        reason = excluded.reason where upstream_gates.closed_until < excluded.closed_until \
        or upstream_gates.closed_until > $4";
    /// What an account has spent.
    BUDGET = "select state from upstream_budgets where source = $1";
    /// An account that nobody has called yet.
    NEW_BUDGET = "insert into upstream_budgets (source, state) values ($1, $2) on conflict (source) do nothing";
    /// Notes what it has spent.
    SET_BUDGET = "update upstream_budgets set state = $2 where source = $1";
}

/// The gate of one source; clones are one.
#[derive(Debug, Clone)]
pub struct RateLimitBlock {
    db: Db,
    source: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// When it was last read, and what it said.
    last: Option<(Instant, Option<DateTime<Utc>>)>,
    /// A time that was set for other processes alone: we wait by ourselves.
    for_others: Option<DateTime<Utc>>,
    /// Grants that ended with whoever used them.
    left: Vec<FinishedGrant>,
}

impl RateLimitBlock {
    /// The gate of `source`.
    pub fn new(db: Db, source: &'static str) -> Self {
        Self {
            db,
            source,
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the source must not be called, if it was ever closed; the time may have passed.
    pub async fn closed_until(&self) -> Result<Option<DateTime<Utc>>> {
        if let Some((at, answer)) = self.state().last
            && at.elapsed() < FRESH
        {
            return Ok(answer);
        }
        let answer = self.db.query(READ).bind(self.source).scalar().await?;
        let mut state = self.state();
        let answer = answer.filter(|_| answer != state.for_others);
        state.last = Some((Instant::now(), answer));
        Ok(answer)
    }

    /// Closes the source until `until`, for all processes.
    pub async fn close(&self, until: DateTime<Utc>, why: &str) -> Result<()> {
        self.write(until, why).await?;
        self.state().last = Some((Instant::now(), Some(until)));
        Ok(())
    }

    /// Closes the source until `until` for all other processes.
    pub(crate) async fn close_for_others(&self, until: DateTime<Utc>, why: &str) -> Result<()> {
        let until = until + TimeDelta::milliseconds(SKEW);
        self.state().for_others = Some(until);
        self.write(until, why).await
    }

    async fn write(&self, until: DateTime<Utc>, why: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.query(CLOSE)
            .bind(self.source)
            .bind(until)
            .bind(why)
            .bind(until + FARTHEST)
            .execute()
            .await?;
        tx.commit().await
    }

    /// What the account has spent and is known to allow.
    pub(crate) async fn budget(&self) -> Result<Budget> {
        let state = self.db.query(BUDGET).bind(self.source).scalar().await?;
        Ok(state.map(read).unwrap_or_default())
    }

    /// Changes what the account has spent; one process after the other.
    pub(crate) async fn change_budget<T>(
        &self,
        change: impl FnOnce(&mut Budget) -> T,
    ) -> Result<T> {
        let mut tx = self.db.begin().await?;
        let mut state = None;
        // The first of all makes the row, whose lock the next waits for.
        for is_new in [true, false] {
            let mut q = tx.query("select state from upstream_budgets where source = ");
            q.push_bind(self.source).for_update();
            state = q.scalar().await?;
            if state.is_some() || !is_new {
                break;
            }
            let q = tx.query(NEW_BUDGET).bind(self.source);
            q.bind(Json(Budget::default())).execute().await?;
        }
        let mut budget = state.map(read).unwrap_or_default();
        let before = budget.clone();
        let done = change(&mut budget);
        if budget != before {
            let q = tx.query(SET_BUDGET).bind(self.source).bind(Json(budget));
            q.execute().await?;
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Leaves grants that have ended to [`RateLimitBlock::give_back`].
    pub(crate) fn leave(&self, grants: Vec<FinishedGrant>) {
        if !grants.is_empty() {
            self.state().left.extend(grants);
        }
    }

    /// Gives back what was granted and not used, so that the next run need not wait for it. Without it the calls
    /// count for one window.
    pub(crate) async fn give_back(&self) -> Result<()> {
        let left = std::mem::take(&mut self.state().left);
        if left.is_empty() {
            return Ok(());
        }
        let finish_grant =
            |budget: &mut Budget| left.iter().for_each(|grant| budget.finish_grant(grant));
        self.change_budget(finish_grant).await
    }
}

/// What a vendor's account allows, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorLimits {
    /// Calls a minute that the vendor has shown to allow; `None` when it has shown none.
    pub per_minute: Option<u64>,
    /// Calls of the last minute, of all processes.
    pub used: u64,
    /// Until when the vendor must not be called, when that is not over.
    pub closed_until: Option<DateTime<Utc>>,
}

/// The limits of a source's account, in two statements.
pub(crate) async fn limits(db: &Db, source: &str, now: DateTime<Utc>) -> Result<VendorLimits> {
    let state = db.query(BUDGET).bind(source).scalar().await?;
    let budget: Budget = state.map(read).unwrap_or_default();
    let closed: Option<DateTime<Utc>> = db.query(READ).bind(source).scalar().await?;
    Ok(VendorLimits {
        per_minute: budget.known.shown,
        used: budget.used(now.timestamp_millis()),
        closed_until: closed.filter(|until| *until > now),
    })
}

/// A state that another version has written in another form says nothing: the vendor tells its limits again.
fn read(state: Json<Value>) -> Budget {
    serde_json::from_value(state.0).unwrap_or_default()
}
