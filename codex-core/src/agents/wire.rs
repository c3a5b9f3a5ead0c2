//! Agents and their settings as JSON (contract 1.2.G).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

pub use super::AgentIn;
use super::{Agent, AgentFields, COLOR_THEMES, HOME_PAGES, THEMES, VIEWS};
use crate::{
    Error, RecordKind, Result, email,
    records::{Intent, RecordBody, patch::Form},
};

// Contract 1.2.G.
/// Somebody who logs in. Its keys are fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentOut {
    /// When the agent was first seen, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub created_at: DateTime<Utc>,
    /// E-mail address; empty when Keycloak has none.
    pub email: String,
    /// Whether the user may log in; false for one that was removed in Keycloak.
    pub enabled: bool,
    /// Given name; empty when Keycloak has none.
    pub first_name: String,
    /// Page to begin with.
    #[schema(example = "beacon")]
    pub home_page_preference: String,
    /// Keycloak's user id.
    pub keycloak_id: String,
    /// KnowledgeTree's view.
    #[schema(example = "grid")]
    pub knowledgetree_view_preference: String,
    /// Family name; empty when Keycloak has none.
    pub last_name: String,
    /// When Keycloak was last read to its end, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub last_synced_at: DateTime<Utc>,
    /// Colour theme.
    #[schema(example = "purple")]
    pub preferred_color_theme: String,
    /// `light` or `dark`.
    #[schema(example = "light")]
    pub theme_preference: String,
    /// When something about the agent last changed, RFC 3339 in UTC.
    #[serde(serialize_with = "crate::times::rfc3339_micros")]
    pub updated_at: DateTime<Utc>,
    /// Login name.
    pub username: String,
}

/// The companies that are opened to somebody who logs in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentCompanies {
    /// Account numbers, by the companies' names. What a client user sees; with none it is what the only contact
    /// with the user's e-mail address is at.
    #[schema(example = json!(["100001"]))]
    pub company_account_numbers: Vec<String>,
}

/// `GET /api/agents`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentsOut {
    /// All agents, by login name.
    pub agents: Vec<AgentOut>,
    /// How many.
    pub total: usize,
}

/// The settings of an agent were changed by an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentSettingsChanged {
    /// The agent as it is now.
    pub agent: AgentOut,
    /// For people.
    pub message: String,
    /// Always true.
    pub success: bool,
}

/// `POST /api/agents/sync`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentsSynced {
    /// Agents created.
    pub created: u64,
    /// What a person should look at; absent when there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Always true.
    pub success: bool,
    /// Agents that are now as Keycloak has them.
    pub synced: u64,
    /// Users that Keycloak listed.
    pub total_keycloak_users: u64,
    /// Agents changed, disabled ones among them.
    pub updated: u64,
}

/// One's own settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MySettingsOut {
    /// E-mail address; absent for an unknown user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What is preferred, or the defaults.
    #[serde(flatten)]
    pub settings: SettingsOut,
    /// Whether Codex knows the person; otherwise the settings are the defaults.
    pub synced: bool,
    /// Login name; absent for an unknown user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// One's own settings were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MySettingsChanged {
    /// For people.
    pub message: String,
    /// All settings as they are now.
    #[serde(flatten)]
    pub settings: SettingsOut,
    /// Always true.
    pub success: bool,
}

/// What somebody prefers; what was never chosen has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsOut {
    /// Page to begin with.
    #[schema(example = "beacon")]
    pub home_page_preference: String,
    /// KnowledgeTree's view.
    #[schema(example = "grid")]
    pub knowledgetree_view_preference: String,
    /// Colour theme.
    #[schema(example = "purple")]
    pub preferred_color_theme: String,
    /// `light` or `dark`.
    #[schema(example = "light")]
    pub theme_preference: String,
}

/// `GET /api/public/user/theme`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ThemeOut {
    /// Colour theme.
    #[schema(example = "purple")]
    pub color_theme: String,
    /// E-mail address; absent for an unknown user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `codex`, or `default` for an unknown user.
    #[schema(example = "codex")]
    pub source: String,
    /// `light` or `dark`.
    #[schema(example = "light")]
    pub theme: String,
}

/// `GET /api/public/user/home-page`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HomePageOut {
    /// E-mail address; absent for an unknown user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Page to begin with.
    #[schema(example = "beacon")]
    pub home_page: String,
    /// `codex`, or `default` for an unknown user.
    #[schema(example = "codex")]
    pub source: String,
}

/// What to prefer from now on; absent keys stay as they are, unknown ones are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsIn {
    /// `beacon`, `knowledgetree`, `brainhair`, `codex`, `ledger`, `archive`, `helm`; one's own only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home_page_preference: Option<String>,
    /// `grid`, `tree`, `hierarchy`, `list`; one's own only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledgetree_view_preference: Option<String>,
    /// `purple`, `blue`, `green`, `orange`, `gold`, `red`, `yellow`, `matrix`, `bee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred_color_theme: Option<String>,
    /// `light`, `dark`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme_preference: Option<String>,
}

impl AgentOut {
    /// The wire form; `last_synced` is when Keycloak was last read to its end.
    pub fn new(agent: &Agent, last_synced: Option<DateTime<Utc>>) -> Self {
        let fields = &agent.fields;
        let settings = SettingsOut::from(fields);
        // An agent of a run that did not reach its end is younger than the last one that did.
        let synced = last_synced
            .unwrap_or(agent.created_at)
            .max(agent.created_at);
        Self {
            created_at: agent.created_at,
            // Texts in the contract; a consumer that folds them would fail on null.
            email: fields.email.clone().unwrap_or_default(),
            enabled: fields.enabled.unwrap_or(true),
            first_name: fields.first_name.clone().unwrap_or_default(),
            home_page_preference: settings.home_page_preference,
            keycloak_id: fields.keycloak_id.clone(),
            knowledgetree_view_preference: settings.knowledgetree_view_preference,
            last_name: fields.last_name.clone().unwrap_or_default(),
            last_synced_at: synced,
            preferred_color_theme: settings.preferred_color_theme,
            theme_preference: settings.theme_preference,
            updated_at: agent.updated_at,
            username: fields.username.clone(),
        }
    }
}

impl From<&AgentFields> for SettingsOut {
    fn from(fields: &AgentFields) -> Self {
        let chosen = |value: &Option<String>, known: &[&str]| {
            let default = known.first().copied().unwrap_or_default();
            value.as_deref().unwrap_or(default).to_owned()
        };
        Self {
            home_page_preference: chosen(&fields.home_page_preference, &HOME_PAGES),
            knowledgetree_view_preference: chosen(&fields.knowledgetree_view_preference, &VIEWS),
            preferred_color_theme: chosen(&fields.preferred_color_theme, &COLOR_THEMES),
            theme_preference: chosen(&fields.theme_preference, &THEMES),
        }
    }
}

impl From<Option<&Agent>> for MySettingsOut {
    fn from(agent: Option<&Agent>) -> Self {
        let fields = agent.map(|agent| &agent.fields);
        let nobody = AgentFields::default();
        Self {
            email: fields.map(|fields| fields.email.clone().unwrap_or_default()),
            settings: fields.unwrap_or(&nobody).into(),
            synced: agent.is_some(),
            username: fields.map(|fields| fields.username.clone()),
        }
    }
}

/// Where a public answer has its values from.
fn source(agent: Option<&Agent>) -> String {
    agent.map_or("default", |_| "codex").to_owned()
}

impl From<Option<&Agent>> for ThemeOut {
    fn from(agent: Option<&Agent>) -> Self {
        let mine = MySettingsOut::from(agent);
        Self {
            color_theme: mine.settings.preferred_color_theme,
            email: mine.email,
            source: source(agent),
            theme: mine.settings.theme_preference,
        }
    }
}

impl From<Option<&Agent>> for HomePageOut {
    fn from(agent: Option<&Agent>) -> Self {
        let mine = MySettingsOut::from(agent);
        Self {
            email: mine.email,
            home_page: mine.settings.home_page_preference,
            source: source(agent),
        }
    }
}

/// Who may set what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsOwner {
    /// One's own settings: all of them.
    Own,
    /// An administrator sets themes, neither view nor home page (contract 1.2.G).
    Others,
}

impl SettingsIn {
    /// Reads a body. Unknown keys are ignored.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a key whose value is none of those known, or `body` when it states nothing.
    pub fn read(body: &Map<String, Value>, whose: SettingsOwner) -> Result<Self> {
        if body.is_empty() {
            return Err(Error::invalid("body", "states no setting"));
        }
        let chosen = serde_json::from_value(Value::Object(chosen(body, whose)?));
        chosen.map_err(|error| Error::invalid("body", error.to_string()))
    }

    /// The fields that it states, checked like a body that was sent.
    #[cfg(feature = "sync")]
    pub(crate) fn stated(&self, whose: SettingsOwner) -> Result<Map<String, Value>> {
        match serde_json::to_value(self) {
            Ok(Value::Object(body)) => chosen(&body, whose),
            _ => Err(Error::invalid("body", "must be an object")),
        }
    }
}

/// The settings of a body that `whose` may set.
fn chosen(body: &Map<String, Value>, whose: SettingsOwner) -> Result<Map<String, Value>> {
    let themes: [(&'static str, &[&str]); 2] = [
        ("theme_preference", &THEMES),
        ("preferred_color_theme", &COLOR_THEMES),
    ];
    let pages: [(&'static str, &[&str]); 2] = [
        ("knowledgetree_view_preference", &VIEWS),
        ("home_page_preference", &HOME_PAGES),
    ];
    let own = pages.into_iter().filter(|_| whose == SettingsOwner::Own);
    let mut chosen = Map::new();
    for (key, known) in themes.into_iter().chain(own) {
        let Some(value) = body.get(key) else { continue };
        if !value.as_str().is_some_and(|text| known.contains(&text)) {
            return Err(Error::invalid(
                key,
                format!("must be one of {}", known.join(", ")),
            ));
        }
        chosen.insert(key.to_owned(), value.clone());
    }
    Ok(chosen)
}

/// An agent was created or updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentSaved {
    /// The agent as it is now.
    pub agent: AgentOut,
    /// Always true.
    pub success: bool,
    /// Whether Keycloak was asked and knows the user; false when it could not be reached.
    pub verified: bool,
}

/// The key of the id.
const ID: &str = "keycloak_id";

const NEW: Form = Form {
    kind: RecordKind::Agent,
    fields: AgentFields::FIELDS,
    beside: &[],
    refused: &[],
    rule,
};

const CHANGE: Form = Form {
    refused: &REFUSED,
    ..NEW
};

const REFUSED: [(&str, &str); 5] = [
    (ID, "never changes: it says who the agent is"),
    ("enabled", "is Keycloak's to say"),
    ("created_at", "is Codex's to say"),
    ("last_synced_at", "is Codex's to say"),
    ("updated_at", "is Codex's to say"),
];

fn rule(key: &str, value: Value) -> std::result::Result<Value, String> {
    let known: &[&str] = match key {
        "theme_preference" => &THEMES,
        "preferred_color_theme" => &COLOR_THEMES,
        "knowledgetree_view_preference" => &VIEWS,
        "home_page_preference" => &HOME_PAGES,
        "email" => return email::check(value),
        _ => return Ok(value),
    };
    if value.is_null() || value.as_str().is_some_and(|text| known.contains(&text)) {
        Ok(value)
    } else {
        Err(format!("must be one of {}", known.join(", ")))
    }
}

impl RecordBody for AgentIn {
    fn read(mut body: Map<String, Value>, intent: Intent) -> Result<Self> {
        if intent == Intent::Create {
            return NEW.body(body, intent);
        }
        // Whether an id is the agent's own is judged where the agent is known; see `AgentIn::read_change`.
        let id = body.get(ID).and_then(Value::as_str).map(str::to_owned);
        if id.is_some() {
            body.remove(ID);
        }
        change(body, id)
    }
}

impl AgentIn {
    /// Reads the body of a change of an agent. What people do not state of agents may be sent as it is `now`; then the
    /// change states the agent's own id.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Invalid`] when the body states nothing.
    pub fn read_change(mut body: Map<String, Value>, now: &AgentOut) -> Result<Self> {
        let as_it_is = json!(now);
        let sent = body.len();
        body.retain(|key, value| {
            !REFUSED
                .iter()
                .any(|(name, _)| key == name && *value == as_it_is[key])
        });
        let states_more = body.len() < sent;
        change(body, states_more.then(|| now.keycloak_id.clone()))
    }
}

/// A change beside which the agent's id was sent, or not.
fn change(body: Map<String, Value>, id: Option<String>) -> Result<AgentIn> {
    let mut agent = if id.is_some() && body.is_empty() {
        AgentIn::default()
    } else {
        CHANGE.body(body, Intent::Update)?
    };
    if let Some(id) = id {
        agent.keycloak_id = id.into();
    }
    Ok(agent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AgentId;

    fn agent(fields: AgentFields) -> Agent {
        Agent {
            id: AgentId(3),
            fields,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
        }
    }

    fn text<T: Serialize>(value: &T) -> String {
        serde_json::to_string(value).unwrap()
    }

    fn body(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn empty_agent_has_contract_keys_and_neutral_values() {
        let at = r#""1970-01-01T00:00:00.000000+00:00""#;
        assert_eq!(
            text(&AgentOut::new(&agent(AgentFields::default()), None)),
            format!(r#"{{"created_at":{at},"email":"","enabled":true,"first_name":"","#)
                + r#""home_page_preference":"beacon","keycloak_id":"","#
                + r#""knowledgetree_view_preference":"grid","last_name":"","#
                + &format!(r#""last_synced_at":{at},"preferred_color_theme":"purple","#)
                + &format!(r#""theme_preference":"light","updated_at":{at},"username":""}}"#)
        );
    }

    #[test]
    fn settings_of_an_unknown_user_are_the_defaults() {
        assert_eq!(
            text(&MySettingsOut::from(None)),
            r#"{"home_page_preference":"beacon","knowledgetree_view_preference":"grid","#
                .to_owned()
                + r#""preferred_color_theme":"purple","theme_preference":"light","synced":false}"#
        );
        let known = agent(AgentFields {
            username: "grace".into(),
            theme_preference: Some("dark".into()),
            ..AgentFields::default()
        });
        assert_eq!(
            text(&MySettingsOut::from(Some(&known))),
            r#"{"email":"","home_page_preference":"beacon","#.to_owned()
                + r#""knowledgetree_view_preference":"grid","preferred_color_theme":"purple","#
                + r#""theme_preference":"dark","synced":true,"username":"grace"}"#
        );
    }

    #[test]
    fn successful_sync_has_no_errors_key() {
        let synced = AgentsSynced {
            created: 1,
            errors: Vec::new(),
            success: true,
            synced: 2,
            total_keycloak_users: 2,
            updated: 0,
        };
        assert_eq!(
            text(&synced),
            r#"{"created":1,"success":true,"synced":2,"total_keycloak_users":2,"updated":0}"#
        );
    }

    #[test]
    fn settings_keep_known_keys_and_ignore_others() {
        let all = json!({"theme_preference": "dark", "preferred_color_theme": "bee",
            "knowledgetree_view_preference": "list", "home_page_preference": "helm", "colour": 5});
        let own = chosen(&body(&all), SettingsOwner::Own).unwrap();
        assert_eq!(own.len(), 4);
        let others = chosen(&body(&all), SettingsOwner::Others).unwrap();
        assert_eq!(
            Value::Object(others),
            json!({"theme_preference": "dark", "preferred_color_theme": "bee"})
        );
        let bad_page = body(&json!({"home_page_preference": "x"}));
        assert!(chosen(&bad_page, SettingsOwner::Others).unwrap().is_empty());
    }

    #[test]
    fn invalid_settings_are_refused_by_name() {
        for (key, value) in [
            ("theme_preference", json!("blue")),
            ("preferred_color_theme", json!(null)),
            ("knowledgetree_view_preference", json!(["grid"])),
            ("home_page_preference", json!("")),
        ] {
            let error = chosen(&body(&json!({ key: value })), SettingsOwner::Own).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("{key}: ")),
                "{error}"
            );
        }
        let error = SettingsIn::read(&Map::new(), SettingsOwner::Own).unwrap_err();
        assert!(error.to_string().starts_with("body: "));
    }
}
