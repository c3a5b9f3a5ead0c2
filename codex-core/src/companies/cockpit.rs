//! What somebody needs to know first of a company: its open tickets, and its devices that need attention.
//!
//! Each number counts what a list shows with the filters that the fields beside it name. A test holds them together.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::{Result, Scope, ids::CompanyId, store::Db, tickets::status::Statuses};

/// Devices that have not reported for so long count as offline.
const OFFLINE_FOR: TimeDelta = TimeDelta::days(7);
/// Warranties that end within this time count.
const WARRANTY_WITHIN: TimeDelta = TimeDelta::days(90);
/// The patch state of a device that lacks no patch, as the RMM spells it.
pub const FULLY_PATCHED: &str = "FullyPatched";

/// Assets of a company, up to the comparison of the day on which a warranty ends.
const COUNTS: &str = "select count(*), count(case when s.online = false and s.last_seen < $2 then 1 end), \
    count(case when lower(s.patch_status) <> 'fullypatched' then 1 end), count(case when ";
const OF_COMPANY: &str = " from assets a left join asset_status s on s.asset_id = a.id \
    where a.deleted_at is null and a.company_id = $1";

sql! {
    /// Assets of a company: all, offline, not fully patched, with a warranty that ends in some days.
    ASSETS = {
        // Days are texts, which lists compare by bytes.
        sqlite: const_concat!(COUNTS, "a.warranty_date >= $3 and a.warranty_date <= $4 then 1 end)", OF_COMPANY),
        pg: const_concat!(COUNTS, "a.warranty_date collate \"C\" >= $3 and a.warranty_date collate \"C\" <= $4 \
            then 1 end)", OF_COMPANY),
    };
}

/// What somebody needs to know first of a company.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cockpit {
    /// Tickets that are not closed.
    pub open_tickets: i64,
    /// Those of them whose resolution is late.
    pub overdue_tickets: i64,
    /// When the oldest of them was opened.
    pub oldest_ticket: Option<DateTime<Utc>>,
    /// The words of the statuses of open tickets.
    pub open_statuses: Vec<String>,
    /// Live assets.
    pub assets: i64,
    /// Assets that are offline, and last reported before `offline_before`.
    pub offline_assets: i64,
    /// A week ago.
    pub offline_before: DateTime<Utc>,
    /// What staff alone see.
    pub staff: Option<StaffCockpit>,
}

/// What staff need to know first of a company.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffCockpit {
    /// Assets whose patch state is known and is not [`FULLY_PATCHED`].
    pub unpatched_assets: i64,
    /// Assets whose warranty ends from the first to the last of these days.
    pub ending_warranties: i64,
    /// Today and the last day that counts.
    pub warranty_days: (NaiveDate, NaiveDate),
}

/// Reads it, in two statements.
pub(crate) async fn read(
    db: &Db,
    scope: &Scope,
    company: CompanyId,
    statuses: &Statuses,
    now: DateTime<Utc>,
) -> Result<Cockpit> {
    let open = statuses.open();
    let mut q = db.query("select count(*), count(case when t.due_by < ");
    q.push_bind(now).push(
        " then 1 end), min(t.opened_at) from tickets t where t.deleted_at is null and t.company_id = ",
    );
    q.push_bind(company).push(" and t.status_id in ");
    q.push_list(open.iter().copied());
    let tickets: Option<(i64, i64, Option<DateTime<Utc>>)> = q.optional().await?;
    let (open_tickets, overdue_tickets, oldest_ticket) = tickets.unwrap_or_default();

    let offline_before = now - OFFLINE_FOR;
    let days = (now.date_naive(), (now + WARRANTY_WITHIN).date_naive());
    let assets = db.query(ASSETS).bind(company).bind(offline_before);
    let assets = assets.bind(days.0.to_string()).bind(days.1.to_string());
    let counts: Option<(i64, i64, i64, i64)> = assets.optional().await?;
    let (assets, offline_assets, unpatched_assets, ending_warranties) = counts.unwrap_or_default();

    let mut open_statuses: Vec<String> = open.iter().map(|id| statuses.of(*id).word).collect();
    open_statuses.sort_unstable();
    open_statuses.dedup();
    Ok(Cockpit {
        open_tickets,
        overdue_tickets,
        oldest_ticket,
        open_statuses,
        assets,
        offline_assets,
        offline_before,
        staff: scope.companies().is_none().then_some(StaffCockpit {
            unpatched_assets,
            ending_warranties,
            warranty_days: days,
        }),
    })
}
