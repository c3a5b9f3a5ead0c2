//! Request bodies of people, checked as a whole: all faults are reported at once, each with its place.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    Error, Fault, RecordKind, Result,
    fold::{IdentityKey, SearchKey},
    nearest::hint,
    records::FieldDef,
};

/// What a body states of one field.
///
/// `into` turns a value or an `Option` into a patch; `None` is null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: the field stays as it is, and the key is not sent.
    #[default]
    Absent,
    /// The field is blanked.
    Null,
    /// The field gets this value.
    Value(T),
}

impl<T> Patch<T> {
    /// Whether nothing is stated.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The value, if one is stated.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

impl From<&str> for Patch<String> {
    fn from(text: &str) -> Self {
        Self::Value(text.to_owned())
    }
}

// A struct leaves absent keys out: `skip_serializing_if`.
impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

// A struct takes an absent key from its default.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Option::<T>::deserialize(deserializer).map(Self::from)
    }
}

/// What a body is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// A new record: what it needs must be there.
    Create,
    /// A change of a record: something must be stated.
    Update,
}

/// The body that callers send for a kind of record; `record!` makes the struct.
pub trait RecordBody: Serialize + DeserializeOwned {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Invalid`] when a change states nothing.
    fn read(body: Map<String, Value>, intent: Intent) -> Result<Self>;

    /// The keys that it states, with their values.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is no object.
    fn stated(&self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self) {
            Ok(Value::Object(stated)) => Ok(stated),
            Ok(_) => Err(Error::invalid("body", "must be an object")),
            Err(error) => Err(Error::invalid("body", error.to_string())),
        }
    }

    /// The keys that it states, checked like a body that was sent, because a program that embeds the library may state
    /// anything.
    ///
    /// # Errors
    /// As [`RecordBody::read`].
    fn checked(&self, intent: Intent) -> Result<Map<String, Value>> {
        Self::read(self.stated()?, intent)?.stated()
    }
}

/// The longest text, in bytes.
pub(crate) const LONGEST: usize = 8_000;
/// The longest text that an index holds, in bytes, folded or not. `PostgreSQL` refuses index rows above 2,704 bytes,
/// and some index rows hold two texts.
const LONGEST_INDEXED: usize = 1_000;

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

/// The message for a text with the character NUL, which `PostgreSQL` cannot store.
pub(crate) const NUL: &str = "must not hold the character NUL";

/// A check of the value of a key besides its type; it may rewrite the value.
type Check = fn(Value) -> std::result::Result<Value, String>;

/// What may be stated about a kind of record.
pub(crate) struct Form {
    /// The kind, for messages.
    pub kind: RecordKind,
    /// Its fields: those that are editable can be stated.
    pub fields: &'static [FieldDef],
    /// Keys that are no tracked fields.
    pub beside: &'static [(&'static str, Check)],
    /// Keys that are refused, and why.
    pub refused: &'static [(&'static str, &'static str)],
    /// Checks one value besides its type; may rewrite it.
    pub rule: fn(&str, Value) -> std::result::Result<Value, String>,
}

impl Form {
    /// Whether a key can be stated.
    pub fn takes(&self, key: &str) -> bool {
        self.fields
            .iter()
            .any(|field| field.editable && field.name == key)
    }

    /// What can be stated.
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        let editable = self.fields.iter().filter(|field| field.editable);
        let beside = self.beside.iter().map(|(name, _)| *name);
        editable.map(|field| field.name).chain(beside)
    }

    /// The stated fields of a change. Absent keys state nothing; null and empty text blank the field.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault.
    pub fn change<F: DeserializeOwned>(
        &self,
        body: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.change_beside::<F>(body, false)
    }

    /// As [`Form::change`]; the caller says whether other parts of the body state something.
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

    /// The stated fields of a new record: as [`Form::change`], and required fields must be there.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault.
    pub fn new_record<F: DeserializeOwned>(
        &self,
        body: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.read::<F>(body, true)
    }

    /// A body as its struct, which has every key that can be stated.
    ///
    /// # Errors
    /// As [`Form::change`] or [`Form::new_record`].
    pub fn body<B: DeserializeOwned>(&self, body: Map<String, Value>, intent: Intent) -> Result<B> {
        let stated = match intent {
            Intent::Create => self.new_record::<B>(body)?,
            Intent::Update => self.change::<B>(body)?,
        };
        let body = serde_json::from_value(Value::Object(stated));
        body.map_err(|error| Error::invalid("body", error.to_string()))
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
        let (mut stated, mut faults_beside) = (Map::new(), Vec::new());
        for (key, value) in body {
            let beside = self.beside.iter().find(|(name, _)| *name == key);
            let (checked, faults) = match beside {
                Some((_, check)) => (check(value), &mut faults_beside),
                None => (self.field(&key, value), &mut faults),
            };
            match checked {
                Ok(value) => {
                    stated.insert(key, value);
                }
                Err(message) => faults.push(Fault::at(&key, message)),
            }
        }
        faults.extend(type_faults::<F>(&stated));
        faults.append(&mut faults_beside);
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
            let hint = hint(key, self.keys());
            let kind = self.kind.with_article();
            return Err(format!("{kind} has no such field to state{hint}"));
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

/// A list of texts; null is an empty one.
pub(crate) fn texts(value: Value) -> std::result::Result<Value, String> {
    list::<String>(value, "must be a list of texts")
}

/// A list of ids; null is an empty one.
pub(crate) fn ids(value: Value) -> std::result::Result<Value, String> {
    list::<i64>(value, "must be a list of ids")
}

fn list<T: DeserializeOwned>(value: Value, wrong: &str) -> std::result::Result<Value, String> {
    if value.is_null() {
        Ok(Value::Array(Vec::new()))
    } else if !has_nul(&value) && Vec::<T>::deserialize(&value).is_ok() {
        Ok(value)
    } else {
        Err(wrong.to_owned())
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
        // The faults are reported, not that nothing else is stated.
        Err(_) if !faults.is_empty() => Err(Error::Unprocessable(faults)),
        Err(other) => Err(other),
    }
}

/// Two parts of a body, or every fault of both.
pub(crate) fn both<A, B>(first: Result<A>, second: Result<B>) -> Result<(A, B)> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(Error::Unprocessable(mut faults)), Err(Error::Unprocessable(more))) => {
            faults.extend(more);
            Err(Error::Unprocessable(faults))
        }
        // Faults are reported rather than that a part states nothing.
        (Err(Error::Unprocessable(faults)), _) | (_, Err(Error::Unprocessable(faults))) => {
            Err(Error::Unprocessable(faults))
        }
        (Err(other), _) | (_, Err(other)) => Err(other),
    }
}

/// The items of a list in a body, or every fault of all of them, each with its place.
pub(crate) fn all<T>(list: &str, items: impl Iterator<Item = Result<T>>) -> Result<Vec<T>> {
    let (mut sound, mut faults) = (Vec::new(), Vec::new());
    for (at, item) in items.enumerate() {
        let place = format!("/{list}/{at}");
        match item {
            Ok(item) => sound.push(item),
            Err(Error::Unprocessable(own)) => {
                faults.extend(own.into_iter().map(|fault| fault.within(&place)));
            }
            Err(other) => faults.push(Fault::of_all(other.to_string()).within(&place)),
        }
    }
    if faults.is_empty() {
        Ok(sound)
    } else {
        Err(Error::Unprocessable(faults))
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

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Fields {
        name: String,
        size: Option<i64>,
    }

    const FORM: Form = Form {
        kind: RecordKind::Asset,
        fields: &[
            field().required().indexed().named::<String>("name", "", ""),
            field().editable().named::<Option<i64>>("size", "", ""),
        ],
        beside: &[("parts", ids)],
        refused: &[("id", "is given by Codex")],
        rule: as_it_is,
    };

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Thing {
        #[serde(skip_serializing_if = "Patch::is_absent")]
        name: Patch<String>,
        #[serde(skip_serializing_if = "Patch::is_absent")]
        size: Patch<i64>,
        #[serde(skip_serializing_if = "Patch::is_absent")]
        parts: Patch<Vec<i64>>,
    }

    impl RecordBody for Thing {
        fn read(body: Map<String, Value>, intent: Intent) -> Result<Self> {
            FORM.body(body, intent)
        }
    }

    #[test]
    fn absent_null_and_value_survive_json() {
        let text = r#"{"name":"a","size":null}"#;
        let thing: Thing = serde_json::from_str(text).unwrap();
        let wanted = Thing {
            name: "a".into(),
            size: Patch::Null,
            ..Thing::default()
        };
        assert_eq!(thing, wanted);
        assert_eq!(serde_json::to_string(&thing).unwrap(), text);
        assert_eq!(
            Thing::read(thing.stated().unwrap(), Intent::Update).unwrap(),
            wanted
        );
    }

    #[test]
    fn keys_beside_the_fields_are_checked_after_them() {
        let body = json!({"parts": ["x"], "size": "big"});
        let read = Thing::read(body.as_object().unwrap().clone(), Intent::Create);
        let Err(Error::Unprocessable(faults)) = read else {
            panic!("{read:?}")
        };
        let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/size", "/parts"]);
        let body = Map::from_iter([("parts".to_owned(), Value::Null)]);
        let thing = Thing::read(body, Intent::Update).unwrap();
        assert_eq!(thing.parts, Patch::Value(Vec::new()));
    }

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

    #[test]
    fn unknown_keys_suggest_the_nearest() {
        let body = Map::from_iter([("siez".to_owned(), json!(1))]);
        let Err(Error::Unprocessable(faults)) = FORM.change::<Fields>(body) else {
            panic!("`siez` is no field")
        };
        let message = "an asset has no such field to state; did you mean `size`?";
        assert_eq!(faults, [Fault::at("siez", message)]);
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
        let reported = sound(nothing, faults).unwrap_err().to_string();
        assert!(reported.contains("asset_ids"), "{reported}");
    }
}
