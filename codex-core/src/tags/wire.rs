//! Tags as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;
use utoipa::ToSchema;

pub use super::TagIn;
use super::{Tag, TagFields, TagUses, TaggedKind};
use crate::{
    Error, Fault, RecordKind, Result,
    records::{
        Intent, RecordBody,
        patch::{Form, NUL, ids, texts},
    },
};

/// The longest name, in characters.
const LONGEST_NAME: usize = 60;
/// The key of account numbers.
const NUMBERS: &str = "account_numbers";
/// The most records that one call names.
const MAX_RECORDS: usize = 10_000;

/// A tag, and how many records have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TagOut {
    /// How many assets have it.
    #[schema(example = 12)]
    pub assets: i64,
    /// Colour as `#rrggbb`; null when it has none.
    pub colour: Option<String>,
    /// How many companies have it.
    #[schema(example = 3)]
    pub companies: i64,
    /// How many contacts have it.
    #[schema(example = 5)]
    pub contacts: i64,
    /// When it was created.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: DateTime<Utc>,
    /// Id; it never changes.
    pub id: i64,
    /// Name.
    #[schema(example = "VIP")]
    pub name: String,
    /// When its name or colour last changed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at: DateTime<Utc>,
}

impl TagOut {
    /// The wire form, with how many records have the tag.
    pub fn new(tag: &Tag, uses: TagUses) -> Self {
        Self {
            assets: uses.assets,
            colour: tag.fields.colour.clone(),
            companies: uses.companies,
            contacts: uses.contacts,
            created_at: tag.created_at,
            id: tag.id.0,
            name: tag.fields.name.clone(),
            updated_at: tag.updated_at,
        }
    }
}

/// The records to add a tag to, or to remove it from: at most 10,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagRecordsIn {
    /// Kind of the records.
    pub kind: TaggedKind,
    /// Their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<i64>,
    /// Account numbers of companies, in addition to `ids`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account_numbers: Vec<String>,
}

/// The result of adding a tag to records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TagAddedOut {
    /// How many records did not have it before.
    #[schema(example = 2)]
    pub added: usize,
    /// How many records already had it.
    pub unchanged: usize,
}

/// The result of removing a tag from records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TagRemovedOut {
    /// How many records had it before.
    #[schema(example = 2)]
    pub removed: usize,
    /// How many records did not have it.
    pub unchanged: usize,
}

const FORM: Form = Form {
    kind: RecordKind::Tag,
    fields: TagFields::FIELDS,
    beside: &[],
    refused: &[("id", "is given by Codex")],
    rule,
};

fn rule(key: &str, value: Value) -> std::result::Result<Value, String> {
    match (key, value) {
        // Composed (NFC), because filters compare names character by character.
        ("name", Value::String(text)) => {
            let name: String = text.trim().nfc().collect();
            if name.chars().count() > LONGEST_NAME {
                return Err(format!("is longer than {LONGEST_NAME} characters"));
            }
            Ok(name.into())
        }
        ("colour", Value::String(text)) => match colour(&text) {
            Some(colour) => Ok(colour.into()),
            None => Err("must be a colour such as #d73a49".into()),
        },
        (_, value) => Ok(value),
    }
}

/// A colour in its stored spelling; `None` when the text is not a colour.
fn colour(text: &str) -> Option<String> {
    let colour = text.trim().to_ascii_lowercase();
    let digits = colour.strip_prefix('#')?;
    let is_colour = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_colour.then_some(colour)
}

impl RecordBody for TagIn {
    fn read(body: Map<String, Value>, intent: Intent) -> Result<Self> {
        FORM.body(body, intent)
    }
}

impl TagRecordsIn {
    /// Reads a body. Without serde, so that every fault is reported with its place.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault.
    pub fn read(mut body: Map<String, Value>) -> Result<Self> {
        let mut faults = Vec::new();
        let kind = match body.remove("kind").map(serde_json::from_value) {
            Some(Ok(kind)) => Some(kind),
            Some(Err(_)) => {
                faults.push(Fault::at("kind", "must be asset, company or contact"));
                None
            }
            None => {
                faults.push(Fault::at("kind", "is required"));
                None
            }
        };
        let ids: Vec<i64> = take(&mut body, "ids", ids, &mut faults);
        let numbers: Vec<String> = take(&mut body, NUMBERS, texts, &mut faults);
        let unknown = "there is no such key; there are `account_numbers`, `ids`, `kind`";
        let unknown = body.keys().map(|key| Fault::at(key, unknown));
        // Without a kind, what else is wrong is judged as if there were one that fits.
        let named = Self {
            kind: kind.unwrap_or(TaggedKind::Company),
            ids,
            account_numbers: numbers
                .iter()
                .map(|number| number.trim().to_owned())
                .collect(),
        };
        faults.extend(named.misfits());
        faults.extend(unknown);
        if faults.is_empty() {
            Ok(named)
        } else {
            Err(Error::Unprocessable(faults))
        }
    }

    /// What is wrong with it besides its types.
    pub(crate) fn misfits(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let (ids, numbers) = (&self.ids, &self.account_numbers);
        if self.kind != TaggedKind::Company && !numbers.is_empty() {
            let message = "names companies: `kind` must be company";
            faults.push(Fault::at(NUMBERS, message));
        }
        if numbers.iter().any(|number| number.contains('\0')) {
            faults.push(Fault::at(NUMBERS, NUL));
        }
        let count = ids.len() + numbers.len();
        if count > MAX_RECORDS {
            let place = if numbers.is_empty() { "ids" } else { NUMBERS };
            let message = format!("at most {MAX_RECORDS} records at once, {count} were sent");
            faults.push(Fault::at(place, message));
        }
        faults
    }
}

/// Removes a list from a body and returns it; empty when it is absent or fails `check`.
fn take<T: DeserializeOwned>(
    body: &mut Map<String, Value>,
    key: &str,
    check: fn(Value) -> std::result::Result<Value, String>,
    faults: &mut Vec<Fault>,
) -> Vec<T> {
    let list = body.remove(key).map(check).transpose();
    let list = list.unwrap_or_else(|message| {
        faults.push(Fault::at(key, message));
        None
    });
    list.and_then(|list| serde_json::from_value(list).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn pointers<T: std::fmt::Debug>(read: Result<T>) -> Vec<String> {
        match read {
            Err(Error::Unprocessable(faults)) => {
                faults.into_iter().map(|fault| fault.pointer).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn stated(body: Map<String, Value>, intent: Intent) -> Result<Map<String, Value>> {
        TagIn::read(body, intent)?.stated()
    }

    #[test]
    fn names_are_trimmed_and_colours_are_lower_case() {
        let sent = json!({"name": " Cafe\u{301} ", "colour": "#D73A49"});
        let fields = stated(body(&sent), Intent::Create).unwrap();
        let wanted = json!({"name": "Caf\u{e9}", "colour": "#d73a49"});
        assert_eq!(Value::Object(fields), wanted);
        let longest = "\u{e4}".repeat(LONGEST_NAME);
        assert!(stated(body(&json!({ "name": longest })), Intent::Create).is_ok());
        for wrong in [
            "red",
            "#fff",
            "#12345g",
            "123456#",
            "#1234567",
            "#\u{e4}1234",
        ] {
            let read = stated(body(&json!({ "colour": wrong })), Intent::Update);
            assert_eq!(pointers(read), ["/colour"], "{wrong}");
        }
        let blank = stated(body(&json!({"colour": null})), Intent::Update).unwrap();
        assert_eq!(Value::Object(blank), json!({"colour": null}));
    }

    #[test]
    fn faults_of_a_tag_are_reported_together() {
        let long = "x".repeat(LONGEST_NAME + 1);
        let read = stated(
            body(&json!({"id": 7, "name": long, "colour": "red"})),
            Intent::Create,
        );
        assert_eq!(pointers(read), ["/colour", "/id", "/name"]);
        assert_eq!(pointers(stated(Map::new(), Intent::Create)), ["/name"]);
    }

    #[test]
    fn faults_of_a_list_of_records_are_reported_together() {
        let sent = json!({"kind": "contact", "ids": "7", "account_numbers": ["100001"], "x": 1});
        let wanted = ["/ids", "/account_numbers", "/x"];
        assert_eq!(pointers(TagRecordsIn::read(body(&sent))), wanted);
        assert_eq!(
            pointers(TagRecordsIn::read(body(&json!({"kind": "ticket"})))),
            ["/kind"]
        );
        assert_eq!(pointers(TagRecordsIn::read(Map::new())), ["/kind"]);
        let many: Vec<usize> = (0..=MAX_RECORDS).collect();
        let sent = json!({"kind": "asset", "ids": many});
        assert_eq!(pointers(TagRecordsIn::read(body(&sent))), ["/ids"]);
        let sent = json!({"kind": "company", "ids": null, "account_numbers": [" 100001 "]});
        let read = TagRecordsIn::read(body(&sent)).unwrap();
        assert_eq!(read.account_numbers, ["100001"]);
        assert_eq!((read.kind, read.ids), (TaggedKind::Company, Vec::new()));
        let nul = TagRecordsIn {
            kind: TaggedKind::Asset,
            ids: Vec::new(),
            account_numbers: vec!["\0".into()],
        };
        assert_eq!(nul.misfits().len(), 2, "a program states anything");
    }
}
