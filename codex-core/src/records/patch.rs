//! What people state in a request, checked as a whole: every fault at once, each with its place.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    Error, Fault, Result,
    fold::{IdentityKey, SearchKey},
    records::FieldDef,
};

/// The longest text, in bytes.
pub(crate) const LONGEST: usize = 8_000;
/// The longest text that an index holds, in bytes, folded or not: `PostgreSQL` takes no row of an index beyond 2,704,
/// and some hold two texts.
pub(crate) const LONGEST_INDEXED: usize = 1_000;

/// As much of a text as an index holds.
pub(crate) fn indexable(text: &str) -> &str {
    if text.is_ascii() {
        return &text[..text.len().min(LONGEST_INDEXED)];
    }
    let (mut size, mut end) = (0, 0);
    for (at, c) in text.char_indices() {
        let own = c.len_utf8();
        // One character may be a dozen in a key.
        let mut bytes = [0; 4];
        let one = c.encode_utf8(&mut bytes);
        let (search, identity) = (SearchKey::new(one), IdentityKey::new(one));
        size += own.max(search.as_str().len()).max(identity.as_str().len());
        if size > LONGEST_INDEXED {
            break;
        }
        end = at + own;
    }
    &text[..end]
}

/// Refuses a text that is too long.
pub(crate) fn fits(text: &str, indexed: bool) -> std::result::Result<(), String> {
    if text.len() > LONGEST {
        return Err(format!("is longer than {LONGEST} bytes"));
    }
    if indexed && indexable(text).len() < text.len() {
        return Err(format!("is longer than {LONGEST_INDEXED} bytes"));
    }
    Ok(())
}

/// What is said of a text with that character: `PostgreSQL` cannot hold it.
pub(crate) const NUL: &str = "must not hold the character NUL";

/// What may be stated about a kind of record.
pub(crate) struct Form {
    /// The kind, for messages.
    pub kind: &'static str,
    /// Its fields: those that are editable can be stated.
    pub fields: &'static [FieldDef],
    /// Keys that are refused, and why.
    pub refused: &'static [(&'static str, &'static str)],
    /// What holds for one value besides its type; may rewrite it.
    pub rule: fn(&str, Value) -> std::result::Result<Value, String>,
}

impl Form {
    /// Whether a key can be stated.
    pub fn takes(&self, key: &str) -> bool {
        self.fields
            .iter()
            .any(|field| field.editable && field.name == key)
    }

    /// The stated fields of a change: a key that is absent says nothing, null blanks, and so does an empty
    /// text.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault.
    pub fn change<F: DeserializeOwned>(
        &self,
        body: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.change_beside::<F>(body, false)
    }

    /// As [`Form::change`], of a body whose other parts state something or not.
    pub fn change_beside<F: DeserializeOwned>(
        &self,
        body: Map<String, Value>,
        states_more: bool,
    ) -> Result<Map<String, Value>> {
        if body.is_empty() && !states_more {
            return Err(Error::invalid("body", "states no field"));
        }
        self.read::<F>(body, false)
    }

    /// The stated fields of a new record: as [`Form::change`], and what is required must be there.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault.
    pub fn new_record<F: DeserializeOwned>(
        &self,
        body: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.read::<F>(body, true)
    }

    fn read<F: DeserializeOwned>(
        &self,
        body: Map<String, Value>,
        new: bool,
    ) -> Result<Map<String, Value>> {
        let mut faults = Vec::new();
        if new {
            let required = self.fields.iter().filter(|field| field.required);
            let absent = required.filter(|field| !body.contains_key(field.name));
            faults.extend(absent.map(|field| Fault::at(field.name, "is required")));
        }
        let mut stated = Map::new();
        for (key, value) in body {
            match self.field(&key, value) {
                Ok(value) => {
                    stated.insert(key, value);
                }
                Err(message) => faults.push(Fault::at(&key, message)),
            }
        }
        faults.extend(type_faults::<F>(&stated));
        if faults.is_empty() {
            Ok(stated)
        } else {
            Err(Error::Unprocessable(faults))
        }
    }

    fn field(&self, key: &str, value: Value) -> std::result::Result<Value, String> {
        if let Some((_, why)) = self.refused.iter().find(|(refused, _)| *refused == key) {
            return Err((*why).to_owned());
        }
        let known = self.fields.iter().find(|field| field.name == key);
        let Some(field) = known.filter(|field| field.editable) else {
            return Err(format!("a {} has no such field to state", self.kind));
        };
        if has_nul(&value) {
            return Err(NUL.into());
        }
        if let Value::String(text) = &value {
            fits(text, field.indexed)?;
        }
        let value = match value {
            Value::String(text) if text.trim().is_empty() => Value::Null,
            other => other,
        };
        if value.is_null() && field.required {
            return Err("must not be empty".into());
        }
        (self.rule)(key, value)
    }
}

/// Takes a list of texts that is not a field out of a body.
pub(crate) fn take_texts(
    body: &mut Map<String, Value>,
    key: &str,
    faults: &mut Vec<Fault>,
) -> Option<Vec<String>> {
    take(body, key, "must be a list of texts", faults)
}

/// Takes a list of ids that is not a field out of a body.
pub(crate) fn take_ids<Id: DeserializeOwned>(
    body: &mut Map<String, Value>,
    key: &str,
    faults: &mut Vec<Fault>,
) -> Option<Vec<Id>> {
    take(body, key, "must be a list of ids", faults)
}

fn take<T: DeserializeOwned + Default>(
    body: &mut Map<String, Value>,
    key: &str,
    wrong: &str,
    faults: &mut Vec<Fault>,
) -> Option<T> {
    let value = body.remove(key)?;
    if value.is_null() {
        return Some(T::default());
    }
    let nul = has_nul(&value);
    match serde_json::from_value(value) {
        Ok(list) if !nul => Some(list),
        _ => {
            faults.push(Fault::at(key, wrong));
            None
        }
    }
}

/// The fields of a body whose other parts had `faults`.
pub(crate) fn sound(
    fields: Result<Map<String, Value>>,
    faults: Vec<Fault>,
) -> Result<Map<String, Value>> {
    match fields {
        Ok(fields) if faults.is_empty() => Ok(fields),
        Ok(_) => Err(Error::Unprocessable(faults)),
        Err(Error::Unprocessable(more)) => Err(Error::Unprocessable(
            more.into_iter().chain(faults).collect(),
        )),
        // A body that states nothing else states what is wrong.
        Err(_) if !faults.is_empty() => Err(Error::Unprocessable(faults)),
        Err(other) => Err(other),
    }
}

/// No rule besides the types.
#[expect(clippy::unnecessary_wraps, reason = "it has the type of a form's rule")]
pub(crate) fn as_it_is(_key: &str, value: Value) -> std::result::Result<Value, String> {
    Ok(value)
}

/// The values that do not fit the typed fields `F`.
pub(crate) fn type_faults<F: DeserializeOwned>(stated: &Map<String, Value>) -> Vec<Fault> {
    let fits = |fields: Map<String, Value>| serde_json::from_value::<F>(Value::Object(fields));
    let given = stated.iter().filter(|(_, value)| !value.is_null());
    let given: Map<String, Value> = given.map(|(k, v)| (k.clone(), v.clone())).collect();
    if fits(given.clone()).is_ok() {
        return Vec::new();
    }
    let each = given.into_iter().filter_map(|(key, value)| {
        let fault = fits(Map::from_iter([(key.clone(), value)])).err()?;
        Some(Fault::at(&key, fault.to_string()))
    });
    each.collect()
}

pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::records::field::field;

    #[derive(serde::Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Fields {
        name: String,
        size: Option<i64>,
    }

    const FORM: Form = Form {
        kind: "thing",
        fields: &[
            field().required().indexed().named::<String>("name", "", ""),
            field().editable().named::<Option<i64>>("size", "", ""),
        ],
        refused: &[("id", "is given by Codex")],
        rule: as_it_is,
    };

    fn faults(body: Value) -> Vec<String> {
        let Value::Object(body) = body else {
            panic!("an object")
        };
        match FORM.new_record::<Fields>(body) {
            Err(Error::Unprocessable(faults)) => {
                faults.iter().map(|fault| fault.pointer.clone()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_faults_are_reported_at_once() {
        assert_eq!(
            faults(json!({"id": 1, "size": "big", "a/b": 2})),
            ["/name", "/a~1b", "/id", "/size"]
        );
        assert_eq!(faults(json!({"name": " ", "size": null})), ["/name"]);
        assert_eq!(faults(json!({"name": "a\u{0}b"})), ["/name"]);
        assert_eq!(faults(json!({"name": "a".repeat(1_001)})), ["/name"]);
    }

    /// The limit holds for the folded text too, which can be longer.
    #[test]
    fn indexed_texts_are_cut_to_the_index_limit() {
        assert_eq!(indexable("short"), "short");
        assert_eq!(indexable(&"a".repeat(3_000)).len(), 1_000);
        for text in ["\u{1f980}", "\u{fdfa}", "ä", "x\u{308}"] {
            let long = text.repeat(2_000);
            let cut = indexable(&long);
            assert!((1..=1_000).contains(&cut.len()), "{text}");
            assert!(SearchKey::new(cut).as_str().len() <= 1_000, "{text}");
            assert!(IdentityKey::new(cut).as_str().len() <= 1_000, "{text}");
            assert_eq!(indexable(cut), cut);
        }
        assert!(fits(&"a".repeat(8_000), false).is_ok());
        assert!(fits(&"a".repeat(8_001), false).is_err());
        assert!(fits(&"a".repeat(1_001), true).is_err());
    }

    #[test]
    fn absent_keys_are_not_stated_and_empty_texts_are_null() {
        let body = Map::from_iter([("size".to_owned(), json!(" "))]);
        let stated = FORM.change::<Fields>(body).unwrap();
        assert_eq!(Value::Object(stated), json!({"size": null}));
        assert!(FORM.change::<Fields>(Map::new()).is_err());
    }

    #[test]
    fn body_with_faults_only_reports_the_faults() {
        let nothing = Err(Error::invalid("body", "states no field"));
        let faults = vec![Fault::at("asset_ids", "must be a list of ids")];
        let told = sound(nothing, faults).unwrap_err().to_string();
        assert!(told.contains("asset_ids"), "{told}");
    }
}
