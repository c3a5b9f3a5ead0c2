//! Overrides as JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Override;
use crate::{
    Error, Fault, Result,
    billing_plans::{PRICES, input::price},
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

/// The fields of an override of `key`, new or one that `is_there`. Prices are numbers from 0; everything else is a
/// text.
///
/// # Errors
/// [`Error::Unprocessable`] with every fault.
pub fn stated(key: &str, body: &Map<String, Value>, is_there: bool) -> Result<Map<String, Value>> {
    let mut faults = Vec::new();
    // What a plan calls its features is open.
    let sound = !key.trim().is_empty() && !key.chars().any(char::is_control);
    if !sound || key.chars().count() > LONGEST_KEY {
        faults.push(Fault::at("key", "must be of 1 to 100 characters"));
    }
    for unknown in body
        .keys()
        .filter(|key| !["value", "enabled"].contains(&key.as_str()))
    {
        faults.push(Fault::at(unknown, "an override has no such field to state"));
    }
    let value = match body.get("value") {
        None if is_there && body.contains_key("enabled") => Ok(None),
        None => Err("is required".to_owned()),
        Some(value) if PRICES.contains(&key) => price(value).map(|price| Some(price.to_string())),
        Some(Value::String(text)) if text.contains('\0') => Err(NUL.into()),
        Some(Value::String(text)) if !text.trim().is_empty() => {
            fits(text, false).map(|()| Some(text.trim().to_owned()))
        }
        Some(_) => Err("must be a text that is not empty".into()),
    };
    let enabled = match body.get("enabled") {
        None => Ok(None),
        Some(Value::Bool(enabled)) => Ok(Some(*enabled)),
        Some(_) => Err("must be true or false".to_owned()),
    };
    match (value, enabled) {
        (Ok(value), Ok(enabled)) if faults.is_empty() => {
            let mut fields = Map::from_iter([("key".to_owned(), key.into())]);
            fields.extend(value.map(|value| ("value".to_owned(), value.into())));
            fields.extend(enabled.map(|enabled| ("enabled".to_owned(), enabled.into())));
            Ok(fields)
        }
        (value, enabled) => {
            faults.extend(value.err().map(|fault| Fault::at("value", fault)));
            faults.extend(enabled.err().map(|fault| Fault::at("enabled", fault)));
            Err(Error::Unprocessable(faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(key: &str, body: &Value) -> std::result::Result<Value, String> {
        let fields = stated(key, body.as_object().unwrap(), false);
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
        let fields = stated("soc", body, true).unwrap();
        assert_eq!(
            Value::Object(fields),
            json!({"key": "soc", "enabled": false})
        );
        assert!(stated("soc", body, false).is_err());
        assert!(stated("soc", &Map::new(), true).is_err());
    }
}
