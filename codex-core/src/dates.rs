//! Days as texts: contracts, warranties, foundings. What is out of its years is a slip of somebody's keyboard.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime};
#[cfg(feature = "store")]
use chrono::{TimeDelta, Utc};

/// Years in which something can have happened that a system has noted, or will: seen, opened, due, signed.
pub(crate) const EVENTS: RangeInclusive<i32> = 1970..=2200;
/// Years of days that are older than computers: companies are founded, people are born.
pub(crate) const LIVES: RangeInclusive<i32> = 1800..=2200;

/// How far a vendor's clock, or one that forgets its zone, may be ahead of ours.
#[cfg(feature = "store")]
const AHEAD: TimeDelta = TimeDelta::days(1);

/// Whether something can have happened at a moment. What says that it changed in a year to come would be newer
/// than everything that follows.
#[cfg(feature = "store")]
pub(crate) fn has_happened(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at <= newest(now)
}

/// The newest moment at which something can have happened.
#[cfg(feature = "store")]
pub(crate) fn newest(now: DateTime<Utc>) -> DateTime<Utc> {
    now + AHEAD
}

/// The day that a text begins with, whatever follows after `T` or a space; of any year.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    let day = text.trim().split(['T', ' ']).next()?;
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()
}

/// Whether a text may stand where a day is expected: it is no day at all, as vendors' free texts, or one of `years`.
#[cfg(feature = "sync")]
pub(crate) fn is_plausible(text: &str, years: &RangeInclusive<i32>) -> bool {
    day(text).is_none_or(|day| years.contains(&day.year()))
}

/// What is wrong with a day that a person sends: it must be one of `years`, alone or with a time, in ISO 8601.
pub(crate) fn check(text: &str, years: &RangeInclusive<i32>) -> Result<(), String> {
    let text = text.trim();
    let plain = text.bytes().take(10).filter(u8::is_ascii_digit).count() == 8;
    let whole = text.len() == 10
        || DateTime::parse_from_rfc3339(text).is_ok()
        || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok();
    match day(text) {
        Some(day) if plain && whole && years.contains(&day.year()) => Ok(()),
        _ => Err(format!(
            "must be a date such as 2026-01-31, of the years {} to {}",
            years.start(),
            years.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_outside_the_allowed_years_are_refused() {
        for good in [
            "2026-01-31",
            " 1970-01-01 ",
            "2200-12-31",
            "2024-02-29T00:00:00Z",
            "2024-02-29T00:00:00",
        ] {
            assert_eq!(check(good, &EVENTS), Ok(()), "{good}");
        }
        for bad in [
            "yesterday",
            "+10002-12-30",
            "9999-12-31",
            "1969-12-31",
            "2025-02-29",
            "31.1.2026",
            "2026-1-5",
            "2026-01-31x",
            "0024-03-01",
            "2026-01-31T25:00:00",
            "",
        ] {
            assert!(check(bad, &EVENTS).is_err(), "{bad}");
        }
        assert_eq!(check("1898-05-01", &LIVES), Ok(()));
    }

    #[test]
    #[cfg(feature = "sync")]
    fn vendor_text_is_kept_unless_its_year_is_implausible() {
        for (text, plausible) in [
            ("spring 2015", true),
            ("2015-04-01", true),
            ("2015-04-01T00:00:00Z", true),
            ("+10002-12-30", false),
            ("0001-01-01T00:00:00Z", false),
            ("9999-12-31 00:00", false),
        ] {
            assert_eq!(is_plausible(text, &EVENTS), plausible, "{text}");
        }
    }
}
