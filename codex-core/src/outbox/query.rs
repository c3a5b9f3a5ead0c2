//! Reading and writing changes on their way.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;

use super::{OutboxEntry, OutboxKind, OutboxState};
use crate::{
    Result,
    companies::COMPANY_NUMBER,
    list::{ColumnType, FacetOut, Filter, Listing, Page, PageRequest, always, column},
    scope::Scope,
    store::{Db, Tx},
};

/// No change waits for longer: a later time was noted by a clock that was wrong.
const FARTHEST: TimeDelta = TimeDelta::days(1);

const SELECT: &str = "select o.id, o.number, o.kind, o.status_id, o.base_status_ids, o.note_id, \
    n.body as note, o.author, o.created_at, o.state, o.attempts, o.next_at, o.last_error, \
    o.external_id, o.finished_at from outbox o left join conversations n on n.id = o.note_id";

sql! {
    /// One.
    FIND = [SELECT, " where o.id = $1"];
    /// The newest of a ticket.
    OF_TICKET = [SELECT, " where o.number = $1 order by o.id desc limit 100"];
    /// What may be tried now: of a ticket's changes of one kind the oldest.
    DUE = [SELECT, " where o.state = 'pending' and (o.next_at <= $1 or o.next_at > $2) and not exists \
        (select 1 from outbox e where e.number = o.number and e.kind = o.kind and e.state = 'pending' \
        and e.id < o.id) order by o.next_at, o.id limit 50"];
    /// Changes of a ticket's status that have not ended.
    OPEN = [SELECT, " where o.number = $1 and o.kind = 'status' and o.state = 'pending' order by o.id"];
    /// A new one.
    INSERT = "insert into outbox (number, kind, status_id, base_status_ids, note_id, author, \
        created_at, state, attempts, next_at) values ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $7)";
    /// One process tries; `attempts` tells who came first.
    CLAIM = "update outbox set attempts = attempts + 1, next_at = $3 \
        where id = $1 and attempts = $2 and state = 'pending'";
    /// A try has failed and another follows.
    POSTPONE = "update outbox set next_at = $3, last_error = $4 \
        where id = $1 and attempts = $2 and state = 'pending'";
    /// The end, as far as the process that comes to it has not been replaced. What was stopped while it
    /// was sent may be done.
    FINISH = "update outbox set state = $3, last_error = $4, external_id = $5, finished_at = $6 \
        where id = $1 and attempts = $2 and state in ('pending', 'cancelled')";
    /// A note has got an id at the PSA.
    SENT = "update conversations set sent_as = $2 where id = $1";
    /// The PSA's ids of notes that were sent to a ticket.
    SENT_NOTES = "select external_id from outbox where number = $1 and external_id is not null";
    /// A person sends it again, on what the PSA has now.
    RETRY = "update outbox set state = 'pending', base_status_ids = $2, next_at = $3, last_error = null, \
        finished_at = null where id = $1 and state not in ('pending', 'done')";
    /// A person stops it.
    CANCEL = "update outbox set state = 'cancelled', last_error = $2, finished_at = $3 \
        where id = $1 and state in ('pending', 'off')";
    /// A later change replaces one that was never tried.
    REPLACE = "update outbox set state = 'superseded', last_error = $2, finished_at = $3 \
        where id = $1 and attempts = 0 and state = 'pending'";
    /// What ended long ago is forgotten, a few at a time. What writing was off for has never ended.
    FORGET = "delete from outbox where id in (select id from outbox where state <> 'pending' \
        and created_at < $1 and coalesce(finished_at, created_at) < $1 order by created_at limit 500)";
}

/// Changes as a list.
pub const LISTING: Listing = Listing {
    select: SELECT,
    from: " from outbox o left join conversations n on n.id = o.note_id",
    live: "1 = 1",
    id: "o.id",
    search: None,
    order: "id",
    fields: &[],
    columns: &[
        always("id", "o.id", ColumnType::Int),
        always("state", "o.state", ColumnType::Text).faceted(),
        always("kind", "o.kind", ColumnType::Text).faceted(),
        always("number", "o.number", ColumnType::Int),
        column(
            COMPANY_NUMBER,
            "(select c.account_number from tickets t join companies c on c.id = t.company_id \
             where t.number = o.number and t.deleted_at is null and c.deleted_at is null limit 1)",
            ColumnType::Text,
        ),
        always("created_at", "o.created_at", ColumnType::Time),
        always("attempts", "o.attempts", ColumnType::Int),
        column("finished_at", "o.finished_at", ColumnType::Time),
    ],
};

/// A page of changes.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range, an unknown column, state or kind, or a search term;
/// [`crate::Error::Forbidden`] for clients.
pub(crate) async fn page(
    db: &Db,
    scope: &Scope,
    request: &PageRequest,
) -> Result<Page<OutboxEntry>> {
    allowed(scope, request)?;
    let place = |entry: &OutboxEntry| (entry.id, entry.id.to_string());
    LISTING.page(db, scope, request, |_| (), place).await
}

/// How many changes of a list there are of each kind and in each state.
///
/// # Errors
/// As [`page`].
pub(crate) async fn facets(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Vec<FacetOut>> {
    allowed(scope, request)?;
    LISTING.facets(db, scope, request, &[], |_| ()).await
}

/// Refuses who may not read the outbox, and values that no change can have.
fn allowed(scope: &Scope, request: &PageRequest) -> Result<()> {
    scope.require_staff("reading the outbox")?;
    let states = OutboxState::ALL.map(OutboxState::name);
    let kinds = OutboxKind::ALL.map(OutboxKind::name);
    let words = [("state", states.as_slice()), ("kind", kinds.as_slice())];
    Filter::by_words(&request.filters, &words)
}

/// The newest changes of a ticket, 100 at most.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub(crate) async fn of_ticket(db: &Db, scope: &Scope, number: i64) -> Result<Vec<OutboxEntry>> {
    scope.require_staff("reading the outbox")?;
    db.query(OF_TICKET).bind(number).all().await
}

pub(crate) async fn find(db: &Db, id: i64) -> Result<Option<OutboxEntry>> {
    db.query(FIND).bind(id).optional().await
}

pub(crate) async fn due(db: &Db, now: DateTime<Utc>) -> Result<Vec<OutboxEntry>> {
    let q = db.query(DUE).bind(now);
    q.bind(now + FARTHEST).all().await
}

pub(crate) async fn open(tx: &mut Tx, number: i64) -> Result<Vec<OutboxEntry>> {
    tx.query(OPEN).bind(number).all().await
}

/// What a new entry says.
pub(crate) struct New<'n> {
    pub number: i64,
    pub kind: OutboxKind,
    pub status_id: Option<i64>,
    pub base_status_ids: &'n [i64],
    pub note_id: Option<i64>,
    pub author: &'n str,
    pub at: DateTime<Utc>,
}

pub(crate) async fn insert(tx: &mut Tx, new: &New<'_>) -> Result<()> {
    tx.query(INSERT)
        .bind(new.number)
        .bind(new.kind)
        .bind(new.status_id)
        .bind(Json(new.base_status_ids))
        .bind(new.note_id)
        .bind(new.author)
        .bind(new.at)
        .execute()
        .await?;
    Ok(())
}

/// Takes an entry for this process until a moment; `false` when another was faster.
pub(crate) async fn claim(tx: &mut Tx, entry: &OutboxEntry, until: DateTime<Utc>) -> Result<bool> {
    let q = tx.query(CLAIM).bind(entry.id).bind(entry.attempts);
    Ok(q.bind(until).execute().await? == 1)
}

pub(crate) async fn postpone(
    tx: &mut Tx,
    entry: &OutboxEntry,
    until: DateTime<Utc>,
    why: &str,
) -> Result<()> {
    let q = tx.query(POSTPONE).bind(entry.id).bind(entry.attempts);
    q.bind(until).bind(why).execute().await?;
    Ok(())
}

pub(crate) async fn finish(
    tx: &mut Tx,
    entry: &OutboxEntry,
    state: OutboxState,
    why: Option<&str>,
    external_id: Option<i64>,
    at: DateTime<Utc>,
) -> Result<bool> {
    let q = tx.query(FINISH).bind(entry.id).bind(entry.attempts);
    let q = q.bind(state).bind_text(why).bind(external_id).bind(at);
    let finished = q.execute().await? == 1;
    if let (true, Some(note), Some(sent)) = (finished, entry.note_id, external_id) {
        tx.query(SENT).bind(note).bind(sent).execute().await?;
    }
    Ok(finished)
}

pub(crate) async fn sent_notes(db: &Db, number: i64) -> Result<Vec<i64>> {
    db.query(SENT_NOTES).bind(number).scalars().await
}

pub(crate) async fn retry(
    tx: &mut Tx,
    id: i64,
    base_status_ids: &[i64],
    at: DateTime<Utc>,
) -> Result<bool> {
    let q = tx.query(RETRY).bind(id).bind(Json(base_status_ids));
    Ok(q.bind(at).execute().await? == 1)
}

pub(crate) async fn cancel(tx: &mut Tx, id: i64, why: &str, at: DateTime<Utc>) -> Result<bool> {
    let q = tx.query(CANCEL).bind(id).bind(why).bind(at);
    Ok(q.execute().await? == 1)
}

pub(crate) async fn replace(tx: &mut Tx, id: i64, why: &str, at: DateTime<Utc>) -> Result<bool> {
    let q = tx.query(REPLACE).bind(id).bind(why).bind(at);
    Ok(q.execute().await? == 1)
}

/// The most changes that one call of [`forget`] removes.
pub(crate) const FORGOTTEN_AT_ONCE: u64 = 500;

/// Forgets changes that ended before a moment; gives how many.
pub(crate) async fn forget(tx: &mut Tx, before: DateTime<Utc>) -> Result<u64> {
    tx.query(FORGET).bind(before).execute().await
}
