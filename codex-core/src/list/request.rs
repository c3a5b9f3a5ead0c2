//! Keyset paging: a page starts after the last record of the one before.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The most records on one page (contract 7 #25).
pub const MAX_LIMIT: u32 = 500;
/// The most values in one condition.
#[cfg(feature = "store")]
const MAX_VALUES: usize = 500;
/// The most conditions at once.
#[cfg(feature = "store")]
const MAX_FILTERS: usize = 50;

/// Which page of which part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// At most this many records, 1 to [`MAX_LIMIT`]; `None` means the most.
    pub limit: Option<u32>,
    /// Where to go on, as the page before said.
    pub cursor: Option<Cursor>,
    /// What to sort by; `None` is the list's own order.
    pub sort: Option<Sort>,
    /// Only records that fit all of these.
    pub filters: Vec<Filter>,
    /// Only records whose name holds this term.
    pub search: Option<String>,
    /// Whether to count the whole list.
    pub total: bool,
    /// How many records are passed over; a cursor makes it void.
    pub offset: Option<i64>,
    /// The most records, for lists that have always had longer pages than [`MAX_LIMIT`].
    pub most: Option<u32>,
    /// Whether the names of its tags come with each record, for staff.
    pub tags: bool,
}

/// What a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub name: String,
    /// The largest first.
    pub descending: bool,
}

/// How a column and a value stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// The same; of text, without regard to case.
    Eq,
    /// The same, byte by byte.
    Exact,
    /// Another, or none.
    Ne,
    /// One of several, with commas between; one in double quotes may hold commas.
    In,
    /// Less.
    Lt,
    /// Less or the same.
    Lte,
    /// More.
    Gt,
    /// More or the same.
    Gte,
    /// The text holds it.
    Contains,
    /// The text begins with it.
    StartsWith,
    /// Whether there is none.
    IsNull,
}

/// A condition on one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The parameter, as it was sent.
    pub parameter: String,
    /// The column.
    pub name: String,
    /// How column and value stand to each other.
    pub op: Op,
    /// The value as text.
    pub value: String,
}

const OPS: [(&str, Op); 10] = [
    ("exact", Op::Exact),
    ("ne", Op::Ne),
    ("in", Op::In),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("contains", Op::Contains),
    ("startswith", Op::StartsWith),
    ("isnull", Op::IsNull),
];

impl Op {
    /// What stands behind a column's name for it; nothing for [`Op::Eq`].
    pub fn suffix(self) -> Option<&'static str> {
        let known = OPS.into_iter().find(|(_, op)| *op == self);
        known.map(|(name, _)| name)
    }

    /// The parameter that compares a column so, such as `name__contains`.
    pub fn parameter(self, column: &str) -> String {
        match self.suffix() {
            Some(suffix) => format!("{column}__{suffix}"),
            None => column.to_owned(),
        }
    }
}

impl Op {
    /// Every operator, [`Op::Eq`] first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Eq].into_iter().chain(OPS.map(|(_, op)| op))
    }
}

impl Filter {
    /// A condition from a parameter such as `name__contains=x`.
    pub fn new(parameter: &str, value: &str) -> Self {
        let op = |(name, op): (&str, &str)| {
            let known = OPS.into_iter().find(|(known, _)| *known == op)?;
            Some((name.to_owned(), known.1))
        };
        let (name, op) = parameter
            .rsplit_once("__")
            .and_then(op)
            .unwrap_or_else(|| (parameter.to_owned(), Op::Eq));
        Self {
            parameter: parameter.to_owned(),
            name,
            op,
            value: value.to_owned(),
        }
    }

    /// The values of [`Op::In`], as in a line of CSV: what stands in double quotes may hold commas, and a quote twice
    /// is one.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter when a quote is not closed, or something stands behind it.
    pub fn values(&self) -> Result<Vec<String>> {
        let bad = |what: &str| Err(Error::invalid(self.parameter.clone(), what));
        let mut values = Vec::new();
        let mut rest = self.value.as_str();
        loop {
            let Some(quoted) = rest.strip_prefix('"') else {
                let (value, behind) = rest
                    .split_once(',')
                    .map_or((rest, None), |(v, b)| (v, Some(b)));
                values.push(value.to_owned());
                let Some(behind) = behind else {
                    return Ok(values);
                };
                rest = behind;
                continue;
            };
            let mut value = String::new();
            rest = quoted;
            loop {
                let Some((part, behind)) = rest.split_once('"') else {
                    return bad("has a quote that is not closed");
                };
                value.push_str(part);
                let Some(again) = behind.strip_prefix('"') else {
                    rest = behind;
                    break;
                };
                value.push('"');
                rest = again;
            }
            values.push(value);
            if rest.is_empty() {
                return Ok(values);
            }
            let Some(behind) = rest.strip_prefix(',') else {
                return bad("has something behind a closing quote");
            };
            rest = behind;
        }
    }
}

/// Values with commas between, each such that [`Filter::values`] reads it as it is.
pub fn listed(values: impl IntoIterator<Item: AsRef<str>>) -> String {
    let quoted = |value: &str| {
        if value.contains(',') || value.starts_with('"') {
            format!("\"{}\"", value.replace('"', "\"\""))
        } else {
            value.to_owned()
        }
    };
    let values = values.into_iter().map(|value| quoted(value.as_ref()));
    values.collect::<Vec<_>>().join(",")
}

impl Sort {
    /// From `name` or `-name`.
    pub fn new(text: &str) -> Self {
        let name = text.strip_prefix('-');
        Self {
            name: name.unwrap_or(text).to_owned(),
            descending: name.is_some(),
        }
    }
}

/// A moment from RFC 3339 or a day of UTC, of the years that both engines know.
pub fn moment(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let day = || {
        let day = text.parse::<NaiveDate>().ok()?;
        Some(day.and_time(NaiveTime::MIN).and_utc())
    };
    let time = DateTime::parse_from_rfc3339(text).ok();
    let time = time.map(|time| time.to_utc()).or_else(day)?;
    // The second 60 is the next minute: neither engine keeps it.
    let time = DateTime::from_timestamp_micros(time.timestamp_micros())?;
    (1..=9_999).contains(&time.year()).then_some(time)
}

/// Where a page ended: the sort key and the id of its last record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(String, i64);

/// A page of records.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Cursor>,
    /// How many records the whole list has, when that was asked for.
    pub total: Option<i64>,
}

impl Cursor {
    /// A cursor behind the record with this key and id.
    pub fn new(key: impl Into<String>, id: i64) -> Self {
        Self(key.into(), id)
    }

    /// Sort key of the last record.
    pub fn key(&self) -> &str {
        &self.0
    }

    /// Id of the last record.
    pub fn id(&self) -> i64 {
        self.1
    }

    /// The cursor as one opaque word for a URL.
    pub fn encode(&self) -> String {
        let text = format!("{}:{}", self.1, self.0);
        text.bytes()
            .fold(String::with_capacity(text.len() * 2), |mut out, byte| {
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
                }
                out
            })
    }

    /// Reads what [`Cursor::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `cursor` for anything else.
    pub fn decode(word: &str) -> Result<Self> {
        let bad = || {
            Error::invalid(
                "cursor",
                "must come from the `Link` header of the page before",
            )
        };
        let digits: Vec<u32> = word
            .chars()
            .map(|c| c.to_digit(16))
            .collect::<Option<_>>()
            .ok_or_else(bad)?;
        let bytes = digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u8::try_from(high * 16 + low).map_err(|_| bad()),
                _ => Err(bad()),
            })
            .collect::<Result<Vec<u8>>>()?;
        let text = String::from_utf8(bytes).map_err(|_| bad())?;
        // PostgreSQL cannot hold it, and so no key has it.
        if text.contains('\0') {
            return Err(bad());
        }
        let (id, key) = text.split_once(':').ok_or_else(bad)?;
        Ok(Self(key.to_owned(), id.parse().map_err(|_| bad())?))
    }
}

impl PageRequest {
    /// The limit in force.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming `limit` when it is 0 or above the most.
    pub fn limit(&self) -> Result<u32> {
        let most = self.most.unwrap_or(MAX_LIMIT);
        let limit = self.limit.unwrap_or(MAX_LIMIT);
        if (1..=most).contains(&limit) {
            return Ok(limit);
        }
        let message = format!("must be from 1 to {most}");
        Err(Error::invalid("limit", message))
    }
}

#[cfg(feature = "store")]
impl Filter {
    /// Refuses a filter by one of these columns for a value that is none of the words of the column.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter and the words.
    pub(crate) fn by_words(filters: &[Self], columns: &[(&str, &[&str])]) -> Result<()> {
        for filter in filters {
            let words = columns.iter().find(|(name, _)| *name == filter.name);
            let Some((_, words)) = words else { continue };
            let values = match filter.op {
                Op::Eq | Op::Exact | Op::Ne => vec![filter.value.clone()],
                Op::In => filter.values()?,
                _ => Vec::new(),
            };
            let unknown = values.iter().find(|value| !words.contains(&value.as_str()));
            if let Some(value) = unknown {
                let message = format!("there is no `{value}`; it is one of {}", words.join(", "));
                return Err(Error::invalid(filter.parameter.clone(), message));
            }
        }
        Ok(())
    }

    /// Refuses more conditions, or more values in one of them, than a statement takes.
    pub(crate) fn within_bounds(filters: &[Self]) -> Result<()> {
        if let Some(beyond) = filters.get(MAX_FILTERS) {
            let message = format!("is more than {MAX_FILTERS} conditions at once");
            return Err(Error::invalid(beyond.parameter.clone(), message));
        }
        for filter in filters.iter().filter(|filter| filter.op == Op::In) {
            if filter.values()?.len() > MAX_VALUES {
                let message = format!("holds more than {MAX_VALUES} values");
                return Err(Error::invalid(filter.parameter.clone(), message));
            }
        }
        Ok(())
    }
}

impl<T> Default for Page<T> {
    /// Of an empty list.
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next: None,
            total: Some(0),
        }
    }
}

impl<T> Page<T> {
    /// The same page of other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
            total: self.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_invalid_ones_are_refused() {
        let cursor = Cursor::new("ärger: gmbh", 42);
        assert_eq!(Cursor::decode(&cursor.encode()).ok(), Some(cursor));
        for bad in ["", "xyz", "abc", "zz", "61", "fffe", "313a3d6100"] {
            assert!(Cursor::decode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn filter_parameters_name_column_and_operator() {
        let op = |parameter: &str| {
            let filter = Filter::new(parameter, "x");
            (filter.name, filter.op)
        };
        assert_eq!(op("name"), ("name".into(), Op::Eq));
        assert_eq!(op("name__contains"), ("name".into(), Op::Contains));
        assert_eq!(op("name__odd"), ("name__odd".into(), Op::Eq));
        assert_eq!(moment("2026-01-31"), moment("2026-01-31T01:00:00+01:00"));
        assert_eq!(moment("2016-12-31T23:59:60Z"), moment("2017-01-01"));
        assert_eq!(moment("9999-12-31T23:59:59-05:00"), None);
        assert!(moment("0001-01-01").is_some() && moment("9999-12-31").is_some());
        for none in [
            "31.1.2026",
            "-9999-01-01",
            "0000-12-31",
            "+10000-01-01",
            "0001-01-01T00:00:00+05:00",
        ] {
            assert_eq!(moment(none), None, "{none}");
        }
    }

    #[test]
    fn list_values_with_commas_are_quoted() {
        let read = |value: &str| Filter::new("name__in", value).values().ok();
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(read("a,b"), words(&["a", "b"]));
        assert_eq!(read(r#""Acme, Inc.",b"#), words(&["Acme, Inc.", "b"]));
        assert_eq!(
            read(r#"a"b,"say ""hi""","""#),
            words(&["a\"b", "say \"hi\"", ""])
        );
        assert_eq!(read(""), words(&[""]));
        assert_eq!(read("a,"), words(&["a", ""]));
        for bad in [r#""a"#, r#""a"b"#, r#"a,""""#] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let odd = ["a,b", "\"c\"", "d\"e", "", ","];
        assert_eq!(read(&listed(odd)), words(&odd));
    }

    #[test]
    fn limit_outside_the_range_is_refused() {
        assert!(
            PageRequest {
                limit: Some(0),
                ..PageRequest::default()
            }
            .limit()
            .is_err()
        );
        assert!(
            PageRequest {
                limit: Some(501),
                ..PageRequest::default()
            }
            .limit()
            .is_err()
        );
        assert_eq!(PageRequest::default().limit().ok(), Some(500));
    }
}
