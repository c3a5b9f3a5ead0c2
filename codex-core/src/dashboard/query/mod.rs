//! Counting. Each statement follows an index, or is part of figures that are kept; which, stands at each.

mod assets;
mod records;
mod tickets;

use chrono::{DateTime, Utc};

pub(crate) use assets::{AssetFigures, assets};
pub(crate) use records::{RecordFigures, records};
pub(crate) use tickets::{TicketFigures, own_tickets, tickets};

use super::{
    SYNC_DAYS,
    wire::{PendingOut, SyncDayOut},
};
use crate::{
    Result,
    jobs::JobStatus,
    scope::Scope,
    store::{Db, Q, Sql},
};

sql! {
    /// What waits for a person. Not kept: holds and outbox are tables whose changes are not counted, and have few rows,
    /// since what was decided or sent is forgotten after some time. There are few candidates of duplicates, too.
    PENDING = "select \
        (select count(*) from duplicate_candidates where state = 'open') as duplicates, \
        (select count(*) from sync_holds where status = 'held') as held_deletions, \
        (select count(*) from outbox where state = 'failed') as outbox_failed, \
        (select count(*) from outbox where state = 'pending') as outbox_waiting";
}

/// Jobs by source, day and status, each with the newest of them. Not kept, since changes of jobs are not counted:
/// follows the index of jobs by source and start.
const SYNC_DAYS_OF: Sql = Sql::Per {
    // SQLite takes the columns that are not grouped from the row with the maximum.
    sqlite: "select provider, substr(started_at, 1, 10), status, id, count(*), max(started_at) from sync_jobs \
        where provider in ",
    pg: "select provider, to_char(started_at at time zone 'UTC', 'YYYY-MM-DD'), status, \
        (array_agg(id order by started_at desc, id desc))[1], count(*), max(started_at) from sync_jobs \
        where provider in ",
};

/// Every named statement.
pub(super) fn statements() -> Vec<(&'static str, Sql)> {
    [STATEMENTS, records::STATEMENTS, tickets::STATEMENTS].concat()
}

/// Only records of the companies that the caller sees.
fn narrow(q: &mut Q<'_>, scope: &Scope, company: &'static str) {
    if let Some(own) = scope.companies() {
        q.push(" and ").push(company).push(" in ");
        q.push_list(own.iter().copied());
    }
}

/// What waits for a person.
pub(super) async fn pending(db: &Db) -> Result<PendingOut> {
    let pending = db.query(PENDING).optional().await?;
    Ok(pending.unwrap_or_default())
}

/// Jobs of a source on a day, in one status.
type JobsOfDay = (
    String,
    String,
    JobStatus,
    String,
    i64,
    Option<DateTime<Utc>>,
);

/// The last days of some sources, an entry for each day with a job; one statement.
pub(super) async fn sync_days(
    db: &Db,
    sources: &[&str],
    now: DateTime<Utc>,
) -> Result<Vec<SyncDayOut>> {
    let mut q = db.query(SYNC_DAYS_OF);
    q.push_list(sources.iter().copied());
    let first = super::midnight(now.date_naive() - chrono::Days::new(SYNC_DAYS.unsigned_abs() - 1));
    q.push(" and started_at >= ").push_bind(first);
    q.push(" group by 1, 2, 3 order by 1, 2, 6");
    Ok(by_day(q.all().await?))
}

/// Puts the statuses of a day together: a failure is shown whatever followed it.
fn by_day(rows: Vec<JobsOfDay>) -> Vec<SyncDayOut> {
    let mut days: Vec<SyncDayOut> = Vec::new();
    for (source, day, status, job_id, jobs, _) in rows {
        let is_failed = status == JobStatus::Failed;
        let failed = if is_failed { jobs } else { 0 };
        let same = days.last_mut();
        match same.filter(|known| known.source == source && known.day == day) {
            Some(known) => {
                known.jobs += jobs;
                known.failed += failed;
                // Rows come by their newest job.
                if is_failed || known.status != JobStatus::Failed {
                    (known.job_id, known.status) = (job_id, status);
                }
            }
            None => days.push(SyncDayOut {
                day,
                failed,
                job_id,
                jobs,
                source,
                status,
            }),
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_show_failures_whatever_followed() {
        let row = |day: &str, status, id: &str, jobs| {
            let (source, day) = ("psa".to_owned(), day.to_owned());
            (source, day, status, id.to_owned(), jobs, None)
        };
        let days = by_day(vec![
            row("2026-01-01", JobStatus::Failed, "a", 2),
            row("2026-01-01", JobStatus::Completed, "b", 5),
            row("2026-01-02", JobStatus::Completed, "c", 1),
            row("2026-01-02", JobStatus::Running, "d", 1),
        ]);
        let reported: Vec<_> = days
            .iter()
            .map(|day| (day.job_id.as_str(), day.jobs, day.failed, day.status))
            .collect();
        let wanted = [
            ("a", 7, 2, JobStatus::Failed),
            ("d", 2, 0, JobStatus::Running),
        ];
        assert_eq!(reported, wanted);
    }
}
