//! Tickets in numbers.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};

use super::narrow;
use crate::{
    Result, companies,
    dashboard::{
        SHOWN, WEEKS, midnight,
        wire::{
            CompanyTicketsOut, DashboardTicketOut, OwnTicketsOut, PriorityTicketsOut, TicketWeekOut,
        },
    },
    fold::IdentityKey,
    ids::CompanyId,
    scope::Scope,
    store::{Db, Q, Sql},
    tickets::status::{Statuses, priority},
};

/// Open tickets as short lists show them; ends before the condition on `t`.
const SHOWN_OPEN: &str = "select t.number, t.subject, t.status_id, t.priority_id, t.opened_at, t.due_by, \
    c.account_number, c.name as company_name from tickets t \
    left join companies c on c.id = t.company_id and c.deleted_at is null where t.deleted_at is null";

/// The week of a moment, counted from a bound second; both engines cut off in their own words.
const IN_WEEK_OF_OPENED: Sql = Sql::Per {
    sqlite: " then (cast(strftime('%s', t.opened_at) as integer) - ",
    pg: " then cast(floor((extract(epoch from t.opened_at) - ",
};
const IN_WEEK_OF_CLOSED: Sql = Sql::Per {
    sqlite: " then (cast(strftime('%s', t.closed_at) as integer) - ",
    pg: " then cast(floor((extract(epoch from t.closed_at) - ",
};
const WEEK_END: Sql = Sql::Per {
    sqlite: ") / 604800 end",
    pg: ") / 604800) as bigint) end",
};

sql! {
    /// The PSA's agents with an e-mail address: a few dozen.
    RESPONDERS = "select external_source, external_id, email from psa_agents \
        where deleted_at is null and email is not null order by id";
}

/// Figures of tickets.
#[derive(Debug)]
pub(crate) struct TicketFigures {
    /// Statuses of tickets that count as open.
    pub open_statuses: Vec<i64>,
    /// Their words.
    pub open_words: Vec<String>,
    pub open: i64,
    pub overdue: i64,
    pub by_priority: Vec<PriorityTicketsOut>,
    pub by_company: Vec<CompanyTicketsOut>,
    pub newest: Vec<DashboardTicketOut>,
    pub weeks: Vec<TicketWeekOut>,
}

/// A ticket of a short list as it is read.
#[derive(Debug, sqlx::FromRow)]
struct ShownRow {
    number: i64,
    subject: Option<String>,
    status_id: Option<i64>,
    priority_id: Option<i64>,
    opened_at: Option<DateTime<Utc>>,
    due_by: Option<DateTime<Utc>>,
    account_number: Option<String>,
    company_name: Option<String>,
}

impl ShownRow {
    fn shown(self, statuses: &Statuses, now: DateTime<Utc>) -> DashboardTicketOut {
        DashboardTicketOut {
            company_account_number: self.account_number,
            company_name: self.company_name,
            due_by: self.due_by,
            is_overdue: self.due_by.is_some_and(|due| due < now),
            number: self.number,
            opened_at: self.opened_at,
            priority: self.priority_id.and_then(priority_word),
            status: self.status_id.map(|id| statuses.of(id).word),
            subject: self.subject,
        }
    }
}

fn priority_word(id: i64) -> Option<String> {
    priority(id).map(|(word, _)| word.to_owned())
}

/// Only open tickets, by an index of statuses.
fn only_open(q: &mut Q<'_>, open: &[i64]) {
    q.push(" and t.status_id in ")
        .push_list(open.iter().copied());
}

/// All figures of the tickets that a caller sees, in six statements. They are kept.
pub(crate) async fn tickets(
    db: &Db,
    scope: &Scope,
    configured: &Statuses,
    now: DateTime<Utc>,
) -> Result<TicketFigures> {
    let statuses = crate::tickets::query::statuses(db, configured).await?;
    // Read in the index that lists count by alone; a client's own by the index of their companies.
    let mut q = db.query(
        "select t.status_id, t.priority_id, count(*) from tickets t where t.deleted_at is null",
    );
    narrow(&mut q, scope, "t.company_id");
    q.push(" group by t.status_id, t.priority_id");
    let mut counts: Vec<(Option<i64>, Option<i64>, i64)> = q.all().await?;
    counts.retain(|(status, ..)| status.is_some_and(|id| !statuses.of(id).is_closed()));
    let mut open_statuses: Vec<i64> = counts.iter().filter_map(|(status, ..)| *status).collect();
    open_statuses.sort_unstable();
    open_statuses.dedup();
    let mut open_words: Vec<String> = Vec::new();
    for id in &open_statuses {
        let word = statuses.of(*id).word;
        if !open_words.contains(&word) {
            open_words.push(word);
        }
    }
    let companies = by_company(db, scope, &open_statuses, now).await?;
    let newest = newest(db, scope, &open_statuses).await?;
    Ok(TicketFigures {
        open: counts.iter().map(|(.., count)| count).sum(),
        overdue: companies.iter().map(|(.., overdue)| overdue).sum(),
        by_priority: by_priority(&counts),
        by_company: named(db, companies).await?,
        newest: newest
            .into_iter()
            .map(|row| row.shown(&statuses, now))
            .collect(),
        weeks: weeks(db, scope, now).await?,
        open_statuses,
        open_words,
    })
}

/// The most urgent first, those without a priority last.
fn by_priority(counts: &[(Option<i64>, Option<i64>, i64)]) -> Vec<PriorityTicketsOut> {
    let mut all: Vec<PriorityTicketsOut> = Vec::new();
    let mut sorted: Vec<_> = counts.iter().map(|(_, id, count)| (*id, *count)).collect();
    sorted
        .sort_unstable_by_key(|(id, _)| std::cmp::Reverse(id.filter(|id| priority(*id).is_some())));
    for (id, count) in sorted {
        let priority = id.and_then(priority_word);
        match all.last_mut().filter(|last| last.priority == priority) {
            Some(last) => last.open += count,
            None => all.push(PriorityTicketsOut {
                open: count,
                priority,
            }),
        }
    }
    all
}

/// Open and overdue tickets by company, the most first: as many rows as there are companies. Follows the index of
/// statuses, and reads the rows of open tickets alone.
async fn by_company(
    db: &Db,
    scope: &Scope,
    open: &[i64],
    now: DateTime<Utc>,
) -> Result<Vec<(Option<CompanyId>, i64, i64)>> {
    let mut q = db.query("select t.company_id, count(*), cast(coalesce(sum(case when t.due_by < ");
    q.push_bind(now);
    q.push(" then 1 else 0 end), 0) as bigint) from tickets t where t.deleted_at is null");
    only_open(&mut q, open);
    narrow(&mut q, scope, "t.company_id");
    q.push(" group by t.company_id order by 2 desc, t.company_id");
    q.all().await
}

/// The companies with the most open tickets, by name.
async fn named(
    db: &Db,
    mut all: Vec<(Option<CompanyId>, i64, i64)>,
) -> Result<Vec<CompanyTicketsOut>> {
    all.truncate(SHOWN);
    let ids = all.iter().filter_map(|(company, ..)| *company);
    let companies = companies::query::refs(db, ids).await?;
    let shown = all.into_iter().map(|(id, open, overdue)| {
        let company = id.and_then(|id| companies.get(&id));
        CompanyTicketsOut {
            account_number: company.and_then(|company| company.account_number.clone()),
            name: company.map(|company| company.name.clone()),
            open,
            overdue,
        }
    });
    Ok(shown.collect())
}

/// The open tickets that were opened last. Sorts those that are open.
async fn newest(db: &Db, scope: &Scope, open: &[i64]) -> Result<Vec<ShownRow>> {
    let mut q = db.query(SHOWN_OPEN);
    only_open(&mut q, open);
    narrow(&mut q, scope, "t.company_id");
    q.push(" order by t.opened_at desc nulls last, t.id desc limit ");
    q.push_bind(shown_rows());
    q.all().await
}

fn shown_rows() -> i64 {
    i64::try_from(SHOWN).unwrap_or(i64::MAX)
}

/// The Monday of the first week that is counted.
fn first_week(now: DateTime<Utc>) -> NaiveDate {
    let today = now.date_naive();
    let monday = today - Days::new(today.weekday().num_days_from_monday().into());
    monday - TimeDelta::weeks(WEEKS - 1)
}

/// Tickets opened and closed by week, in one pass over those that changed since the first of them: nothing is opened or
/// closed after its last change. Follows the index of last changes.
async fn weeks(db: &Db, scope: &Scope, now: DateTime<Utc>) -> Result<Vec<TicketWeekOut>> {
    let first = first_week(now);
    let start = midnight(first);
    let second = start.timestamp();
    let mut q = db.query("select case when t.opened_at >= ");
    q.push_bind(start).push_sql(IN_WEEK_OF_OPENED);
    q.push_bind(second).push_sql(WEEK_END);
    q.push(", case when t.closed_at >= ");
    q.push_bind(start).push_sql(IN_WEEK_OF_CLOSED);
    q.push_bind(second).push_sql(WEEK_END);
    q.push(", count(*) from tickets t where t.deleted_at is null and t.newest_at >= ");
    q.push_bind(start);
    narrow(&mut q, scope, "t.company_id");
    q.push(" group by 1, 2");
    let rows: Vec<(Option<i64>, Option<i64>, i64)> = q.all().await?;
    let mut weeks: Vec<TicketWeekOut> = (0..WEEKS)
        .map(|week| TicketWeekOut {
            closed: 0,
            opened: 0,
            week: (first + TimeDelta::weeks(week)).to_string(),
        })
        .collect();
    for (opened, closed, count) in rows {
        // A vendor's clock may be ahead: what is opened next week is not counted yet.
        let place = |week: Option<i64>| week.and_then(|week| usize::try_from(week).ok());
        if let Some(week) = place(opened).and_then(|week| weeks.get_mut(week)) {
            week.opened += count;
        }
        if let Some(week) = place(closed).and_then(|week| weeks.get_mut(week)) {
            week.closed += count;
        }
    }
    Ok(weeks)
}

/// Open tickets of the PSA agent with an e-mail address; `None` when there is none, or several. They are kept; they
/// are read in the index that lists count by.
pub(crate) async fn own_tickets(
    db: &Db,
    email: &IdentityKey,
    open: &[i64],
    configured: &Statuses,
    now: DateTime<Utc>,
) -> Result<Option<OwnTicketsOut>> {
    let agents: Vec<(String, i64, String)> = db.query(RESPONDERS).all().await?;
    let mut own = agents
        .into_iter()
        .filter(|(.., address)| IdentityKey::new(address) == *email);
    let (Some((source, responder_id, _)), None) = (own.next(), own.next()) else {
        return Ok(None);
    };
    let statuses = crate::tickets::query::statuses(db, configured).await?;
    let of_agent = |q: &mut Q<'_>| {
        only_open(q, open);
        q.push(" and t.responder_id = ").push_bind(responder_id);
        q.push(" and t.external_source = ")
            .push_bind(source.as_str());
    };
    let mut q = db.query("select count(*), cast(coalesce(sum(case when t.due_by < ");
    q.push_bind(now);
    q.push(" then 1 else 0 end), 0) as bigint) from tickets t where t.deleted_at is null");
    of_agent(&mut q);
    let counts: Option<(i64, i64)> = q.optional().await?;
    let (open, overdue) = counts.unwrap_or_default();
    let mut q = db.query(SHOWN_OPEN);
    of_agent(&mut q);
    q.push(" order by t.due_by nulls last, t.id limit ");
    q.push_bind(shown_rows());
    let rows: Vec<ShownRow> = q.all().await?;
    Ok(Some(OwnTicketsOut {
        open,
        overdue,
        responder_id,
        tickets: rows
            .into_iter()
            .map(|row| row.shown(&statuses, now))
            .collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_and_end_with_the_current_one() {
        for (now, first) in [
            ("2026-01-05T00:00:00Z", "2025-07-14"),
            ("2026-01-11T23:59:59Z", "2025-07-14"),
            ("2026-01-12T00:00:00Z", "2025-07-21"),
        ] {
            assert_eq!(first_week(now.parse().unwrap()).to_string(), first);
        }
    }

    #[test]
    fn priorities_are_summed_the_most_urgent_first() {
        let counts = [
            (Some(2), Some(1), 1),
            (Some(2), Some(4), 2),
            (Some(3), Some(4), 3),
            (Some(3), None, 4),
            (Some(3), Some(77), 5),
        ];
        let reported: Vec<_> = by_priority(&counts)
            .into_iter()
            .map(|one| (one.priority, one.open))
            .collect();
        let word = |text: &str| Some(text.to_owned());
        assert_eq!(reported, [(word("urgent"), 5), (word("low"), 1), (None, 9)]);
    }
}
