//! When syncs run by themselves.
//!
//! The times stand in a table, so that of several processes one starts a run that is due, and a run that
//! was missed while nothing ran is caught up once.

#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "sync")]
pub(crate) mod service;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::{Error, Result, jobs::SyncKind};

/// The bit by which croner marks a value that an expression holds for, whatever the month: its constant is private.
const SET: u8 = 1;
/// After how many of its intervals without an end a source is late.
const LATE_INTERVALS: u32 = 3;
/// The longest that a process waits for runs that were missed before it calls a source late.
const MOST_GRACE: TimeDelta = TimeDelta::hours(1);

/// A sync that runs by itself.
#[derive(Debug, Clone)]
pub struct Entry {
    name: &'static str,
    part: SyncKind,
    cron: Cron,
    zone: Tz,
    jitter: TimeDelta,
}

impl Entry {
    /// A sync that runs whenever a cron expression of five fields says so, in a time zone such as
    /// `Europe/Berlin`, up to `jitter` later.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `cron` or `time_zone`.
    pub fn new(
        name: &'static str,
        part: SyncKind,
        cron: &str,
        zone: &str,
        jitter: TimeDelta,
    ) -> Result<Self> {
        let fields = cron.split_whitespace().count();
        let parsed = cron.parse::<Cron>().ok().filter(|_| fields == 5);
        let cron = parsed.ok_or_else(|| {
            Error::invalid(
                "cron",
                format!("`{cron}` is not a cron expression of five fields"),
            )
        })?;
        let zone = zone.parse().map_err(|_| {
            Error::invalid(
                "time_zone",
                format!("`{zone}` is not a time zone such as Europe/Berlin"),
            )
        })?;
        Ok(Self {
            name,
            part,
            cron,
            zone,
            jitter,
        })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it syncs.
    pub fn kind(&self) -> SyncKind {
        self.part
    }

    /// Its cron expression.
    pub fn cron(&self) -> String {
        self.cron.pattern.to_string()
    }

    /// The first time after a moment, without jitter; `None` for an expression that never comes due.
    ///
    /// When clocks change, an expression for every hour goes on in real time. One that names hours keeps to the
    /// wall clock: what falls into hours that are left out runs once, when they are over; what falls into hours
    /// that come twice runs in the first of them.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = after.with_timezone(&self.zone);
        if self.is_hourly() {
            let next = self.cron.find_next_occurrence(&local, false).ok()?;
            return Some(next.to_utc());
        }
        // The wall clock as a time line of its own, without gaps.
        let mut wall = local.naive_local();
        loop {
            wall = self
                .cron
                .find_next_occurrence(&wall.and_utc(), false)
                .ok()?
                .naive_utc();
            local = self.instant(wall)?;
            // In the second of two equal hours the first is over.
            if local.to_utc() > after {
                return Some(local.to_utc());
            }
        }
    }

    /// Whether the expression holds in every hour of a day.
    fn is_hourly(&self) -> bool {
        let hours = &self.cron.pattern.hours;
        (0..24).all(|hour| hours.is_bit_set(hour, SET).unwrap_or(false))
    }

    /// When the wall clock first shows a time, or is beyond it where clocks leave it out.
    fn instant(&self, wall: NaiveDateTime) -> Option<DateTime<Tz>> {
        // The longest that a wall clock ever left out is a day (Samoa, 30 December 2011).
        let mut minutes = (0..=26 * 60).map(TimeDelta::minutes);
        minutes.find_map(|later| self.zone.from_local_datetime(&(wall + later)).earliest())
    }

    /// When a source is late that last completed at a moment: three of its intervals later, which are those that
    /// follow.
    pub(crate) fn late_after(&self, completed: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.next(completed)?;
        let mut last = first;
        for _ in 0..LATE_INTERVALS {
            last = self.next(last)?;
        }
        Some(completed + (last - first) + self.jitter)
    }

    /// How long after the start of a process runs that were missed before may take: an interval, at most an hour.
    pub(crate) fn grace(&self, start: DateTime<Utc>) -> TimeDelta {
        let next = self.next(start);
        let interval = next.and_then(|next| Some(self.next(next)? - next));
        interval.map_or(MOST_GRACE, |interval| interval.min(MOST_GRACE)) + self.jitter
    }

    /// A moment in the zone of the schedule, for people.
    pub fn local(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        local.format("%Y-%m-%d %H:%M %Z").to_string()
    }

    /// The same moment, some of the jitter later; `fraction` is between 0 and 1.
    pub(crate) fn shaken(&self, at: DateTime<Utc>, fraction: f64) -> DateTime<Utc> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "jitter is seconds, not centuries"
        )]
        let millis = (self.jitter.num_milliseconds() as f64 * fraction) as i64;
        at + TimeDelta::milliseconds(millis)
    }
}

/// A schedule as it stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Planned {
    /// Name of the schedule.
    pub name: String,
    /// The expression that `next_at` was made from.
    pub cron: String,
    /// When it runs next.
    pub next_at: DateTime<Utc>,
    /// When it was last started.
    pub last_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(cron: &str, zone: &str) -> Entry {
        Entry::new("psa", SyncKind::Psa, cron, zone, TimeDelta::seconds(60)).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn next_run_follows_the_expression_and_time_zone() {
        let daily = entry("0 2 * * *", "Europe/Berlin");
        assert_eq!(
            daily.next(at("2026-01-05T00:30:00Z")),
            Some(at("2026-01-05T01:00:00Z"))
        );
        assert_eq!(
            daily.next(at("2026-07-05T01:00:00Z")),
            Some(at("2026-07-06T00:00:00Z"))
        );
        let often = entry("*/5 * * * *", "UTC");
        assert_eq!(
            often.next(at("2026-01-05T10:05:00Z")),
            Some(at("2026-01-05T10:10:00Z"))
        );
        assert!(
            daily
                .local(at("2026-01-05T01:00:00Z"))
                .starts_with("2026-01-05 02:00 CET")
        );
    }

    #[test]
    fn skipped_or_repeated_hour_runs_once() {
        let daily = entry("30 2 * * *", "Europe/Berlin");
        // 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
        for (day, next_day) in [("2026-03-28T12:00:00Z", 29), ("2026-10-24T12:00:00Z", 25)] {
            let first = daily.next(at(day)).unwrap();
            let second = daily.next(first).unwrap();
            let berlin =
                |at: DateTime<Utc>| at.with_timezone(&chrono_tz::Europe::Berlin).date_naive();
            assert_eq!(berlin(first).to_string()[8..], next_day.to_string());
            assert_ne!(berlin(first), berlin(second), "{first} {second}");
        }
    }

    /// Times of all runs within a day of a zone, given as the moments between which they lie.
    fn runs(cron: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
        let (entry, to) = (entry(cron, zone), at(to));
        let next = |after: &DateTime<Utc>| entry.next(*after).filter(|next| *next < to);
        let all = std::iter::successors(next(&at(from)), next);
        all.map(|at| at.format("%H:%M").to_string()).collect()
    }

    /// 2026: Berlin's clocks go from 02:00 to 03:00 on 29 March (01:00Z), from 03:00 to 02:00 on 25 October
    /// (01:00Z); New York's from 02:00 to 03:00 on 8 March (07:00Z), from 02:00 to 01:00 on 1 November (06:00Z).
    #[test]
    fn daily_runs_happen_once_across_clock_changes() {
        let (spring, autumn) = (
            ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        );
        let berlin = |cron, (from, to)| runs(cron, "Europe/Berlin", from, to);
        assert_eq!(berlin("15,45 2 * * *", spring), ["01:00"]);
        assert_eq!(berlin("15,45 2 * * *", autumn), ["00:15", "00:45"]);
        assert_eq!(berlin("30 2 * * *", spring), ["01:00"]);
        assert_eq!(berlin("30 2 * * *", autumn), ["00:30"]);
        assert_eq!(
            berlin("30 1,2,3 * * *", spring),
            ["00:30", "01:00", "01:30"]
        );
        assert_eq!(berlin("*/20 2 * * *", autumn), ["00:00", "00:20", "00:40"]);
        assert_eq!(berlin("0 */6 * * *", spring), ["04:00", "10:00", "16:00"]);

        let (spring, autumn) = (
            ("2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
        );
        let new_york = |cron, (from, to)| runs(cron, "America/New_York", from, to);
        assert_eq!(new_york("15,45 2 * * *", spring), ["07:00"]);
        assert_eq!(new_york("15,45 1 * * *", autumn), ["05:15", "05:45"]);
        assert_eq!(new_york("15,45 2 * * *", autumn), ["07:15", "07:45"]);
    }

    #[test]
    fn hourly_runs_follow_real_time_across_clock_changes() {
        for (zone, from, to, hours) in [
            (
                "Europe/Berlin",
                "2026-03-28T22:59:00Z",
                "2026-03-29T22:00:00Z",
                23,
            ),
            (
                "Europe/Berlin",
                "2026-10-24T21:59:00Z",
                "2026-10-25T23:00:00Z",
                25,
            ),
            (
                "America/New_York",
                "2026-03-08T04:59:00Z",
                "2026-03-09T04:00:00Z",
                23,
            ),
            (
                "America/New_York",
                "2026-11-01T03:59:00Z",
                "2026-11-02T05:00:00Z",
                25,
            ),
        ] {
            for (cron, each_hour) in [("*/30 * * * *", 2), ("0 * * * *", 1), ("7,8 0-23 * * *", 2)]
            {
                let found = runs(cron, zone, from, to).len();
                assert_eq!(found, hours * each_hour, "{cron} in {zone} from {from}");
            }
        }
    }

    #[test]
    fn runs_are_not_repeated_in_the_repeated_hour() {
        let daily = entry("15,45 2 * * *", "Europe/Berlin");
        // 02:20 for the second time: both of today's runs are over.
        let next = daily.next(at("2026-10-25T01:20:00Z"));
        assert_eq!(next, Some(at("2026-10-26T01:15:00Z")));
    }

    #[test]
    fn source_is_late_after_three_intervals() {
        let often = entry("*/5 * * * *", "UTC");
        let done = at("2026-01-05T10:01:00Z");
        assert_eq!(
            often.late_after(done),
            Some(at("2026-01-05T10:17:00Z")),
            "with jitter"
        );
        let daily = entry("0 2 * * *", "UTC");
        assert_eq!(daily.late_after(done), Some(at("2026-01-08T10:02:00Z")));
        assert_eq!(daily.grace(done), TimeDelta::minutes(61));
        assert_eq!(often.grace(done), TimeDelta::minutes(6));
    }

    #[test]
    fn invalid_expressions_and_time_zones_are_refused() {
        let refused = |cron: &str, zone: &str| {
            let made = Entry::new("psa", SyncKind::Psa, cron, zone, TimeDelta::zero());
            made.unwrap_err().to_string()
        };
        for cron in ["", "soon", "61 * * * *", "* * * *", "* * * * * *"] {
            assert!(refused(cron, "UTC").starts_with("cron: "), "{cron}");
        }
        assert!(refused("* * * * *", "Middle/Earth").starts_with("time_zone: "));
        let never = Entry::new("psa", SyncKind::Psa, "0 0 30 2 *", "UTC", TimeDelta::zero());
        assert!(never.is_err() || never.unwrap().next(at("2026-01-01T00:00:00Z")).is_none());
    }

    #[test]
    fn jitter_only_delays() {
        let entry = entry("0 2 * * *", "UTC");
        let time = at("2026-01-05T02:00:00Z");
        assert_eq!(entry.shaken(time, 0.0), time);
        assert_eq!(entry.shaken(time, 0.5), time + TimeDelta::seconds(30));
    }
}
