//! Counts, and what clearing finds.

use chrono::{DateTime, Utc};

use super::{ClearData, Cleared, RecordCounts, WaitingWork};
use crate::{
    Error, Result,
    ids::OverrideId,
    store::{Db, Tx},
};

/// Records that are cleared in one transaction.
pub(crate) const PAGE: i64 = 250;

/// Claims of sources that keep a record alive which people do not keep themselves.
const SOURCED: &str = " from claims c where c.source <> 'manual' and c.anchor and c.gone_at is null \
    and not exists (select 1 from claims m where m.kind = c.kind and m.record_id = c.record_id \
    and m.source = 'manual' and m.anchor and m.gone_at is null)";

sql! {
    /// How many live records there are.
    COUNTS = "select \
        (select count(*) from companies where deleted_at is null) as companies, \
        (select count(*) from contacts where deleted_at is null) as contacts, \
        (select count(*) from contacts where deleted_at is null and coalesce(active, true)) as active_contacts, \
        (select count(*) from assets where deleted_at is null) as assets, \
        (select count(*) from assets a join asset_status s on s.asset_id = a.id \
            where a.deleted_at is null and s.online) as online_assets, \
        (select count(*) from agents where deleted_at is null) as agents, \
        (select count(*) from agents where deleted_at is null and coalesce(enabled, true)) as enabled_agents, \
        (select count(*) from tickets where deleted_at is null) as tickets";
    /// How much waits.
    WAITING = "select (select count(*) from outbox where state = 'pending') as outbox, \
        (select count(*) from sync_holds where status = 'held') as holds, \
        (select count(*) from duplicate_candidates where state = 'open') as duplicates";
    /// Records that clearing would delete, by kind.
    CLEARABLE = ["select c.kind, count(distinct c.record_id)", SOURCED, " group by c.kind"];
    /// The next claims of a kind that clearing retires.
    NEXT = ["select c.id, c.source, c.external_id", SOURCED,
        " and c.kind = $1 and c.id > $2 order by c.id limit $3"];
    /// Overrides of companies that were cleared at a moment.
    OVERRIDES = "select o.id from company_overrides o join companies c on c.id = o.company_id \
        where o.deleted_at is null and c.deleted_at = $1 order by o.id limit $2";
    /// Lets syncs read from the beginning: what did not change since was cleared too.
    FORGET_CURSORS = "delete from sync_cursors";
    /// The same for what is read per site.
    FORGET_SITES = "delete from site_link_status where site_link_id in \
        (select id from site_links where deleted_at is not null)";
    /// Jobs that have not ended.
    OPEN_JOBS = "select count(*) from sync_jobs where status in ('queued', 'running')";
}

/// A claim that is about to be retired.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Sourced {
    pub id: i64,
    pub source: String,
    pub external_id: String,
}

/// How many live records there are.
pub(crate) async fn counts(db: &Db) -> Result<RecordCounts> {
    let counts = db.query(COUNTS).optional::<RecordCounts>().await?;
    Ok(counts.unwrap_or_default())
}

/// How much waits.
pub(crate) async fn waiting(db: &Db) -> Result<WaitingWork> {
    let waiting = db.query(WAITING).optional::<WaitingWork>().await?;
    Ok(waiting.unwrap_or_default())
}

/// Records that clearing would delete, in the order in which it does.
pub(crate) async fn clearable(db: &Db, data: ClearData) -> Result<Cleared> {
    let found: Vec<(String, i64)> = db.query(CLEARABLE).all().await?;
    let kinds = data.kinds().iter();
    let counted =
        kinds.filter_map(|kind| found.iter().find(|(name, _)| name == kind.name()).cloned());
    Ok(Cleared(counted.collect()))
}

/// Refuses while a sync is at work, in whichever process.
pub(crate) async fn require_idle(tx: &mut Tx) -> Result<()> {
    let open: Option<i64> = tx.query(OPEN_JOBS).scalar().await?;
    if open.unwrap_or_default() > 0 {
        return Err(Error::conflict(
            "a sync is at work; wait for its end or cancel it, then try again",
        ));
    }
    Ok(())
}

/// The next claims of a kind behind an id.
pub(crate) async fn next(tx: &mut Tx, kind: &'static str, behind: i64) -> Result<Vec<Sourced>> {
    let q = tx.query(NEXT).bind(kind).bind(behind).bind(PAGE);
    q.all().await
}

/// Overrides of companies that were cleared at a moment.
pub(crate) async fn overrides(tx: &mut Tx, at: DateTime<Utc>) -> Result<Vec<i64>> {
    let q = tx.query(OVERRIDES).bind(at).bind(PAGE);
    let ids: Vec<OverrideId> = q.scalars().await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Lets syncs read everything again.
pub(crate) async fn forget_progress(tx: &mut Tx) -> Result<()> {
    for sql in [FORGET_CURSORS, FORGET_SITES] {
        tx.query(sql).execute().await?;
    }
    Ok(())
}
