//! Views as JSON.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use super::ViewIn;
use super::{DEFAULT_ROLES, View, ViewAudience, ViewFields};
use crate::{
    RecordKind, Result,
    list::ListedResource,
    records::{Intent, RecordBody, patch::Form},
};

/// The longest name, in characters.
const LONGEST_NAME: usize = 60;
/// The longest query, in bytes. Proxies take request lines of 4,094 bytes (gunicorn's `limit_request_line`).
const LONGEST_QUERY: usize = 2_000;

/// A query of a list under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViewOut {
    /// Who sees it.
    pub audience: ViewAudience,
    /// When it was created.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub created_at: DateTime<Utc>,
    /// Id; it never changes.
    pub id: i64,
    /// Name.
    #[schema(example = "Servers that are offline")]
    pub name: String,
    /// Who has created it: a user's Keycloak id, or `service:<name>`.
    pub owner: String,
    /// Query of the list; empty for the whole list.
    pub query: String,
    /// The list.
    #[schema(example = "assets")]
    pub resource: String,
    /// The role whose default it is; null for other views.
    pub role: Option<String>,
    /// When it last changed.
    #[serde(serialize_with = "crate::times::rfc3339")]
    pub updated_at: DateTime<Utc>,
}

impl ViewOut {
    /// The wire form.
    pub fn new(view: &View) -> Self {
        let fields = &view.fields;
        Self {
            audience: fields.audience(),
            created_at: view.created_at,
            id: view.id.0,
            name: fields.name.clone(),
            owner: fields.owner.clone(),
            query: fields.query.clone(),
            resource: fields.resource.clone(),
            role: fields.role.clone(),
            updated_at: view.updated_at,
        }
    }
}

const FORM: Form = Form {
    kind: RecordKind::View,
    fields: ViewFields::FIELDS,
    beside: &[],
    refused: &[
        ("id", "is given by Codex"),
        ("owner", "is whoever creates the view"),
    ],
    rule,
};

impl RecordBody for ViewIn {
    fn read(body: Map<String, Value>, intent: Intent) -> Result<Self> {
        FORM.body(body, intent)
    }
}

fn rule(key: &str, value: Value) -> std::result::Result<Value, String> {
    let Value::String(text) = &value else {
        return Ok(value);
    };
    let text = text.trim();
    match key {
        "name" if text.chars().count() > LONGEST_NAME => {
            return Err(format!("is longer than {LONGEST_NAME} characters"));
        }
        "resource" => text.parse::<ListedResource>().map(|_| ())?,
        "audience" => text.parse::<ViewAudience>().map(|_| ())?,
        "role" if !DEFAULT_ROLES.contains(&text) => {
            return Err(format!("must be one of {}", DEFAULT_ROLES.join(", ")));
        }
        "query" if text.len() > LONGEST_QUERY => {
            return Err(format!("is longer than {LONGEST_QUERY} bytes"));
        }
        "query" => return Ok(text.trim_start_matches('?').into()),
        _ => {}
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Error;

    fn read(body: &Value) -> Result<ViewIn> {
        ViewIn::read(body.as_object().unwrap().clone(), Intent::Create)
    }

    #[test]
    fn names_are_trimmed_and_queries_lose_their_question_mark() {
        let sent =
            json!({"name": " Servers ", "resource": "assets", "query": "?q=a", "role": null});
        let read = read(&sent).unwrap().stated().unwrap();
        let wanted = json!({"name": "Servers", "resource": "assets", "query": "q=a", "role": null});
        assert_eq!(Value::Object(read), wanted);
    }

    #[test]
    fn faults_of_a_view_are_reported_together() {
        let long = "x".repeat(LONGEST_QUERY + 1);
        let sent = json!({"name": "x".repeat(61), "resource": "planets", "audience": "all", "role": "client",
            "query": long, "owner": "me"});
        let Err(Error::Unprocessable(faults)) = read(&sent) else {
            panic!("faults are refused");
        };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        let wanted = [
            "/audience",
            "/name",
            "/owner",
            "/query",
            "/resource",
            "/role",
        ];
        assert_eq!(pointers, wanted);
        assert!(read(&json!({"name": "a"})).is_err());
    }
}
