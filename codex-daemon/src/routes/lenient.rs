//! Parameters as today's modules send them: what cannot be read counts as not sent (contract 7).

use std::collections::HashMap;

use crate::extract::Query;

/// Parameters by name.
pub(super) type Lenient = Query<HashMap<String, String>>;

/// A whole number.
pub(super) fn integer(params: &HashMap<String, String>, name: &str) -> Option<i64> {
    params.get(name)?.trim().parse().ok()
}

/// A text that is not empty.
pub(super) fn word<'p>(params: &'p HashMap<String, String>, name: &str) -> Option<&'p str> {
    let word = params.get(name)?.as_str();
    (!word.is_empty()).then_some(word)
}

/// A year of the calendar.
pub(super) fn year(params: &HashMap<String, String>) -> Option<i32> {
    // A year beyond it has no tickets and is as good as none that can be read.
    let year = integer(params, "year").and_then(|year| i32::try_from(year).ok());
    year.filter(|year| (1..=9_999).contains(year))
}
