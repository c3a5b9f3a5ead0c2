//! Reading and writing when schedules come due.

use chrono::{DateTime, Utc};

use super::Planned;
use crate::{
    Result,
    store::{Db, Tx},
};

sql! {
    /// Every schedule that has ever been planned.
    ALL = "select name, cron, next_at, last_at from schedules order by name";
    /// A schedule that is new, or has another expression than before.
    PLAN = "insert into schedules (name, cron, next_at) values ($1, $2, $3) \
        on conflict (name) do update set cron = excluded.cron, next_at = excluded.next_at \
        where schedules.cron <> excluded.cron";
    /// Plans a schedule anew, if nobody else has.
    REPLAN = "update schedules set next_at = $3 where name = $1 and next_at = $2";
    /// Takes a run that is due, if nobody else has.
    TAKE = "update schedules set next_at = $3, last_at = $4 where name = $1 and next_at = $2";
}

/// Every schedule that has ever been planned.
pub(crate) async fn all(db: &Db) -> Result<Vec<Planned>> {
    db.query(ALL).all().await
}

/// Plans a schedule that is new or has changed.
pub(crate) async fn plan(tx: &mut Tx, name: &str, cron: &str, next: DateTime<Utc>) -> Result<()> {
    let q = tx.query(PLAN).bind(name).bind(cron).bind(next);
    q.execute().await?;
    Ok(())
}

/// Plans anew a schedule that was planned for a time that is too far away.
pub(crate) async fn replan(tx: &mut Tx, planned: &Planned, next: DateTime<Utc>) -> Result<()> {
    let q = tx.query(REPLAN).bind(planned.name.as_str());
    q.bind(planned.next_at).bind(next).execute().await?;
    Ok(())
}

/// Takes a run that is due; `false` when another process has taken it.
pub(crate) async fn take(
    tx: &mut Tx,
    due: &Planned,
    next: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let q = tx.query(TAKE).bind(due.name.as_str()).bind(due.next_at);
    Ok(q.bind(next).bind(now).execute().await? == 1)
}
