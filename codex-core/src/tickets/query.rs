//! Reading tickets. Deleted ones and spam are left out; clients see their own companies' alone.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;

pub use super::filter::TicketFilter;
use super::{
    Conversation, ShownTicket, Ticket, TicketFields, filter::restrict, status::Statuses, words,
};
use crate::{
    RecordKind, Result,
    companies::COMPANY_NUMBER,
    ids::{CompanyId, TicketId},
    list::{
        self, ByCompany, ColumnType, FacetOut, Listing, PageRequest, Sort, StaffFields, always,
        column,
    },
    records::{FieldDef, Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::{Db, Q, Sql, Tx},
};

/// Texts, hours, company and requester of a ticket.
const BESIDE: &str = ", d.description, d.description_text, d.minutes, c.account_number, \
    c.name as company_name, c.compliance_level, \
    coalesce(t.requester_name, r.name, nullif(trim(coalesce(a.first_name, '') || ' ' || \
    coalesce(a.last_name, '')), '')) as requester, \
    coalesce(t.requester_email, r.email, a.email) as requester_address";

/// Where they are from; it ends before the condition.
///
/// Who asked is looked up where the PSA did not say it, and only there: among contacts, then agents (trap 15).
const JOINS: &str = " left join ticket_details d on d.ticket_id = t.id \
     left join companies c on c.id = t.company_id \
     left join claims q on q.source = t.external_source and q.kind = 'contact' and q.external_id = \
     case when t.requester_name is null or t.requester_email is null then cast(t.requester_id as text) end \
     left join contacts r on r.id = q.record_id \
     left join psa_agents a on a.external_source = t.external_source and a.external_id = \
     case when t.requester_name is null or t.requester_email is null then t.requester_id end \
     and a.deleted_at is null";

/// A whole ticket, from behind its tracked columns on.
const WHOLE: &str = const_concat!(BESIDE, " from (", TicketFields::SELECT, ") t", JOINS);
const SELECT: &str = const_concat!("select t.*", WHOLE);

/// What is shown of a ticket; its own columns.
const SHOWN: &str = "select t.id, t.number, t.external_id, t.external_source, t.subject, t.status_id, \
    t.priority_id, t.opened_at, t.closed_at, t.newest_at, t.created_at";
/// Its own columns with those that [`JOINS`] needs, of all live tickets.
const SHOWN_LIVE: &str = const_concat!(
    BESIDE,
    " from (",
    SHOWN,
    ", t.company_id, t.requester_id, t.requester_name, t.requester_email from tickets t \
     where t.deleted_at is null"
);
const NEWEST_FIRST: &str = " order by t.newest_at desc, t.id desc";
const JOINED: &str = const_concat!(") t", JOINS);

/// What was said on a ticket `t`, oldest first, as one value: an array of [`Conversation`]s as arrays. `SQLite`
/// makes it as fast as rows, and rows go through its driver value by value.
pub(super) const SAID: Sql = Sql::Per {
    sqlite: ", (select json_group_array(json_array(s.ticket_id, s.source, s.external_id, s.user_id, \
        coalesce(s.author_name, s.author), s.incoming, s.private, s.channel, s.from_email, json(s.to_emails), s.support_email, s.body_html, s.body, \
        json(s.attachments), s.created_at, s.updated_at) order by s.created_at, s.id)",
    pg: ", (select coalesce(json_agg(json_build_array(s.ticket_id, s.source, s.external_id, s.user_id, \
        coalesce(s.author_name, s.author), s.incoming, s.private, s.channel, s.from_email, s.to_emails, s.support_email, s.body_html, s.body, \
        s.attachments, s.created_at, s.updated_at) order by s.created_at, s.id), '[]')",
};
/// Without the PSA's copies of notes that were made here.
const SAID_ON_IT: &str = " from conversations s where s.ticket_id = t.id and s.gone_at is null and not exists \
    (select 1 from conversations n where n.sent_as = s.external_id and n.ticket_id = s.ticket_id)";
/// How tickets are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 4,
    kind: RecordKind::Ticket,
    access: Ticket::READ_BY,
    select: &[
        "select r.id, cast(r.number as text) as key, r.subject as title, r.requester_name as detail, \
         c.id as company, c.account_number as number, c.name as company_name from tickets r \
         left join companies c on c.id = r.company_id and c.deleted_at is null where r.id in ",
    ],
    of_companies: Some(" from tickets r where r.deleted_at is null and r.company_id in "),
    path: Some("/api/ticket"),
};

/// Tickets as a list.
pub const LISTING: Listing = Listing {
    select: SELECT,
    from: " from tickets t",
    live: "t.deleted_at is null",
    id: "t.id",
    search: Some(&SEARCH),
    order: "last_updated_at",
    fields: &[TicketFields::FIELDS],
    columns: &[
        always("last_updated_at", "t.newest_at", ColumnType::Time),
        always("id", "t.number", ColumnType::Int),
        column(
            COMPANY_NUMBER,
            "(select c.account_number from companies c where c.id = t.company_id)",
            ColumnType::Text,
        ),
        column("status", "t.status_id", ColumnType::Word).faceted(),
        column("priority", "t.priority_id", ColumnType::Word).faceted(),
        column("created_at", "t.opened_at", ColumnType::Time),
    ],
};

/// The list, which can be narrowed to companies.
pub(crate) const LIST: ByCompany = ByCompany {
    listing: &LISTING,
    narrow: |q, scope, company| {
        let filter = TicketFilter {
            company,
            ..TicketFilter::default()
        };
        restrict(q, scope, &filter);
    },
};

/// What is beside a ticket is read on request alone: [`crate::Codex::beside_tickets`].
impl StaffFields for Ticket {
    const FIELDS: &'static [&'static [FieldDef]] = &[TicketFields::FIELDS];
    const BESIDE: &'static [&'static str] = &super::beside::BESIDE;

    fn staff_fields(&self) -> Map<String, Value> {
        Self::for_staff(&self.fields)
    }
}

sql! {
    /// The row of a live ticket.
    ID = "select id from tickets where number = $1 and deleted_at is null";
    /// What a source says of a ticket.
    CLAIMED = "select gone_at, source_updated_at, fields from claims \
        where kind = 'ticket' and source = $1 and external_id = $2";
    /// The row of a live ticket by its source's id.
    ROW = "select c.record_id from claims c join tickets t on t.id = c.record_id and t.deleted_at is null \
        where c.kind = 'ticket' and c.source = $1 and c.external_id = $2 and c.gone_at is null";
    /// The source's time of what it says of a ticket.
    SET_CLAIM_TIME = "update claims set source_updated_at = $3 \
        where kind = 'ticket' and source = $1 and external_id = $2";
    /// The account's labels of statuses.
    LABELS = "select status_id, label from ticket_statuses order by source, status_id";
    /// Names of all agents of a PSA.
    ALL_AGENTS = "select external_id, trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) \
        from psa_agents where external_source = $1 and deleted_at is null";
    /// Names of the active agents of a PSA.
    AGENTS = "select external_id, trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) \
        from psa_agents where external_source = $1 and deleted_at is null and active";
    /// The end of the newest successful ticket run.
    LAST_SYNC = "select max(completed_at) from sync_jobs where status = 'completed' \
        and script = 'psa' and sync_type in ('tickets', 'tickets-detail')";
}

/// The statuses of the account, with the words of `configured`.
pub(crate) async fn statuses(db: &Db, configured: &Statuses) -> Result<Statuses> {
    let labels: Vec<(i64, String)> = db.query(LABELS).all().await?;
    Ok(configured.clone().with_labels(labels))
}

/// A page of the tickets that `filter` leaves, sorted and narrowed as `page` says; its own order is the last change, the
/// newest first.
///
/// # Errors
/// [`crate::Error::Invalid`] for a limit out of range, an unknown column, a value that does not fit its column.
pub(crate) async fn listed(
    db: &Db,
    scope: &Scope,
    filter: &TicketFilter,
    page: &PageRequest,
    statuses: &Statuses,
) -> Result<list::Page<Ticket>> {
    let page = as_listed(page, statuses)?;
    let place = |ticket: &Ticket| (ticket.id.0, ticket.fields.newest_at.to_rfc3339());
    let narrow = |q: &mut Q<'_>| restrict(q, scope, filter);
    LISTING.page(db, scope, &page, narrow, place).await
}

/// A request with numbers in place of words, the newest first unless it is sorted.
fn as_listed(request: &PageRequest, statuses: &Statuses) -> Result<PageRequest> {
    let newest_first = || Sort::new("-last_updated_at");
    Ok(PageRequest {
        filters: words::numbered(&request.filters, statuses)?,
        sort: request.sort.clone().or_else(|| Some(newest_first())),
        ..request.clone()
    })
}

/// The row ids of all tickets of such a list, in its order.
///
/// # Errors
/// As [`listed`].
pub(crate) async fn ids(
    db: &Db,
    scope: &Scope,
    request: &PageRequest,
    statuses: &Statuses,
) -> Result<Vec<i64>> {
    let request = as_listed(request, statuses)?;
    LIST.ids(db, scope, None, &request).await
}

/// Some tickets of such a list, in this order.
pub(crate) async fn of_ids(db: &Db, scope: &Scope, ids: &[i64]) -> Result<Vec<Ticket>> {
    let narrow = |q: &mut Q<'_>| restrict(q, scope, &TicketFilter::default());
    LISTING
        .of_ids(db, ids, narrow, |ticket: &Ticket| ticket.id.0)
        .await
}

/// What is shown of some tickets of such a list, with what was said on each, in this order; one statement.
pub(crate) async fn shown_of_ids(
    db: &Db,
    scope: &Scope,
    ids: &[i64],
) -> Result<Vec<WithConversations<ShownTicket>>> {
    let mut q = db.query(SHOWN);
    push_said(&mut q, scope);
    q.push(SHOWN_LIVE);
    restrict(&mut q, scope, &TicketFilter::default());
    q.push(" and t.id in ").push_list(ids.iter().copied());
    q.push(JOINED);
    let mut tickets: Vec<WithConversations<ShownTicket>> = q.all().await?;
    let places: HashMap<i64, usize> = ids.iter().copied().zip(0..).collect();
    tickets.sort_unstable_by_key(|found| places.get(&found.ticket.id.0));
    Ok(tickets)
}

/// How many tickets of a list, of all companies or of one, have each value of some columns; statuses and priorities by
/// their words. Several statuses may have one word.
///
/// # Errors
/// [`crate::Error::Invalid`] naming the column or the filter.
pub(crate) async fn facets(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    request: &PageRequest,
    columns: &[String],
    statuses: &Statuses,
) -> Result<Vec<FacetOut>> {
    let request = PageRequest {
        filters: words::numbered(&request.filters, statuses)?,
        ..request.clone()
    };
    let facets = LIST.facets(db, scope, company, &request, columns);
    Ok(facets
        .await?
        .into_iter()
        .map(|facet| words::worded(facet, statuses))
        .collect())
}

/// The first tickets by their last change, the newest first; one statement.
pub(crate) async fn first(
    db: &Db,
    scope: &Scope,
    filter: &TicketFilter,
    limit: i64,
) -> Result<Vec<Ticket>> {
    // Ids first, so that rows that are passed over cost nothing but their place in the index.
    let mut q = db.query(SELECT);
    q.push(" where t.id in (select t.id from tickets t where t.deleted_at is null");
    restrict(&mut q, scope, filter);
    q.push(NEWEST_FIRST)
        .push(" limit ")
        .push_bind(limit)
        .push(")")
        .push(NEWEST_FIRST);
    q.all().await
}

/// The rows of the tickets of some companies that `filter` leaves, last changed first; deleted ones are still among
/// them, so that this is read in an index alone.
pub(crate) async fn of_companies(
    db: &Db,
    scope: &Scope,
    companies: &[CompanyId],
    filter: &TicketFilter,
) -> Result<HashMap<CompanyId, Vec<TicketId>>> {
    let mut q = db.query("select t.company_id, t.id from tickets t where t.company_id in ");
    q.push_list(companies.iter().copied());
    restrict(&mut q, scope, filter);
    q.push(NEWEST_FIRST);
    let mut tickets: HashMap<CompanyId, Vec<TicketId>> = HashMap::new();
    for (company, ticket) in q.all::<(CompanyId, TicketId)>().await? {
        tickets.entry(company).or_default().push(ticket);
    }
    Ok(tickets)
}

/// How many tickets `filter` leaves.
pub(crate) async fn count(db: &Db, scope: &Scope, filter: &TicketFilter) -> Result<i64> {
    let mut q = db.query("select count(*) from tickets t where t.deleted_at is null");
    restrict(&mut q, scope, filter);
    Ok(q.scalar().await?.unwrap_or_default())
}

/// What is shown of tickets that a company still has, with what was said on each, in the order of `ids`; one
/// statement.
pub(crate) async fn shown(
    db: &Db,
    scope: &Scope,
    company: CompanyId,
    ids: &[TicketId],
) -> Result<Vec<WithConversations<ShownTicket>>> {
    let mut q = db.query(SHOWN);
    push_said(&mut q, scope);
    q.push(SHOWN_LIVE);
    // Found by their ids: with the sign no index of the company's tickets is read instead.
    q.push(" and +t.company_id = ").push_bind(company);
    q.push(" and t.id in ").push_list(ids.iter().copied());
    q.push(JOINED);
    let mut tickets: Vec<WithConversations<ShownTicket>> = q.all().await?;
    let places: HashMap<TicketId, usize> = ids.iter().copied().zip(0..).collect();
    // Here: the engines would carry all texts through their sort.
    tickets.sort_unstable_by_key(|found| places.get(&found.ticket.id));
    Ok(tickets)
}

/// What is shown of the first tickets behind one by their rows, with what was said on each; one statement.
pub(crate) async fn shown_behind(
    db: &Db,
    scope: &Scope,
    id: TicketId,
    limit: u32,
) -> Result<Vec<WithConversations<ShownTicket>>> {
    let mut q = db.query(SHOWN);
    push_said(&mut q, scope);
    q.push(SHOWN_LIVE);
    restrict(&mut q, scope, &TicketFilter::default());
    q.push(" and t.id > ").push_bind(id);
    q.push(" order by t.id limit ").push_bind(i64::from(limit));
    q.push(JOINED);
    let mut tickets: Vec<WithConversations<ShownTicket>> = q.all().await?;
    tickets.sort_unstable_by_key(|found| found.ticket.id);
    Ok(tickets)
}

/// The first tickets behind one by their rows; one statement.
pub(crate) async fn behind(
    db: &Db,
    scope: &Scope,
    id: TicketId,
    limit: u32,
) -> Result<Vec<Ticket>> {
    let mut q = db.query(SELECT);
    q.push(" where t.id in (select t.id from tickets t where t.deleted_at is null");
    restrict(&mut q, scope, &TicketFilter::default());
    q.push(" and t.id > ").push_bind(id);
    q.push(" order by t.id limit ").push_bind(i64::from(limit));
    q.push(") order by t.id");
    q.all().await
}

/// A ticket with what was said on it, oldest first.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct WithConversations<T> {
    #[sqlx(flatten)]
    pub ticket: T,
    pub said: Json<Vec<Conversation>>,
}

/// Clients see nothing private.
fn push_said(q: &mut Q<'_>, scope: &Scope) {
    q.push_sql(SAID).push(SAID_ON_IT);
    if scope.companies().is_some() {
        q.push(" and s.private is not true");
    }
    q.push(") as said");
}

/// Looks a live ticket up by its number; one statement.
pub(crate) async fn find(
    db: &Db,
    scope: &Scope,
    number: i64,
) -> Result<Option<WithConversations<Ticket>>> {
    let mut q = db.query("select t.*");
    push_said(&mut q, scope);
    q.push(WHOLE)
        .push(" where t.deleted_at is null and t.number = ");
    q.push_bind(number);
    let found: Option<WithConversations<Ticket>> = q.optional().await?;
    Ok(found.filter(|found| scope.sees(found.ticket.fields.company_id)))
}

/// What is shown of live tickets with these numbers, with what was said on each; one statement.
pub(crate) async fn of_numbers(
    db: &Db,
    scope: &Scope,
    numbers: &[i64],
) -> Result<Vec<WithConversations<ShownTicket>>> {
    let mut q = db.query(SHOWN);
    push_said(&mut q, scope);
    q.push(SHOWN_LIVE);
    restrict(&mut q, scope, &TicketFilter::default());
    q.push(" and t.number in ")
        .push_list(numbers.iter().copied());
    q.push(JOINED);
    q.all().await
}

/// Whether a live ticket has a number.
pub(crate) async fn is_live(db: &Db, number: i64) -> Result<bool> {
    let id: Option<i64> = db.query(ID).bind(number).scalar().await?;
    Ok(id.is_some())
}

/// The row of a live ticket.
pub(crate) async fn id(tx: &mut Tx, number: i64) -> Result<Option<TicketId>> {
    tx.query(ID).bind(number).scalar().await
}

/// What a source says of a ticket.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Claimed {
    pub gone_at: Option<DateTime<Utc>>,
    pub source_updated_at: Option<DateTime<Utc>>,
    pub fields: Json<Map<String, Value>>,
}

/// What a source says of a ticket, if it ever said anything.
pub(crate) async fn claimed(db: &Db, source: &str, number: i64) -> Result<Option<Claimed>> {
    let q = db.query(CLAIMED).bind(source).bind(number.to_string());
    q.optional().await
}

/// The row of a live ticket by its source's id.
pub(crate) async fn row(tx: &mut Tx, source: &str, external_id: &str) -> Result<Option<i64>> {
    tx.query(ROW).bind(source).bind(external_id).scalar().await
}

/// Sets the source's time of what it says of a ticket.
pub(crate) async fn set_claim_time(
    tx: &mut Tx,
    source: &str,
    number: i64,
    at: Option<DateTime<Utc>>,
) -> Result<()> {
    let q = tx.query(SET_CLAIM_TIME).of_kind(Ticket::KIND);
    let q = q.bind(source);
    q.bind(number.to_string()).bind(at).execute().await?;
    Ok(())
}

/// Names of the active agents of a PSA by its ids.
pub(crate) async fn agents(db: &Db, source: &str) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = db.query(AGENTS).bind(source).all().await?;
    Ok(rows.into_iter().collect())
}

/// Names of all agents of a PSA by its ids.
pub(crate) async fn all_agents(db: &Db, source: &str) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = db.query(ALL_AGENTS).bind(source).all().await?;
    Ok(rows.into_iter().collect())
}

/// When tickets were last synced.
pub(crate) async fn last_sync(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let at: Option<Option<DateTime<Utc>>> = db.query(LAST_SYNC).scalar().await?;
    Ok(at.flatten())
}
