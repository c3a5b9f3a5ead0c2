//! Vendors' times, in whatever form, to UTC.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, Utc};
use serde_json::Value;

/// Datto's "never": the first moment of year 1 in epoch milliseconds (upstreams 2.6).
const YEAR_ONE_MS: f64 = -62_135_596_800_000.0;
/// The same moment in seconds.
const YEAR_ONE_S: i64 = -62_135_596_800;
/// Larger numbers are milliseconds, smaller ones seconds.
const LAST_SECOND: f64 = 9_999_999_999.0;

/// Reads a time: epoch milliseconds or seconds, RFC 3339 with any offset, or without `T` or zone, which
/// means UTC. Null, 0, the year-1 sentinel and anything unreadable are `None`.
pub fn parse(value: &Value) -> Option<DateTime<Utc>> {
    let time = match value {
        Value::Number(number) => from_epoch(number.as_f64()?),
        Value::String(text) => from_text(text.trim()),
        _ => None,
    }?;
    Some(time.trunc_subsecs(6))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "times beyond i64 are refused by chrono"
)]
fn from_epoch(number: f64) -> Option<DateTime<Utc>> {
    if !number.is_finite() || number == 0.0 || number <= YEAR_ONE_MS {
        return None;
    }
    let micros = if number.abs() > LAST_SECOND {
        number * 1e3
    } else {
        number * 1e6
    };
    DateTime::from_timestamp_micros(micros.round() as i64)
}

fn from_text(text: &str) -> Option<DateTime<Utc>> {
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
        .or_else(|| without_zone(&text));
    time.filter(|time| time.timestamp() > YEAR_ONE_S)
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

    #[test]
    fn traps_29_and_54_every_form_of_one_moment_reads_the_same() {
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

    #[test]
    fn trap_54_never_is_none() {
        for never in [
            json!(null),
            json!(0),
            json!(-62_135_596_800_000_i64),
            json!("0001-01-01T00:00:00Z"),
            json!(""),
            json!("x"),
        ] {
            assert_eq!(parse(&never), None, "{never}");
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

    #[test]
    fn times_are_whole_microseconds_and_no_number_is_no_time() {
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
