//! Details of tickets that could not be read: remembered per ticket, asked for again with backoff.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Result,
    store::{Db, Tx},
};

/// The wait after the second failure; the first one is retried by the next run.
const BACKOFF: TimeDelta = TimeDelta::minutes(5);
/// The longest wait.
const LONGEST: TimeDelta = TimeDelta::days(1);

sql! {
    /// Tickets whose details are due, the longest waiting first; no wait is as long as one that a wrong clock has noted.
    DUE = "select o.ticket_id, t.external_id, o.parts, o.attempts from ticket_details_owed o \
        join tickets t on t.id = o.ticket_id and t.deleted_at is null and t.external_id is not null \
        where o.source = $1 and (o.next_at <= $2 or o.next_at > $4) order by o.next_at, o.ticket_id limit $3";
    /// What is pending of live tickets, by part and reason.
    SUMS = "select o.parts, o.reason, count(*) as tickets, min(o.since) as since, min(t.number) as number \
        from ticket_details_owed o join tickets t on t.id = o.ticket_id and t.deleted_at is null \
        where o.source = $1 group by o.parts, o.reason order by count(*) desc, o.parts, o.reason limit 20";
}

/// What is pending of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDetails {
    /// Row of the ticket.
    pub ticket: i64,
    /// What is missing, such as `time_entries`.
    pub parts: String,
    /// Why, for people.
    pub reason: String,
}

/// A ticket whose details may be asked for again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Due {
    pub ticket_id: i64,
    pub external_id: i64,
    pub parts: String,
    attempts: i64,
}

/// What is pending for one reason.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Sum {
    parts: String,
    reason: String,
    tickets: i64,
    since: DateTime<Utc>,
    number: i64,
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (parts, reason, since) = (&self.parts, &self.reason, self.since.format("%F %R"));
        match self.tickets {
            1 => write!(f, "ticket {} still lacks its {parts}", self.number)?,
            tickets => write!(
                f,
                "{tickets} tickets still lack their {parts}, ticket {} among them",
                self.number
            )?,
        }
        write!(f, " (since {since} UTC): {reason}; later runs ask again")
    }
}

/// The next tickets whose details are due at a moment.
pub(crate) async fn due(
    db: &Db,
    source: &str,
    at: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<Due>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let q = db.query(DUE).bind(source).bind(at).bind(limit);
    q.bind(at + LONGEST * 2).all().await
}

/// What is pending by now.
pub(crate) async fn sums(db: &Db, source: &str) -> Result<Vec<Sum>> {
    db.query(SUMS).bind(source).all().await
}

/// Remembers what is pending of some tickets. One with something pending before waits longer.
pub(crate) async fn remember(
    tx: &mut Tx,
    source: &str,
    at: DateTime<Utc>,
    pending: &[PendingDetails],
) -> Result<()> {
    if pending.is_empty() {
        return Ok(());
    }
    let mut q = tx.query("select ticket_id, attempts from ticket_details_owed where ticket_id in ");
    let tickets: Vec<i64> = pending.iter().map(|pending| pending.ticket).collect();
    q.push_list(tickets);
    let before: Vec<(i64, i64)> = q.all().await?;
    let before: HashMap<i64, i64> = before.into_iter().collect();
    let mut q = tx.query(
        "insert into ticket_details_owed (ticket_id, source, parts, reason, since, attempts, next_at) ",
    );
    q.push_upsert_rows(
        pending,
        |pending| pending.ticket,
        |row, pending| {
            let attempts = before.get(&pending.ticket).copied().unwrap_or(0) + 1;
            row.bind(pending.ticket)
                .bind(source)
                .bind(pending.parts.as_str())
                .bind(pending.reason.as_str())
                .bind(at)
                .bind(attempts)
                .bind(at + wait(attempts));
        },
    );
    q.push(
        " on conflict (ticket_id) do update set parts = excluded.parts, reason = excluded.reason, \
         attempts = excluded.attempts, next_at = excluded.next_at",
    );
    q.execute().await?;
    Ok(())
}

/// Puts tickets off that were due and need not be asked for, because what is pending is refused as such.
pub(crate) async fn put_off(tx: &mut Tx, at: DateTime<Utc>, due: &[Due]) -> Result<()> {
    let longest = due.iter().map(|due| due.attempts).max().unwrap_or(0) + 1;
    let mut q = tx.query("update ticket_details_owed set attempts = attempts + 1, next_at = ");
    q.push_bind(at + wait(longest)).push(" where ticket_id in ");
    let tickets: Vec<i64> = due.iter().map(|due| due.ticket_id).collect();
    q.push_list(tickets);
    q.execute().await?;
    Ok(())
}

/// Forgets what was pending of tickets: everything has arrived.
pub(crate) async fn complete(tx: &mut Tx, tickets: Vec<i64>) -> Result<()> {
    let mut q = tx.query("delete from ticket_details_owed where ticket_id in ");
    q.push_list(tickets);
    q.execute().await?;
    Ok(())
}

/// Doubles from attempt to attempt up to a day; nothing after the first.
fn wait(attempts: i64) -> TimeDelta {
    match u32::try_from(attempts) {
        Ok(0 | 1) => TimeDelta::zero(),
        Ok(more @ 2..=12) => (BACKOFF * 2_i32.pow(more - 2)).min(LONGEST),
        _ => LONGEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delay_doubles_up_to_a_day() {
        let minutes: Vec<i64> = (1..5).map(|n| wait(n).num_minutes()).collect();
        assert_eq!(minutes, [0, 5, 10, 20]);
        assert_eq!(wait(11), LONGEST);
        assert_eq!(wait(i64::MAX), LONGEST);
    }

    #[test]
    fn summary_names_ticket_part_reason_and_start() {
        let sum = Sum {
            parts: "time_entries".into(),
            reason: "the vendor answered 500".into(),
            tickets: 1,
            since: DateTime::UNIX_EPOCH,
            number: 17,
        };
        assert_eq!(
            sum.to_string(),
            "ticket 17 still lacks its time_entries (since 1970-01-01 00:00 UTC): the vendor answered 500; \
             later runs ask again"
        );
        let many = Sum { tickets: 3, ..sum };
        assert!(
            many.to_string()
                .starts_with("3 tickets still lack their time_entries")
        );
    }
}
