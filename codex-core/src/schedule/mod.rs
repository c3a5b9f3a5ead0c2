//! When syncs run by themselves.
//!
//! The times stand in a table, so that of several processes one starts a run that is due, and a run that
//! was missed while nothing ran is caught up once.

#[cfg(feature = "store")]
pub(crate) mod query;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::{Error, Result, sync::Part};

/// A sync that runs by itself.
#[derive(Debug, Clone)]
pub struct Entry {
    name: &'static str,
    part: Part,
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
        part: Part,
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
                format!("`{zone}` is no time zone such as Europe/Berlin"),
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

    /// What it pulls.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Its cron expression.
    pub fn cron(&self) -> String {
        self.cron.pattern.to_string()
    }

    /// The first time after a moment, without jitter; `None` for an expression that never comes due.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&local, false).ok()?;
        Some(next.to_utc())
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
        Entry::new("psa", Part::Psa, cron, zone, TimeDelta::seconds(60)).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn next_runs_follow_the_expression_in_the_time_zone() {
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
    fn the_hour_that_daylight_saving_skips_or_repeats_runs_once() {
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

    #[test]
    fn what_is_no_expression_or_no_zone_is_refused_by_name() {
        let refused = |cron: &str, zone: &str| {
            let made = Entry::new("psa", Part::Psa, cron, zone, TimeDelta::zero());
            made.unwrap_err().to_string()
        };
        for cron in ["", "soon", "61 * * * *", "* * * *", "* * * * * *"] {
            assert!(refused(cron, "UTC").starts_with("cron: "), "{cron}");
        }
        assert!(refused("* * * * *", "Middle/Earth").starts_with("time_zone: "));
        let never = Entry::new("psa", Part::Psa, "0 0 30 2 *", "UTC", TimeDelta::zero());
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
