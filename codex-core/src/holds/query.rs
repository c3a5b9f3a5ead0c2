//! Reading and writing held deletions.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Hold, HoldStatus};
use crate::{
    RecordKind, Result,
    list::{ColumnType, FacetOut, Filter, Listing, Page, PageRequest, always, column},
    scope::Scope,
    store::{Db, Tx},
};

const SELECT: &str = "select id, source, kind, scope, status, missing, total, external_ids, held_at, \
    expires_at, job_id, decided_at, decided_by from sync_holds";

sql! {
    /// A held deletion.
    FIND = [SELECT, " where id = $1"];
    /// What still counts of a source's kind: held, or kept by a person.
    OPEN = [SELECT, " where source = $1 and kind = $2 and status in ('held', 'rejected') \
        order by held_at, id"];
    /// A deletion waits for a person.
    INSERT = "insert into sync_holds (id, source, kind, scope, status, missing, total, external_ids, \
        held_at, expires_at, job_id) values ($1, $2, $3, $4, 'held', $5, $6, $7, $8, $9, $10)";
    /// The same deletion, found again.
    REFRESH = "update sync_holds set missing = $2, total = $3, external_ids = $4, job_id = $5 \
        where id = $1";
    /// Nothing is missing any more, or less than needs a person.
    CLOSE = "delete from sync_holds where id = $1 and status in ('held', 'rejected')";
    /// Nobody decided in time.
    EXPIRE = "update sync_holds set status = 'expired' where status = 'held' and expires_at <= $1";
    /// A person decides; once.
    DECIDE = "update sync_holds set status = $2, decided_by = $3, decided_at = $4 \
        where id = $1 and status = 'held'";
}

/// Held deletions as a list.
pub const LISTING: Listing = Listing {
    select: SELECT,
    from: " from sync_holds",
    live: "1 = 1",
    id: "id",
    search: None,
    order: "held_at",
    fields: &[],
    columns: &[
        always("state", "status", ColumnType::Text).faceted(),
        always("source", "source", ColumnType::Text).faceted(),
        always("kind", "kind", ColumnType::Text).faceted(),
        always("collection", "scope", ColumnType::Text),
        always("missing", "missing", ColumnType::Int),
        always("total", "total", ColumnType::Int),
        always("held_at", "held_at", ColumnType::Time),
        always("expires_at", "expires_at", ColumnType::Time),
        column("decided_at", "decided_at", ColumnType::Time),
    ],
};

/// A page of held deletions.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range, an unknown column, state or kind, or a search term; [`crate::Error::Forbidden`]
/// for clients.
pub(crate) async fn page(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Page<Hold>> {
    allowed(scope, request)?;
    LISTING
        .page_of_texts(db, scope, request, |hold: &Hold| hold.id.as_str())
        .await
}

/// How many held deletions of a list there are of each kind and source, and in each state.
///
/// # Errors
/// As [`page`].
pub(crate) async fn facets(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Vec<FacetOut>> {
    allowed(scope, request)?;
    LISTING.facets(db, scope, request, &[], |_| ()).await
}

/// Refuses who may not read held deletions, and values that none can have.
fn allowed(scope: &Scope, request: &PageRequest) -> Result<()> {
    scope.require_staff("reading held deletions")?;
    let states = HoldStatus::ALL.map(HoldStatus::name);
    let kinds = RecordKind::ALL.map(RecordKind::name);
    let words = [("state", states.as_slice()), ("kind", kinds.as_slice())];
    Filter::by_words(&request.filters, &words)
}

/// What the source called a missing record, our row id of it, and since when it is missing.
pub(crate) type Missing = (String, i64, Option<DateTime<Utc>>);

/// What is known of some missing records of a held deletion.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub(crate) async fn missing(
    db: &Db,
    scope: &Scope,
    hold: &Hold,
    external_ids: &[String],
) -> Result<Vec<Missing>> {
    scope.require_staff("reading held deletions")?;
    let mut q =
        db.query("select external_id, record_id, missing_since from claims where source = ");
    q.push_bind(hold.source.as_str()).push(" and kind = ");
    q.push_bind(hold.kind)
        .push(" and external_id in ")
        .push_list(external_ids.iter().map(String::as_str));
    q.all().await
}

/// Looks a held deletion up.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn find(db: &Db, scope: &Scope, id: &str) -> Result<Option<Hold>> {
    scope.require_staff("reading held deletions")?;
    db.query(FIND).bind(id).optional().await
}

/// What still counts of a source's kind.
pub(crate) async fn open(db: &Db, source: &str, kind: &str) -> Result<Vec<Hold>> {
    db.query(OPEN).bind(source).bind(kind).all().await
}

/// Writes a new one.
pub(crate) async fn insert(tx: &mut Tx, hold: &Hold) -> Result<()> {
    tx.query(INSERT)
        .bind(hold.id.as_str())
        .bind(hold.source.as_str())
        .bind(hold.kind)
        .bind(hold.scope.as_str())
        .bind(hold.missing)
        .bind(hold.total)
        .bind(Json(&hold.external_ids))
        .bind(hold.held_at)
        .bind(hold.expires_at)
        .bind(hold.job_id.as_str())
        .execute()
        .await?;
    Ok(())
}

/// Writes what a later run found of it.
pub(crate) async fn refresh(tx: &mut Tx, hold: &Hold) -> Result<()> {
    tx.query(REFRESH)
        .bind(hold.id.as_str())
        .bind(hold.missing)
        .bind(hold.total)
        .bind(Json(&hold.external_ids))
        .bind(hold.job_id.as_str())
        .execute()
        .await?;
    Ok(())
}

/// Forgets one that no longer waits.
pub(crate) async fn close(tx: &mut Tx, id: &str) -> Result<()> {
    tx.query(CLOSE).bind(id).execute().await?;
    Ok(())
}

/// Ends those that nobody decided in time.
pub(crate) async fn expire(tx: &mut Tx, now: DateTime<Utc>) -> Result<()> {
    tx.query(EXPIRE).bind(now).execute().await?;
    Ok(())
}

/// Writes a decision; tells whether it was the first.
pub(crate) async fn decide(
    tx: &mut Tx,
    id: &str,
    status: HoldStatus,
    by: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    let q = tx.query(DECIDE).bind(id).bind(status).bind(by);
    Ok(q.bind(at).execute().await? == 1)
}
