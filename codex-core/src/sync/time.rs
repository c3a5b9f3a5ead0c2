//! Vendors' times, in whatever form, to UTC.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};
use serde_json::Value;

use crate::dates::EVENTS;

/// Numbers above are milliseconds, up to it seconds.
const LAST_SECOND: f64 = 9_999_999_999.0;
/// Smaller numbers count something else: a year, a day as 20260105, minutes.
const FIRST_SECOND: f64 = 1e8;

/// What a vendor says where a time is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// A moment of the years 1970 to 2200, in whole microseconds.
    At(DateTime<Utc>),
    /// None: null, an empty text, 0, or the first moment of year 1, which is Datto's "never" (vendors 2.6).
    Never,
}

impl Time {
    /// The moment; `None` for never.
    pub fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Never => None,
        }
    }
}

/// Reads a time: epoch milliseconds or seconds, RFC 3339 with any offset, or without `T` or zone, which
/// means UTC; the second 60 is the next minute. `None` for what cannot be read and for what lies outside of
/// 1970 to 2200: such a time would be served, and then refused by whoever reads it.
pub fn read(value: &Value) -> Option<Time> {
    match value {
        Value::Null => Some(Time::Never),
        Value::Number(number) => from_epoch(number.as_f64()?),
        Value::String(text) => from_text(text.trim()),
        _ => None,
    }
}

/// As [`read`], when it does not matter why there is no time.
pub fn parse(value: &Value) -> Option<DateTime<Utc>> {
    read(value)?.at()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "larger ones become the largest, which is out of range"
)]
fn from_epoch(number: f64) -> Option<Time> {
    if number == 0.0 {
        return Some(Time::Never);
    }
    let micros = if number.abs() > LAST_SECOND {
        number * 1e3
    } else if number.abs() >= FIRST_SECOND {
        number * 1e6
    } else {
        return None;
    };
    within(DateTime::from_timestamp_micros(micros.round() as i64)?)
}

/// Whole microseconds within range; a leap second, which few readers know, is the first of the next minute.
fn within(time: DateTime<Utc>) -> Option<Time> {
    let time = DateTime::from_timestamp_micros(time.timestamp_micros())?;
    match time.year() {
        0..=1 => Some(Time::Never),
        year => EVENTS.contains(&year).then_some(Time::At(time)),
    }
}

fn from_text(text: &str) -> Option<Time> {
    if text.is_empty() {
        return Some(Time::Never);
    }
    if let Ok(number) = text.parse::<f64>() {
        return from_epoch(number);
    }
    let text = text
        .strip_suffix(" UTC")
        .unwrap_or(text)
        .replacen(' ', "T", 1);
    let time = DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%#z"))
        .map(|time| time.to_utc())
        .ok()
        .or_else(|| without_zone(&text))?;
    within(time)
}

/// A date, with minutes or seconds or alone.
fn without_zone(text: &str) -> Option<DateTime<Utc>> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let time = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()?
            .and_hms_opt(0, 0, 0)
    };
    Some(time.or_else(day)?.and_utc())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Traps 29 and 54.
    #[test]
    fn every_form_of_an_instant_is_read_alike() {
        let moment = parse(&json!("2026-01-05T10:00:00Z"));
        assert!(moment.is_some());
        for form in [
            json!("2026-01-05T10:00:00.000Z"),
            json!("2026-01-05T15:30:00+05:30"),
            json!("2026-01-05 10:00:00"),
            json!(1_767_607_200_000_i64),
            json!(1_767_607_200),
            json!("1767607200"),
            json!(1_767_607_200.0),
        ] {
            assert_eq!(parse(&form), moment, "{form}");
        }
    }

    /// Trap 54.
    #[test]
    fn never_is_neither_a_time_nor_a_fault() {
        for never in [
            json!(null),
            json!(0),
            json!(-62_135_596_800_000_i64),
            json!("0001-01-01T00:00:00Z"),
            json!(""),
            json!("0"),
        ] {
            assert_eq!(read(&never), Some(Time::Never), "{never}");
        }
    }

    #[test]
    fn times_out_of_range_are_unreadable() {
        for bad in [
            json!("x"),
            json!(true),
            json!(1_767_607_200_000_000_i64),
            json!(2026),
            json!("20260105"),
            json!(-86_400_000),
            json!("1969-12-31T23:59:59Z"),
            json!("9999-12-31T23:59:59-05:00"),
            json!("2201-01-01T00:00:00Z"),
            json!("+10002-12-30"),
            json!("1970-01-01T00:30:00+01:00"),
            json!(i64::MAX),
            json!(1e300),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
        for (edge, at) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
            (
                "2200-12-31T23:59:59.9999999Z",
                "2200-12-31T23:59:59.999999+00:00",
            ),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
            (
                "2016-12-31T18:59:60.5-05:00",
                "2017-01-01T00:00:00.500+00:00",
            ),
            ("2026-01-01T00:00:00+23:59", "2025-12-31T00:01:00+00:00"),
        ] {
            assert_eq!(
                parse(&json!(edge)).map(|at| at.to_rfc3339()).as_deref(),
                Some(at),
                "{edge}"
            );
        }
    }

    #[test]
    fn shorter_forms_and_offsets_without_colon_are_read() {
        let day = parse(&json!("2026-01-05T00:00:00Z"));
        for form in [
            "2026-01-05",
            "2026-01-05T00:00",
            "2026-01-05 00:00:00 UTC",
            "2026-01-05T05:30:00+0530",
            "2026-01-04T23:00:00-01",
        ] {
            assert_eq!(parse(&json!(form)), day, "{form}");
        }
    }

    /// `nan` and `inf` are no times.
    #[test]
    fn times_are_cut_to_whole_microseconds() {
        let fine = parse(&json!("2026-01-05T10:00:00.123456789Z")).unwrap();
        assert_eq!(fine.timestamp_subsec_nanos(), 123_456_000);
        assert_eq!(
            parse(&json!(1_767_607_200.5))
                .unwrap()
                .timestamp_subsec_millis(),
            500
        );
        for bad in ["nan", "inf", "-inf", "1e300"] {
            assert_eq!(parse(&json!(bad)), None, "{bad}");
        }
    }
}
