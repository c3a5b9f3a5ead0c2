//! Options of features as JSON (contract 1.2.F).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{FeatureOption, FeatureOptionFields};
use crate::{
    Error, RecordKind, Result,
    records::{
        Intent, RecordBody,
        patch::{Form, as_it_is},
    },
};

/// Something that can be chosen for a kind of feature, under the keys of both versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeatureOptionOut {
    /// Free text.
    pub description: Option<String>,
    /// What it is called on pages.
    pub display_name: String,
    /// Kind of feature.
    #[schema(example = "antivirus")]
    pub feature_category: String,
    /// Kind of feature once more.
    pub feature_type: String,
    /// Id; it never changes.
    pub id: i64,
    /// What can be chosen.
    pub option_value: String,
}

impl From<&FeatureOption> for FeatureOptionOut {
    fn from(option: &FeatureOption) -> Self {
        let fields = &option.fields;
        Self {
            description: fields.description.clone(),
            display_name: display_name(fields),
            feature_category: fields.feature_category.clone(),
            feature_type: fields.feature_category.clone(),
            id: option.id.0,
            option_value: fields.option_value.clone(),
        }
    }
}

fn display_name(fields: &FeatureOptionFields) -> String {
    let name = fields.display_name.as_ref();
    name.unwrap_or(&fields.option_value).clone()
}

/// An option within its kind, as Ledger reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerOptionOut {
    /// Kind of feature.
    pub category: String,
    /// Free text.
    pub description: Option<String>,
    /// What it is called on pages.
    pub display_name: String,
    /// Id.
    pub id: i64,
    /// What can be chosen.
    pub value: String,
}

/// Options by kind of feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerOptionsOut {
    /// Kinds of feature, in order.
    pub categories: Vec<String>,
    /// Options by kind.
    pub features: BTreeMap<String, Vec<LedgerOptionOut>>,
    /// `success`.
    #[schema(example = "success")]
    pub status: String,
}

impl From<&[FeatureOption]> for LedgerOptionsOut {
    fn from(options: &[FeatureOption]) -> Self {
        let mut features: BTreeMap<String, Vec<LedgerOptionOut>> = BTreeMap::new();
        for option in options {
            let fields = &option.fields;
            let of_kind = features.entry(fields.feature_category.clone()).or_default();
            of_kind.push(LedgerOptionOut {
                category: fields.feature_category.clone(),
                description: fields.description.clone(),
                display_name: display_name(fields),
                id: option.id.0,
                value: fields.option_value.clone(),
            });
        }
        Self {
            categories: features.keys().cloned().collect(),
            features,
            status: "success".into(),
        }
    }
}

/// Kinds of feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerCategoriesOut {
    /// In order.
    pub categories: Vec<String>,
    /// How many.
    pub count: usize,
    /// `success`.
    #[schema(example = "success")]
    pub status: String,
}

impl From<&[FeatureOption]> for LedgerCategoriesOut {
    fn from(options: &[FeatureOption]) -> Self {
        let categories = LedgerOptionsOut::from(options).categories;
        Self {
            count: categories.len(),
            categories,
            status: "success".into(),
        }
    }
}

/// An option as it is sent; the keys of both versions are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeatureOptionIn {
    /// Kind of feature.
    #[serde(alias = "feature_type", alias = "category")]
    #[schema(example = "antivirus")]
    pub feature_category: String,
    /// What can be chosen.
    #[serde(alias = "value")]
    pub option_value: String,
    /// What it is called on pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl From<&FeatureOption> for FeatureOptionIn {
    fn from(option: &FeatureOption) -> Self {
        let fields = option.fields.clone();
        Self {
            feature_category: fields.feature_category,
            option_value: fields.option_value,
            display_name: fields.display_name,
            description: fields.description,
        }
    }
}

const FORM: Form = Form {
    kind: RecordKind::FeatureOption,
    fields: FeatureOptionFields::FIELDS,
    beside: &[],
    refused: &[],
    rule: as_it_is,
};

/// The fields of a body, whichever version's keys it has. An option that has only a display name is called
/// by it (contract 1.2.F).
///
/// # Errors
/// [`crate::Error::Unprocessable`] with every fault.
pub fn stated(mut body: Map<String, Value>) -> Result<Map<String, Value>> {
    for (other, key) in [
        ("feature_type", "feature_category"),
        ("category", "feature_category"),
        ("value", "option_value"),
    ] {
        if let Some(value) = body.remove(other) {
            body.entry(key).or_insert(value);
        }
    }
    if let Some(name) = body
        .get("display_name")
        .filter(|name| !name.is_null())
        .cloned()
    {
        body.entry("option_value").or_insert(name);
    }
    body.retain(|key, _| FORM.takes(key));
    FORM.new_record::<FeatureOptionFields>(body)
}

impl RecordBody for FeatureOptionIn {
    fn read(body: Map<String, Value>, _: Intent) -> Result<Self> {
        let option = serde_json::from_value(Value::Object(stated(body)?));
        option.map_err(|error| Error::invalid("body", error.to_string()))
    }
}

impl FeatureOptionIn {
    /// The option as a body.
    pub fn body(&self) -> Map<String, Value> {
        match json!(self) {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_and_current_bodies_are_equivalent() {
        let body = |value: Value| value.as_object().unwrap().clone();
        let old = stated(body(json!({"feature_type": "soc", "value": "Huntress"}))).unwrap();
        let new = stated(body(json!({"category": "soc", "display_name": "Huntress"}))).unwrap();
        assert_eq!(old["option_value"], new["option_value"]);
        assert_eq!(old["feature_category"], new["feature_category"]);
        let error = stated(body(json!({"feature_type": " "})))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("feature_category") && error.contains("option_value"),
            "{error}"
        );
    }
}
