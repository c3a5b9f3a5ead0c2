//! Overrides as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Override;
use crate::{
    Error, Fault, Result,
    billing_plans::{PRICES, input::price},
    nearest::hint,
    records::patch::{NUL, fits},
};

/// A company's override for one value of its plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OverrideOut {
    /// Whether it is in force.
    pub enabled: bool,
    /// A price's key, `support_level`, or a kind of feature.
    #[schema(example = "per_user_cost")]
    pub key: String,
    /// A number for a price, else a text.
    pub value: OverrideValue,
}

/// A price or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(example = 14.5)]
pub enum OverrideValue {
    /// A price.
    Price(f64),
    /// A feature or the support level.
    Text(String),
}

impl From<&Override> for OverrideOut {
    fn from(row: &Override) -> Self {
        let text = || OverrideValue::Text(row.fields.value.clone());
        Self {
            enabled: row.enabled(),
            key: row.fields.key.clone(),
            value: row
                .price()
                .map_or_else(text, |price| OverrideValue::Price(price.into())),
        }
    }
}

/// An override as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OverrideIn {
    /// A number for a price, else a text; a new one needs it, absent leaves it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub value: Option<OverrideValue>,
    /// Whether it is in force; absent leaves it as it is, and a new one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// The longest key of an override (contract 2.4).
const LONGEST_KEY: usize = 100;
/// What can be stated of an override.
const KEYS: [&str; 2] = ["value", "enabled"];

/// The key of a body that holds all overrides of a company.
const ALL: &str = "feature_overrides";

impl OverrideIn {
    /// Reads the body for an override of `key`, new or one that `is_there`. Prices are numbers from 0; everything else
    /// is a text.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault.
    pub fn read(key: &str, body: &Map<String, Value>, is_there: bool) -> Result<Self> {
        let mut faults = Vec::new();
        // What a plan calls its features is open.
        let sound = !key.trim().is_empty() && !key.chars().any(char::is_control);
        if !sound || key.chars().count() > LONGEST_KEY {
            faults.push(Fault::at("key", "must be of 1 to 100 characters"));
        }
        for unknown in body.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            let hint = hint(unknown, KEYS);
            let message = format!("an override has no such field to state{hint}");
            faults.push(Fault::at(unknown, message));
        }
        let value = match body.get("value") {
            None if is_there && body.contains_key("enabled") => Ok(None),
            None => Err("is required".to_owned()),
            Some(value) => OverrideValue::read(key, value).map(Some),
        };
        let enabled = match body.get("enabled") {
            None => Ok(None),
            Some(Value::Bool(enabled)) => Ok(Some(*enabled)),
            Some(_) => Err("must be `true` or `false`".to_owned()),
        };
        match (value, enabled) {
            (Ok(value), Ok(enabled)) if faults.is_empty() => Ok(Self { value, enabled }),
            (value, enabled) => {
                faults.extend(value.err().map(|fault| Fault::at("value", fault)));
                faults.extend(enabled.err().map(|fault| Fault::at("enabled", fault)));
                Err(Error::Unprocessable(faults))
            }
        }
    }

    /// The fields that it states, checked like a body that was sent.
    #[cfg(feature = "sync")]
    pub(crate) fn stated(&self, key: &str, is_there: bool) -> Result<Map<String, Value>> {
        let mut body = Map::new();
        let value = self.value.as_ref().map(OverrideValue::json);
        body.extend(value.map(|value| ("value".to_owned(), value)));
        body.extend(
            self.enabled
                .map(|enabled| ("enabled".to_owned(), enabled.into())),
        );
        let Self { value, enabled } = Self::read(key, &body, is_there)?;
        let value = value.map(|value| match value {
            // Stored as decimal text.
            OverrideValue::Price(price) => Value::from(price).to_string(),
            OverrideValue::Text(text) => text,
        });
        let mut fields = Map::from_iter([("key".to_owned(), key.into())]);
        fields.extend(value.map(|value| ("value".to_owned(), value.into())));
        fields.extend(enabled.map(|enabled| ("enabled".to_owned(), enabled.into())));
        Ok(fields)
    }
}

impl OverrideValue {
    fn read(key: &str, value: &Value) -> std::result::Result<Self, String> {
        match value {
            value if PRICES.contains(&key) => {
                let price = price(key, value)?.as_f64();
                price
                    .map(Self::Price)
                    .ok_or_else(|| "must be a number".to_owned())
            }
            Value::String(text) if text.contains('\0') => Err(NUL.into()),
            Value::String(text) if !text.trim().is_empty() => {
                fits(text, false).map(|()| Self::Text(text.trim().to_owned()))
            }
            _ => Err("must be a text that is not empty".into()),
        }
    }

    #[cfg(feature = "sync")]
    fn json(&self) -> Value {
        match self {
            Self::Price(price) => (*price).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

/// Reads all overrides of a company, by key. An empty value is none.
///
/// # Errors
/// [`Error::Unprocessable`] with every fault.
pub fn read_all(sent: Value) -> Result<BTreeMap<String, OverrideValue>> {
    let Value::Object(sent) = sent else {
        let fault = Fault::at(ALL, "must be an object");
        return Err(Error::Unprocessable(vec![fault]));
    };
    let stated = sent.into_iter().filter(|(_, value)| {
        let empty = value.as_str().is_some_and(|text| text.trim().is_empty());
        !value.is_null() && !empty
    });
    let read = each(stated, |key, value| {
        OverrideIn::read(key, &Map::from_iter([("value".to_owned(), value)]), false)
    });
    let values = read?.into_iter();
    Ok(values
        .filter_map(|(key, sent)| Some((key, sent.value?)))
        .collect())
}

/// The fields that all overrides of a company state, by key, checked like a body that was sent.
#[cfg(feature = "sync")]
pub(crate) fn all_stated(
    overrides: &BTreeMap<String, OverrideValue>,
) -> Result<BTreeMap<String, Map<String, Value>>> {
    let stated = overrides.iter().map(|(key, value)| {
        let sent = OverrideIn {
            value: Some(value.clone()),
            enabled: None,
        };
        (key.clone(), sent)
    });
    each(stated, |key, sent| sent.stated(key, false))
}

/// What `read` makes of each override; a fault of one is reported at its key.
fn each<V, T>(
    overrides: impl Iterator<Item = (String, V)>,
    read: impl Fn(&str, V) -> Result<T>,
) -> Result<BTreeMap<String, T>> {
    let (mut all, mut faults) = (BTreeMap::new(), Vec::new());
    for (key, value) in overrides {
        match read(&key, value) {
            Ok(one) => drop(all.insert(key, one)),
            Err(Error::Unprocessable(own)) => {
                let place = Fault::at(ALL, "").pointer;
                let here = |fault: Fault| Fault::at(&key, fault.detail).within(&place);
                faults.extend(own.into_iter().map(here));
            }
            Err(other) => return Err(other),
        }
    }
    if faults.is_empty() {
        Ok(all)
    } else {
        Err(Error::Unprocessable(faults))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(key: &str, body: &Value) -> std::result::Result<Value, String> {
        let sent = OverrideIn::read(key, body.as_object().unwrap(), false);
        let fields = sent.and_then(|sent| sent.stated(key, false));
        fields.map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn prices_are_numbers_and_other_overrides_texts() {
        let fields = sent("per_user_cost", &json!({"value": 12.5, "enabled": false})).unwrap();
        assert_eq!(
            fields,
            json!({"key": "per_user_cost", "value": "12.5", "enabled": false})
        );
        let fields = sent("Dark Web", &json!({"value": "Huntress"})).unwrap();
        assert_eq!(fields, json!({"key": "Dark Web", "value": "Huntress"}));
        for (key, body) in [
            ("per_user_cost", json!({"value": -1})),
            ("per_user_cost", json!({"value": "x"})),
            ("soc", json!({"value": 1})),
            ("soc", json!({"value": " "})),
            ("soc", json!({})),
            (" ", json!({"value": "x"})),
            ("a\nb", json!({"value": "x"})),
            ("soc", json!({"value": "x", "enabled": 1})),
            ("soc", json!({"value": "x", "colour": 1})),
        ] {
            assert!(sent(key, &body).is_err(), "{key} {body}");
        }
    }

    #[test]
    fn existing_override_is_disabled_without_its_value() {
        let off = json!({"enabled": false});
        let body = off.as_object().unwrap();
        let sent = OverrideIn::read("soc", body, true).unwrap();
        let fields = sent.stated("soc", true).unwrap();
        assert_eq!(
            Value::Object(fields),
            json!({"key": "soc", "enabled": false})
        );
        assert!(sent.stated("soc", false).is_err(), "it has ended meanwhile");
        assert!(OverrideIn::read("soc", body, false).is_err());
        assert!(OverrideIn::read("soc", &Map::new(), true).is_err());
    }

    #[test]
    fn faults_of_all_overrides_are_reported_at_their_keys() {
        let sent =
            json!({"per_user_cost": "x", "soc": 1, "edr": "Huntress", "sat": " ", "a/b": true});
        let Err(Error::Unprocessable(faults)) = read_all(sent) else {
            panic!("refused")
        };
        let at: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let wanted = ["a~1b", "per_user_cost", "soc"];
        assert_eq!(at, wanted.map(|key| format!("/feature_overrides/{key}")));
        let sound = read_all(json!({"per_user_cost": "9.5", "soc": null})).unwrap();
        let stated = all_stated(&sound).unwrap();
        assert_eq!(stated["per_user_cost"]["value"], "9.5");
        assert_eq!(stated.len(), 1);
    }
}
