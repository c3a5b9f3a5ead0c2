//! Reading a vendor's item: tolerant of types, strict about identity.
//!
//! Texts hold no NUL and no half characters here: whatever comes from a vendor was decoded by [`decode`].

use std::{collections::BTreeMap, ops::RangeInclusive};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::decode;
use crate::{
    dates,
    records::{ItemError, Resource, SourceRecord, Unread},
    sync::time::{self, Time},
};

/// The largest whole number below which every whole number has an `f64` of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Members of an item that are taken one by one; what is left is unmapped.
#[derive(Debug)]
pub struct Item {
    name: String,
    members: Map<String, Value>,
    stated: Map<String, Value>,
    incomplete: Vec<String>,
    unread: Vec<Unread>,
}

impl Item {
    /// Takes a JSON object; `list` names it in errors until its id is known.
    pub fn new(list: &str, value: &Value) -> Result<Self, ItemError> {
        let unknown = |reason: &str| ItemError {
            item: format!("an item of {list}"),
            reason: reason.to_owned(),
        };
        if let Some(reason) = decode::fault(value) {
            return Err(unknown(reason));
        }
        let Value::Object(members) = value else {
            return Err(unknown("is not an object"));
        };
        let id = members
            .get("uid")
            .or_else(|| members.get("id"))
            .and_then(text);
        let name = id.map_or_else(|| format!("an item of {list}"), |id| format!("{list} {id}"));
        Ok(Self {
            name,
            members: members.clone(),
            stated: Map::new(),
            incomplete: Vec::new(),
            unread: Vec::new(),
        })
    }

    /// The id, which must be there: a number above 0 (see `number`) or a non-empty text (trap 35, 61b).
    pub fn id(&mut self, member: &str, is_number: bool) -> Result<String, ItemError> {
        let id = self.members.remove(member).unwrap_or_default();
        let id = if is_number {
            // In one spelling, because links name records by the text of their ids.
            number(&id).filter(|id| *id > 0).map(|id| id.to_string())
        } else {
            id.as_str().and_then(trimmed)
        };
        id.ok_or_else(|| self.fault(format!("`{member}` is missing or no id")))
    }

    /// An error about this item.
    pub fn fault(&self, reason: impl Into<String>) -> ItemError {
        ItemError {
            item: self.name.clone(),
            reason: reason.into(),
        }
    }

    /// Takes a member as it is.
    pub fn take(&mut self, member: &str) -> Option<Value> {
        self.members.remove(member)
    }

    /// Takes members that move by themselves and are no facts about the item: they must not reach its claim.
    pub fn drop_volatile(&mut self, members: &[&str]) {
        for member in members {
            self.members.remove(*member);
        }
    }

    /// Takes an object's members out; null, absent and other types are empty.
    pub fn nested(&mut self, member: &str) -> Map<String, Value> {
        match self.members.remove(member) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }

    /// Takes a time ([`time::read`]); one that cannot be read is unknown and reported.
    pub fn take_time(&mut self, member: &str) -> Option<DateTime<Utc>> {
        let value = self.members.remove(member)?;
        let read = time::read(&value);
        if read.is_none() {
            self.note_unread(member, TIME);
        }
        read?.at()
    }

    /// Takes a list of texts. Elements that are none are unknown and reported.
    pub fn take_texts(&mut self, member: &str) -> Vec<String> {
        let value = self.members.remove(member).unwrap_or_default();
        let Some((read, whole)) = list(&value, text) else {
            self.note_unread(member, NO_TEXTS);
            return Vec::new();
        };
        if !whole {
            self.note_unread(member, ODD_TEXT);
        }
        read
    }

    /// Notes that a member is there and cannot be read.
    pub fn note_unread(&mut self, member: &str, reason: &'static str) {
        self.unread.push(Unread::new(member, reason));
    }

    /// What could not be read of an item that is kept without it; `None` when everything could.
    pub fn unread(&self) -> Option<ItemError> {
        let name = |Unread { member, reason }: &Unread| format!("`{member}` {reason}");
        let named: Vec<String> = self.unread.iter().map(name).collect();
        (!named.is_empty()).then(|| self.fault(format!("{}; the rest is kept", named.join(", "))))
    }

    /// States a field.
    pub fn state(&mut self, field: &str, value: impl Into<Value>) {
        self.stated.insert(field.to_owned(), value.into());
    }

    /// States `field` from a member when it is there, as `text` reads it; empty is null.
    pub fn text(&mut self, member: &str, field: &str) {
        self.read(member, field, "is not text", text);
    }

    /// States `field` from a member of an object that was taken out; see [`Item::text`].
    pub fn text_of(&mut self, nested: &mut Map<String, Value>, member: &str, field: &str) {
        self.read_of(nested, member, field, "is not text", text);
    }

    /// As [`Item::text_of`], of a member whose type is the account's choice: a check box is `true` or `false`.
    pub fn any_text_of(&mut self, nested: &mut Map<String, Value>, member: &str, field: &str) {
        self.read_of(nested, member, field, "is not text", any_text);
    }

    /// States `field` from a member when it is there: a date, or the text that stands in its place. A date
    /// outside of `years` is unknown and reported.
    pub fn date(&mut self, member: &str, field: &str, years: &RangeInclusive<i32>) {
        self.read(member, field, DATE, |value| date(value, years));
    }

    /// States `field` from a member of an object that was taken out; see [`Item::date`].
    pub fn date_of(
        &mut self,
        nested: &mut Map<String, Value>,
        member: &str,
        field: &str,
        years: &RangeInclusive<i32>,
    ) {
        self.read_of(nested, member, field, DATE, |value| date(value, years));
    }

    /// States `field` from a member when it is there, as `number` reads it.
    pub fn number(&mut self, member: &str, field: &str) {
        self.read(member, field, "is not a whole number", number);
    }

    /// States `field` from a member when it is there: true or false.
    pub fn flag(&mut self, member: &str, field: &str) {
        self.read(member, field, "is neither true nor false", Value::as_bool);
    }

    /// States `field` from a member when it is there: a time in any form ([`time::read`]).
    pub fn time(&mut self, member: &str, field: &str) {
        self.read(member, field, TIME, moment);
    }

    /// States `field` from a member of an object that was taken out; see [`Item::time`].
    pub fn time_of(&mut self, nested: &mut Map<String, Value>, member: &str, field: &str) {
        self.read_of(nested, member, field, TIME, moment);
    }

    /// States a list of texts from a member when it is there; null is empty (trap 31). An element that
    /// is no text is reported, and the others are an incomplete list.
    pub fn texts(&mut self, member: &str, field: &str) {
        self.list(member, field, [NO_TEXTS, ODD_TEXT], text);
    }

    /// States a list of numbers from a member when it is there; see [`Item::texts`].
    pub fn numbers(&mut self, member: &str, field: &str) {
        self.list(member, field, [NO_NUMBERS, ODD_NUMBER], number);
    }

    /// What was stated for a field.
    pub fn stated(&self, field: &str) -> Option<&Value> {
        self.stated.get(field)
    }

    /// What the item states, and the unmapped rest.
    pub fn into_incoming<R: Resource>(self, external_id: String, scope: &str) -> SourceRecord<R> {
        SourceRecord {
            external_id,
            scope: scope.to_owned(),
            fields: self.stated,
            extra: self.members,
            status: None,
            secrets: BTreeMap::new(),
            source_updated_at: None,
            incomplete: self.incomplete,
            unread: self.unread,
        }
    }

    fn read<T: Into<Value>>(
        &mut self,
        member: &str,
        field: &str,
        wrong: &'static str,
        reader: impl Fn(&Value) -> Option<T>,
    ) {
        let mut members = std::mem::take(&mut self.members);
        self.read_of(&mut members, member, field, wrong, reader);
        self.members = members;
    }

    /// Moves a member to a field. Empty is null; what cannot be read as the field's type blanks nothing, is
    /// reported and stays where it is, with the unmapped rest.
    fn read_of<T: Into<Value>>(
        &mut self,
        members: &mut Map<String, Value>,
        member: &str,
        field: &str,
        wrong: &'static str,
        reader: impl Fn(&Value) -> Option<T>,
    ) {
        let Some(value) = members.remove(member) else {
            return;
        };
        if let Some(value) = reader(&value) {
            self.state(field, value);
        } else if blank(&value) {
            self.state(field, Value::Null);
        } else {
            self.note_unread(member, wrong);
            members.insert(member.to_owned(), value);
        }
    }

    /// Moves a list to a field. What is no list is treated as [`Item::read_of`] treats what it cannot read; so is a
    /// list with an odd element, of which the field gets the others.
    fn list<T: Into<Value>>(
        &mut self,
        member: &str,
        field: &str,
        [no_list, odd]: [&'static str; 2],
        reader: impl Fn(&Value) -> Option<T>,
    ) {
        let Some(value) = self.members.remove(member) else {
            return;
        };
        match list(&value, reader) {
            Some((read, true)) => return self.state(field, read),
            Some((read, false)) => {
                self.note_unread(member, odd);
                // Where nothing can be read, nothing is known.
                if !read.is_empty() {
                    self.state(field, read);
                    self.incomplete.push(field.to_owned());
                }
            }
            None if blank(&value) => return self.state(field, Value::Null),
            None => self.note_unread(member, no_list),
        }
        self.members.insert(member.to_owned(), value);
    }
}

pub(crate) const TIME: &str = "is not a time of the years 1970 to 2200";
pub(crate) const DATE: &str = "is not a possible date";
const NO_TEXTS: &str = "is not a list of texts";
const NO_NUMBERS: &str = "is not a list of whole numbers";
const ODD_TEXT: &str = "holds something that is not text";
const ODD_NUMBER: &str = "holds something that is not a whole number";

/// The elements of a list that can be read, without empty ones, and whether there are no others; `None` for what is
/// no list.
pub(crate) fn list<T>(
    value: &Value,
    reader: impl Fn(&Value) -> Option<T>,
) -> Option<(Vec<T>, bool)> {
    let items = match value {
        Value::Null => &[][..],
        Value::Array(items) => items.as_slice(),
        _ => return None,
    };
    let items = || items.iter().filter(|item| !blank(item));
    let read: Vec<T> = items().filter_map(reader).collect();
    let whole = read.len() == items().count();
    Some((read, whole))
}

/// Null or a text without content.
pub(crate) fn blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// A value as text: a text with content as it is, a number in digits, a whole one without a fraction
/// (`100001.0` is the account number 100001). A boolean is no text: `true` is nobody's name or number.
pub(crate) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            whole(value).map_or_else(|| number.to_string(), |whole| whole.to_string())
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// As [`text`], for members whose type the account's administrator chooses (custom and user-defined fields):
/// a check box is `true` or `false`.
pub(crate) fn any_text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        other => text(other),
    }
}

pub(crate) fn trimmed(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A value as a whole number: an integer, a float that is one (`21000049726.0`, `1e3`), or a text of either
/// in plain digits. A text such as `1e3` is a code and no number, and neither is a boolean.
pub(crate) fn number(value: &Value) -> Option<i64> {
    let Value::String(text) = value else {
        return whole(value);
    };
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, fraction))
            if !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0') =>
        {
            digits
        }
        _ => text,
    };
    digits.parse().ok()
}

/// A number without a fraction. Floats beyond 2^53 are none: which whole number was meant is lost.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float without a fraction below 2^53 is exactly one whole number"
)]
pub(crate) fn whole(value: &Value) -> Option<i64> {
    let float = || {
        value
            .as_f64()
            .filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)
    };
    value.as_i64().or_else(|| float().map(|float| float as i64))
}

/// A date as it was sent, unless it is out of its years.
pub(crate) fn date(value: &Value, years: &RangeInclusive<i32>) -> Option<String> {
    any_text(value).filter(|text| dates::is_plausible(text, years))
}

/// A value as a time, in the form that our fields have in claims.
pub(crate) fn moment(value: &Value) -> Option<Value> {
    Some(match time::read(value)? {
        Time::At(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true).into(),
        Time::Never => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_without_a_fraction_are_integers() {
        for (value, read) in [
            (json!(21_000_049_726.0), Some(21_000_049_726)),
            (serde_json::from_str("1e3").unwrap(), Some(1_000)),
            (json!(" 21000049726 "), Some(21_000_049_726)),
            (json!("21000049726.00"), Some(21_000_049_726)),
            (json!(-5), Some(-5)),
            (json!(1.5), None),
            (json!("1.5"), None),
            (json!("1."), None),
            (json!("1e3"), None),
            (json!(1e300), None),
            (json!(1e19), None),
            (json!(u64::MAX), None),
            (json!(true), None),
            (json!("true"), None),
            (json!([1]), None),
            (json!(null), None),
        ] {
            assert_eq!(number(&value), read, "{value}");
        }
    }

    #[test]
    fn ids_are_normalized_positive_integers() {
        let id = |value: Value| {
            Item::new("x", &json!({ "id": value }))
                .unwrap()
                .id("id", true)
        };
        for same in [
            json!(21_000_049_726.0),
            json!("021000049726"),
            json!("21000049726.0"),
        ] {
            assert_eq!(id(same).unwrap(), "21000049726");
        }
        for bad in [
            json!(true),
            json!(0),
            json!(-1),
            json!(1.5),
            json!(""),
            json!({}),
            json!(null),
        ] {
            assert!(id(bad.clone()).is_err(), "{bad}");
        }
        let uid = |value: Value| {
            Item::new("x", &json!({ "uid": value }))
                .unwrap()
                .id("uid", false)
        };
        assert_eq!(uid(json!(" a ")).unwrap(), "a");
        assert!(uid(json!(true)).is_err() && uid(json!(" ")).is_err() && uid(json!(5)).is_err());
    }

    #[test]
    fn booleans_are_texts_in_custom_fields_only() {
        assert_eq!(text(&json!(true)), None);
        assert_eq!(any_text(&json!(false)).as_deref(), Some("false"));
        assert_eq!(text(&json!(100_001.0)).as_deref(), Some("100001"));
        assert_eq!(text(&json!(1.25)).as_deref(), Some("1.25"));
        assert_eq!(text(&json!("  ")), None);
    }

    #[test]
    fn unreadable_element_makes_only_its_list_incomplete() {
        let value = json!({"id": 1, "whole": [5, "6", null, ""], "some": [5, {}, "7"], "none": [{}], "null": null,
            "blank": " ", "text": "x", "names": ["a", true], "cc": ["a@x.test", {}], "bcc": 5});
        let mut item = Item::new("x", &value).unwrap();
        for list in ["whole", "some", "none", "null", "blank", "text", "absent"] {
            item.numbers(list, list);
        }
        item.texts("names", "names");
        assert_eq!(item.take_texts("cc"), ["a@x.test"]);
        assert!(item.take_texts("bcc").is_empty() && item.take_texts("absent").is_empty());
        let reported = item.unread().unwrap().to_string();
        assert!(reported.contains("`cc` holds something that is not text, `bcc` is not a list"));
        let item: SourceRecord<crate::companies::Company> = item.into_incoming("1".into(), "x");
        let stated =
            json!({"whole": [5, 6], "some": [5, 7], "null": [], "blank": null, "names": ["a"]});
        assert_eq!(Value::Object(item.fields), stated);
        assert_eq!(item.incomplete, ["some", "names"]);
        let unread: Vec<&str> = item.unread.iter().map(|unread| &*unread.member).collect();
        assert_eq!(unread, ["some", "none", "text", "names", "cc", "bcc"]);
        for kept in ["some", "none", "text", "names"] {
            assert_eq!(item.extra[kept], value[kept]);
        }
    }

    #[test]
    fn unreadable_members_are_reported_and_kept_in_extra() {
        let value = json!({"id": 1, "a": "2026-01-05T10:00:00Z", "b": 1_767_607_200_000_000_i64, "c": 0,
            "d": "+10002-12-30", "e": "spring", "f": [true]});
        let mut item = Item::new("x", &value).unwrap();
        for time in ["a", "b", "c"] {
            item.time(time, time);
        }
        for date in ["d", "e"] {
            item.date(date, date, &dates::EVENTS);
        }
        item.texts("f", "f");
        let item: SourceRecord<crate::companies::Company> = item.into_incoming("1".into(), "x");
        let stated = json!({"a": "2026-01-05T10:00:00Z", "c": null, "e": "spring"});
        assert_eq!(Value::Object(item.fields), stated);
        let unread: Vec<&str> = item
            .unread
            .iter()
            .map(|unread| unread.member.as_str())
            .collect();
        assert_eq!(unread, ["b", "d", "f"]);
        assert!(
            unread
                .iter()
                .all(|member| item.extra[*member] == value[*member])
        );
    }
}
