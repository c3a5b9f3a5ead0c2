//! Reading a vendor's item: tolerant of types, strict about identity.

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use super::ItemError;

/// Members of an item that are taken one by one; what is left is unmapped.
#[derive(Debug)]
pub struct Item {
    name: String,
    members: Map<String, Value>,
    stated: Map<String, Value>,
}

impl Item {
    /// Takes a JSON object; `list` names it in errors until its id is known.
    pub fn new(list: &str, value: &Value) -> Result<Self, ItemError> {
        let Value::Object(members) = value else {
            return Err(ItemError {
                item: format!("an item of {list}"),
                reason: "is no object".into(),
            });
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
        })
    }

    /// The id, which must be there: a number or a non-empty text (upstreams trap 35, 61b).
    pub fn id(&mut self, member: &str, number: bool) -> Result<String, ItemError> {
        let id = self.members.remove(member);
        let id = match &id {
            Some(Value::String(id)) if !id.trim().is_empty() => Some(clean(id.trim())),
            Some(Value::Number(id)) if number => Some(id.to_string()),
            _ => None,
        };
        // In one spelling, because links name records by the text of their ids.
        let canonical = |id: String| Some(id.parse::<i64>().ok()?.to_string());
        let id = id.and_then(|id| if number { canonical(id) } else { Some(id) });
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

    /// Takes an object's members out; null, absent and other types are empty.
    pub fn nested(&mut self, member: &str) -> Map<String, Value> {
        match self.members.remove(member) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }

    /// States a field.
    pub fn state(&mut self, field: &str, value: impl Into<Value>) {
        self.stated.insert(field.to_owned(), value.into());
    }

    /// States `field` from a member when it is there: texts stay, numbers become text, empty is null.
    pub fn text(&mut self, member: &str, field: &str) {
        read(&mut self.members, &mut self.stated, member, field, text);
    }

    /// States `field` from a member of an object that was taken out; see [`Item::text`].
    pub fn text_of(&mut self, nested: &mut Map<String, Value>, member: &str, field: &str) {
        read(nested, &mut self.stated, member, field, text);
    }

    /// States `field` from a member when it is there: a number or a digit string.
    pub fn number(&mut self, member: &str, field: &str) {
        read(&mut self.members, &mut self.stated, member, field, number);
    }

    /// States `field` from a member when it is there.
    pub fn flag(&mut self, member: &str, field: &str) {
        read(
            &mut self.members,
            &mut self.stated,
            member,
            field,
            Value::as_bool,
        );
    }

    /// States `field` from a member when it is there: a time in any form.
    pub fn time(&mut self, member: &str, field: &str) {
        read(&mut self.members, &mut self.stated, member, field, moment);
    }

    /// States `field` from a member of an object that was taken out; see [`Item::time`].
    pub fn time_of(&mut self, nested: &mut Map<String, Value>, member: &str, field: &str) {
        read(nested, &mut self.stated, member, field, moment);
    }

    /// States a list of texts from a member when it is there; null is empty (upstreams trap 31).
    pub fn texts(&mut self, member: &str, field: &str) {
        read(
            &mut self.members,
            &mut self.stated,
            member,
            field,
            |value| list(value, text),
        );
    }

    /// States a list of numbers from a member when it is there; null is empty.
    pub fn numbers(&mut self, member: &str, field: &str) {
        read(
            &mut self.members,
            &mut self.stated,
            member,
            field,
            |value| list(value, number),
        );
    }

    /// What was stated for a field.
    pub fn stated(&self, field: &str) -> Option<&Value> {
        self.stated.get(field)
    }

    /// Stated fields and the unmapped rest.
    pub fn finish(self) -> (Map<String, Value>, Map<String, Value>) {
        let rest = self
            .members
            .into_iter()
            .map(|(name, value)| (clean(&name), cleaned(value)));
        (self.stated, rest.collect())
    }
}

/// Moves a member to a field. Empty is null; what cannot be read as the field's type blanks nothing and
/// stays where it is, with the unmapped rest.
fn read<T: Into<Value>>(
    members: &mut Map<String, Value>,
    stated: &mut Map<String, Value>,
    member: &str,
    field: &str,
    reader: impl Fn(&Value) -> Option<T>,
) {
    let Some(value) = members.remove(member) else {
        return;
    };
    if let Some(value) = reader(&value) {
        stated.insert(field.to_owned(), value.into());
    } else if blank(&value) {
        stated.insert(field.to_owned(), Value::Null);
    } else {
        members.insert(member.to_owned(), value);
    }
}

/// Every item of a list, without empty ones; `None` when one cannot be read.
pub(super) fn list<T>(value: &Value, reader: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => {
            let items = items.iter().filter(|item| !blank(item));
            items.map(reader).collect()
        }
        _ => None,
    }
}

/// Null or a text without content.
pub(super) fn blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => clean(text).trim().is_empty(),
        _ => false,
    }
}

/// A value as text: empty and anything but text, number and flag are null.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => clean(text),
        // A decimal field holds whole numbers too: 100001.0 is the account number 100001.
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0")
                .map_or_else(|| text.clone(), str::to_owned)
        }
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// A value as a time, in the form that our fields have in claims.
fn moment(value: &Value) -> Option<String> {
    let time = super::time::parse(value)?;
    Some(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// A value as a whole number.
pub(super) fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// `PostgreSQL` refuses the character NUL in text and JSON.
fn clean(text: &str) -> String {
    text.replace('\0', "")
}

fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| (clean(&k), cleaned(v)))
            .collect(),
        other => other,
    }
}
