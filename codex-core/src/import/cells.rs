//! Reading the texts of a row: numbers, times, lists, prices. What cannot be read is unknown, and is reported.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use super::{flaws::Flaw, report::TableReport, source::OldRow};
use crate::{
    dates::{self, EVENTS},
    money::Money,
};

/// The fewest and the most that an hour of a change of daylight saving time is off.
const GAP: TimeDelta = TimeDelta::hours(1);

/// A row that is read into the fields of a record.
#[derive(Debug)]
pub(super) struct Cells<'r> {
    row: &'r OldRow,
    pub report: &'r mut TableReport,
    zone: Option<Tz>,
    name: String,
    /// What the record states.
    pub fields: Map<String, Value>,
    /// What is kept beside it.
    pub extra: Map<String, Value>,
}

impl<'r> Cells<'r> {
    pub fn new(row: &'r OldRow, report: &'r mut TableReport, zone: Option<Tz>) -> Self {
        Self {
            name: row.name(),
            row,
            report,
            zone,
            fields: Map::new(),
            extra: Map::new(),
        }
    }

    /// Notes a flaw of the row.
    pub fn flaw(&mut self, flaw: Flaw) {
        self.report.flaw(flaw, &self.name);
    }

    /// States a value, unless there is none.
    pub fn state(&mut self, field: &str, value: impl Into<Value>) {
        let value = value.into();
        if !value.is_null() {
            self.fields.insert(field.to_owned(), value);
        }
    }

    /// Keeps a text beside the record.
    pub fn keep(&mut self, name: &str, value: impl Into<Value>) {
        self.extra.insert(name.to_owned(), value.into());
    }

    pub fn text(&self, column: &str) -> Option<String> {
        self.row.get(column).map(str::to_owned)
    }

    /// States texts under their own names.
    pub fn state_texts(&mut self, columns: &[&str]) {
        for column in columns {
            let text = self.text(column);
            self.state(column, text);
        }
    }

    /// States numbers under their own names.
    pub fn state_ints(&mut self, columns: &[&str]) {
        for column in columns {
            let number = self.int(column);
            self.state(column, number);
        }
    }

    /// States flags under their own names.
    pub fn state_flags(&mut self, columns: &[&str]) {
        for column in columns {
            let flag = self.flag(column);
            self.state(column, flag);
        }
    }

    /// States days, as texts, unless their year is a slip.
    pub fn state_days(&mut self, columns: &[&str], years: &RangeInclusive<i32>) {
        for column in columns {
            match self.text(column) {
                Some(text) if dates::is_plausible(&text, years) => self.state(column, text),
                Some(text) => {
                    self.flaw(Flaw::TimeUnreadable);
                    self.keep(column, text);
                }
                None => {}
            }
        }
    }

    pub fn int(&mut self, column: &str) -> Option<i64> {
        let text = self.row.get(column)?.trim();
        let whole = text.strip_suffix(".0").unwrap_or(text);
        let number = whole.parse().ok();
        if number.is_none() {
            self.flaw(Flaw::NumberUnreadable);
        }
        number
    }

    pub fn float(&mut self, column: &str) -> Option<f64> {
        let number = self.row.get(column)?.trim().parse::<f64>().ok();
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            self.flaw(Flaw::NumberUnreadable);
        }
        number
    }

    pub fn flag(&mut self, column: &str) -> Option<bool> {
        let text = self.row.get(column)?.trim().to_ascii_lowercase();
        match text.as_str() {
            "1" | "true" | "t" | "yes" => Some(true),
            "0" | "false" | "f" | "no" => Some(false),
            _ => {
                self.flaw(Flaw::NumberUnreadable);
                None
            }
        }
    }

    /// A price; null is 0.
    pub fn price(&mut self, column: &str) -> Money {
        let Some(number) = self.float(column) else {
            if self.row.get(column).is_none() {
                self.flaw(Flaw::PriceMissing);
            }
            return Money::ZERO;
        };
        if let Ok(price) = Money::try_from(number) {
            return price;
        }
        self.flaw(Flaw::PriceRounded);
        let rounded = (number * 10_000.0).round() / 10_000.0;
        Money::try_from(rounded).unwrap_or_default()
    }

    /// A time of a column that holds UTC.
    pub fn time(&mut self, column: &str) -> Option<DateTime<Utc>> {
        let text = self.row.get(column)?.to_owned();
        match read_time(&text) {
            Some(Read::At(at)) => Some(at),
            Some(Read::Naive(naive)) => {
                self.flaw(Flaw::TimeWithoutOffset);
                Some(naive.and_utc())
            }
            None => {
                self.flaw(Flaw::TimeUnreadable);
                None
            }
        }
    }

    /// A time of a column that holds what the server's clock showed, unless it has an offset.
    pub fn local_time(&mut self, column: &str) -> Option<DateTime<Utc>> {
        let text = self.row.get(column)?.to_owned();
        match read_time(&text) {
            Some(Read::At(at)) => Some(at),
            Some(Read::Naive(naive)) => self.in_zone(naive),
            None => {
                self.flaw(Flaw::TimeUnreadable);
                None
            }
        }
    }

    /// The moment at which the old server's clock showed a time.
    pub fn in_zone(&mut self, naive: NaiveDateTime) -> Option<DateTime<Utc>> {
        let Some(zone) = self.zone else {
            self.flaw(Flaw::ZoneMissing);
            return None;
        };
        let (at, flaw) = moment(zone, naive);
        self.flaw(flaw);
        at
    }

    /// States times under their own names.
    pub fn state_times(&mut self, columns: &[&str]) {
        for column in columns {
            let at = self.time(column);
            self.state(column, at.map(crate::times::text));
        }
    }

    /// A list of texts.
    pub fn texts(&mut self, column: &str) -> Vec<String> {
        let values = self.list(column);
        let texts = values.into_iter().filter_map(|value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        texts.filter(|text| !text.trim().is_empty()).collect()
    }

    /// A list of numbers.
    pub fn ints(&mut self, column: &str) -> Vec<i64> {
        let values = self.list(column);
        let numbers = values.into_iter().filter_map(|value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        });
        numbers.collect()
    }

    fn list(&mut self, column: &str) -> Vec<Value> {
        let Some(text) = self.row.get(column) else {
            return Vec::new();
        };
        if let Ok(Value::Array(values)) = serde_json::from_str(text) {
            return values;
        }
        match respelled(text) {
            Some(values) => {
                self.flaw(Flaw::ListSpelled);
                values
            }
            None if text.trim() == "null" => Vec::new(),
            None => {
                let text = text.to_owned();
                self.flaw(Flaw::ListUnreadable);
                self.keep(column, text);
                Vec::new()
            }
        }
    }
}

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// With an offset.
    At(DateTime<Utc>),
    /// Without.
    Naive(NaiveDateTime),
}

/// Reads a time in one of the spellings of the Flask service, unless its year is a slip.
pub(super) fn read_time(text: &str) -> Option<Read> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z"))
    {
        let at = at.to_utc();
        return EVENTS.contains(&at.year()).then_some(Read::At(at));
    }
    let naive = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let naive = naive.or_else(|| day()?.and_hms_opt(0, 0, 0))?;
    EVENTS.contains(&naive.year()).then_some(Read::Naive(naive))
}

/// The moment of a local time, and what is to be said of it.
fn moment(zone: Tz, naive: NaiveDateTime) -> (Option<DateTime<Utc>>, Flaw) {
    match naive.and_local_timezone(zone) {
        LocalResult::Single(at) => (Some(at.to_utc()), Flaw::TimeLocal),
        LocalResult::Ambiguous(earlier, _) => (Some(earlier.to_utc()), Flaw::TimeAmbiguous),
        // The clock never showed it: what it would have shown without the change.
        LocalResult::None => {
            let before = (naive - GAP).and_local_timezone(zone).earliest();
            (before.map(|at| at.to_utc() + GAP), Flaw::TimeAmbiguous)
        }
    }
}

/// A list in `PostgreSQL`'s spelling, `{a,"b c"}`, in Python's, `['a']`, or separated by commas.
fn respelled(text: &str) -> Option<Vec<Value>> {
    let text = text.trim();
    let inner = match text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(inner) if !inner.contains(':') => inner,
        Some(_) => return None,
        None => match text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            Some(inner) => inner,
            None if text.contains(['{', '[', '"', ':']) => return None,
            None => text,
        },
    };
    let parts = inner.split(',').map(|part| {
        let part = part.trim().trim_matches(['"', '\'']);
        part.trim().to_owned()
    });
    let parts = parts.filter(|part| !part.is_empty() && part != "NULL" && part != "None");
    Some(parts.map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_read_in_every_spelling() {
        let at = Read::At(utc("2025-03-01T09:00:00Z"));
        for text in [
            "2025-03-01T09:00:00Z",
            "2025-03-01T10:00:00+01:00",
            "2025-03-01 10:00:00+01",
            "2025-03-01 09:00:00.000+00:00",
        ] {
            assert_eq!(read_time(text), Some(at), "{text}");
        }
        let naive = utc("2025-03-01T09:00:00Z").naive_utc();
        for text in [
            "2025-03-01T09:00:00",
            "2025-03-01 09:00:00",
            "2025-03-01 09:00",
        ] {
            assert_eq!(read_time(text), Some(Read::Naive(naive)), "{text}");
        }
        for bad in ["", "soon", "0001-01-01T00:00:00Z", "+57856-01-01T00:00:00Z"] {
            assert_eq!(read_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn local_times_know_daylight_saving_time() {
        let zone = chrono_tz::Europe::Berlin;
        let of = |text: &str| moment(zone, text.parse().unwrap());
        assert_eq!(
            of("2025-07-01T12:00:00"),
            (Some(utc("2025-07-01T10:00:00Z")), Flaw::TimeLocal)
        );
        let twice = of("2025-10-26T02:30:00");
        assert_eq!(
            twice,
            (Some(utc("2025-10-26T00:30:00Z")), Flaw::TimeAmbiguous)
        );
        let never = of("2025-03-30T02:30:00");
        assert_eq!(
            never,
            (Some(utc("2025-03-30T01:30:00Z")), Flaw::TimeAmbiguous)
        );
    }

    #[test]
    fn lists_are_read_in_other_spellings() {
        let of = |text: &str| respelled(text).map(Value::from);
        let two = serde_json::json!(["a.test", "b.test"]);
        for text in [
            "{a.test,\"b.test\"}",
            "['a.test', 'b.test']",
            "a.test, b.test",
        ] {
            assert_eq!(of(text).as_ref(), Some(&two), "{text}");
        }
        assert_eq!(of("{\"a\": 1}"), None);
        assert_eq!(of("[\"a"), None);
        assert_eq!(of("{}"), Some(serde_json::json!([])));
    }
}
