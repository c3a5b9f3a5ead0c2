//! Reading duplicate candidates and writing decisions.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Duplicate, DuplicateState, KINDS, wire::DuplicateRecord};
use crate::{
    RecordKind, Result,
    companies::COMPANY_NUMBER,
    list::{ColumnType, FacetOut, Filter, Listing, Page, PageRequest, Several, always, column},
    scope::Scope,
    store::{Db, Tx},
};

const SELECT: &str = "select d.id, d.kind, d.record_a, d.record_b, d.score, d.evidence, d.state, d.first_seen, \
    d.decided_by, d.decided_at, d.kept from duplicate_candidates d";

sql! {
    /// A candidate.
    FIND = [SELECT, " where d.id = $1"];
    /// A person decides; once.
    DECIDE = "update duplicate_candidates set state = $2, decided_by = $3, decided_at = $4, kept = $5 \
        where id = $1 and state = 'open'";
    /// What else was open of a record that is no more; the next run finds what still holds.
    WITHDRAW = "delete from duplicate_candidates where kind = $1 and state = 'open' \
        and (record_a = $2 or record_b = $2)";
}

/// The companies of the two records.
const OF_A_COMPANY: Several = Several {
    before: "exists (select 1 from companies c where c.deleted_at is null and (\
        (d.kind = 'asset' and c.id in (select a.company_id from assets a where a.id in (d.record_a, d.record_b))) \
        or (d.kind = 'contact' and c.id in (select l.company_id from contact_company l \
        where l.contact_id in (d.record_a, d.record_b))))",
    company: "c.id",
    behind: ")",
};

/// Candidates as a list.
pub const LISTING: Listing = Listing {
    select: SELECT,
    from: " from duplicate_candidates d",
    live: "1 = 1",
    id: "d.id",
    search: None,
    order: "id",
    fields: &[],
    columns: &[
        always("id", "d.id", ColumnType::Int),
        always("kind", "d.kind", ColumnType::Text).faceted(),
        always("state", "d.state", ColumnType::Text).faceted(),
        always("score", "d.score", ColumnType::Int),
        always("first_seen", "d.first_seen", ColumnType::Time),
        column(COMPANY_NUMBER, "c.account_number", ColumnType::Text).several(OF_A_COMPANY),
    ],
};

/// A page of candidates.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range, an unknown column, state or kind, or a search term;
/// [`crate::Error::Forbidden`].
pub(crate) async fn page(db: &Db, scope: &Scope, page: &PageRequest) -> Result<Page<Duplicate>> {
    allowed(scope, page)?;
    let place = |duplicate: &Duplicate| (duplicate.id, duplicate.id.to_string());
    LISTING.page(db, scope, page, |_| (), place).await
}

/// How many candidates of a list there are of each kind and in each state.
///
/// # Errors
/// As [`page`].
pub(crate) async fn facets(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Vec<FacetOut>> {
    allowed(scope, request)?;
    LISTING.facets(db, scope, request, &[], |_| ()).await
}

/// Refuses who may not read candidates, and values that no candidate can have.
fn allowed(scope: &Scope, request: &PageRequest) -> Result<()> {
    scope.require_technician("reading duplicate candidates")?;
    let states = DuplicateState::ALL.map(DuplicateState::name);
    let kinds = KINDS.map(RecordKind::name);
    let words = [("state", states.as_slice()), ("kind", kinds.as_slice())];
    Filter::by_words(&request.filters, &words)
}

pub(crate) async fn find(db: &Db, scope: &Scope, id: i64) -> Result<Option<Duplicate>> {
    scope.require_technician("reading duplicate candidates")?;
    db.query(FIND).bind(id).optional().await
}

/// Writes a decision; tells whether it was the first.
pub(crate) async fn decide(
    tx: &mut Tx,
    id: i64,
    state: DuplicateState,
    kept: Option<i64>,
    by: &str,
    at: DateTime<Utc>,
) -> Result<bool> {
    let q = tx.query(DECIDE).bind(id).bind(state).bind(by);
    Ok(q.bind(at).bind(kept).execute().await? == 1)
}

/// Forgets what was open of a record that was merged into another.
pub(crate) async fn withdraw(tx: &mut Tx, kind: &str, record: i64) -> Result<()> {
    tx.query(WITHDRAW).bind(kind).bind(record).execute().await?;
    Ok(())
}

/// A record as a candidate shows it.
#[derive(Debug, sqlx::FromRow)]
struct Shown {
    id: i64,
    name: Option<String>,
    deleted_at: Option<DateTime<Utc>>,
}

/// The records of some candidates, by kind and id, in at most two statements a kind.
pub(crate) async fn records(
    db: &Db,
    duplicates: &[Duplicate],
) -> Result<HashMap<(RecordKind, i64), DuplicateRecord>> {
    let mut records = HashMap::new();
    for (kind, select, companies) in [
        (
            RecordKind::Asset,
            "select id, hostname as name, deleted_at from assets where id in ",
            "select a.id, c.account_number from assets a join companies c on c.id = a.company_id \
             where c.deleted_at is null and c.account_number is not null and a.id in ",
        ),
        (
            RecordKind::Contact,
            "select id, name, deleted_at from contacts where id in ",
            "select l.contact_id, c.account_number from contact_company l join companies c on c.id = l.company_id \
             where c.deleted_at is null and c.account_number is not null and l.contact_id in ",
        ),
    ] {
        let of_kind = duplicates.iter().filter(|duplicate| duplicate.kind == kind);
        let ids = of_kind.flat_map(|duplicate| [duplicate.record_a, duplicate.record_b]);
        let ids: BTreeSet<i64> = ids.collect();
        if ids.is_empty() {
            continue;
        }
        let mut q = db.query(select);
        q.push_list(ids.iter().copied());
        for row in q.all::<Shown>().await? {
            let record = DuplicateRecord {
                company_account_numbers: Vec::new(),
                id: row.id,
                is_live: row.deleted_at.is_none(),
                name: row.name,
            };
            records.insert((kind, row.id), record);
        }
        let mut q = db.query(companies);
        q.push_list(ids.iter().copied());
        q.push(" order by c.account_number");
        for (id, number) in q.all::<(i64, String)>().await? {
            if let Some(record) = records.get_mut(&(kind, id)) {
                record.company_account_numbers.push(number);
            }
        }
    }
    Ok(records)
}
