//! Parts that the pages of syncs and decisions share.

use std::collections::{BTreeMap, HashMap};

use axum::{
    http::{StatusCode, Uri, header::LOCATION},
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, Utc};
use codex_core::{Error, RecordName, Scope, address::segment, nearest::hint};

use super::{
    fields::{age, capitalized, moment, spelled},
    shell::Shell,
    table::{Cell, Head, TableView},
};
use crate::http::{extract::without_nul, forwarded::Forwarded, problem::Problem};

/// The parameters of a page.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads a query. Empty values, as forms send them, are as good as absent.
    ///
    /// # Errors
    /// 400 that names a parameter that is unknown, or that cannot be read.
    pub fn read(uri: &Uri, known: &[&'static str]) -> Result<Self, Problem> {
        let mut params = BTreeMap::new();
        let query = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &value)?;
            if !known.contains(&&*name) {
                let hint = hint(&name, known.iter().copied());
                let message = format!("unknown parameter `{name}`{hint}");
                return Err(Problem::bad_request(message));
            }
            if !value.is_empty() {
                params.insert(name.into_owned(), value.into_owned());
            }
        }
        Ok(Self(params))
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// What a list can be of, as a tab.
#[derive(Debug)]
pub(super) struct TabView {
    pub label: String,
    pub href: String,
    pub is_open: bool,
}

/// A text, as a link where it leads somewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct LinkView {
    pub text: String,
    pub href: Option<String>,
}

impl LinkView {
    /// A text that leads to a path.
    pub fn to(at: &Forwarded, text: impl Into<String>, path: &str) -> Self {
        Self {
            text: text.into(),
            href: Some(at.link(path)),
        }
    }

    /// A text that leads nowhere.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            href: None,
        }
    }
}

/// A moment in words, in full behind the words.
#[derive(Debug)]
pub(super) struct MomentView {
    pub words: String,
    /// For machines.
    pub iso: String,
    /// For people who want to know it exactly.
    pub full: String,
}

impl MomentView {
    /// A moment in the past.
    pub fn past(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self::of(at, age(at, now))
    }

    /// A moment that is shown in full.
    pub fn full(at: DateTime<Utc>) -> Self {
        Self::of(at, moment(at))
    }

    fn of(at: DateTime<Utc>, words: String) -> Self {
        Self {
            words,
            iso: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            full: moment(at),
        }
    }
}

/// The frame of a page below others.
pub(super) fn shell(at: &Forwarded, _scope: &Scope, title: impl Into<String>) -> Shell {
    Shell::new(at, title)
}

/// A table that cannot be sorted.
pub(super) fn table(
    caption: &str,
    heads: &[&str],
    rows: Vec<Vec<Cell>>,
    empty: impl Into<String>,
) -> TableView {
    let heads = heads.iter().map(|label| Head {
        label: (*label).to_owned(),
        href: None,
        aria_sort: None,
    });
    TableView {
        caption: caption.to_owned(),
        heads: heads.collect(),
        rows,
        empty: empty.into(),
    }
}

/// A cell with a text.
pub(super) fn cell(text: impl Into<String>) -> Cell {
    Cell {
        text: text.into(),
        ..Cell::default()
    }
}

/// A cell with a badge.
pub(super) fn badge(text: impl Into<String>, class: &'static str) -> Cell {
    Cell {
        badge: Some(class),
        ..cell(text)
    }
}

/// The cell that names a row.
pub(super) fn name(text: impl Into<String>, href: String) -> Cell {
    Cell {
        href: Some(href),
        ..cell(text)
    }
}

/// What a kind of record is called, such as `billing plan`.
pub(super) fn kind_words(kind: &str) -> String {
    spelled(kind)
}

/// Where the page of a record is; `None` for kinds without one.
fn record_path(kind: &str, key: &str) -> Option<String> {
    let list = match kind {
        "asset" => "/assets/",
        "company" => "/companies/",
        "contact" => "/contacts/",
        "ticket" => "/tickets/",
        _ => return None,
    };
    Some(format!("{list}{}", segment(key)))
}

/// A record of a kind by its id, with a link to its page.
pub(super) fn record_by_id(at: &Forwarded, kind: &str, id: i64, name: Option<&str>) -> LinkView {
    let name = name.filter(|name| !name.trim().is_empty());
    LinkView {
        text: name.map_or_else(|| format!("{} {id}", kind_words(kind)), str::to_owned),
        href: record_path(kind, &id.to_string()).map(|path| at.link(&path)),
    }
}

/// A record by its name, with a link to its page.
pub(super) fn record(at: &Forwarded, record: &RecordName) -> LinkView {
    let kind = kind_words(record.kind.name());
    let name = record
        .name
        .as_deref()
        .filter(|name| !name.trim().is_empty());
    let text = match (name, &record.key) {
        (Some(name), _) => name.to_owned(),
        (None, Some(key)) => format!("{kind} {key}"),
        (None, None) => format!("{kind} {}", record.id),
    };
    let key = record.key.as_deref().filter(|_| record.is_live);
    let path = key.and_then(|key| record_path(record.kind.name(), key));
    LinkView {
        text,
        href: path.map(|path| at.link(&path)),
    }
}

/// Who did something, in words.
pub(super) fn actor(actor: &str, names: &HashMap<String, String>) -> String {
    match actor.split_once(':') {
        Some((what @ ("service" | "source"), name)) => format!("{what} {name}"),
        // An address is spelled as it is.
        _ if actor.contains('@') => names.get(actor).map_or(actor, String::as_str).to_owned(),
        _ => names
            .get(actor)
            .cloned()
            .unwrap_or_else(|| capitalized(actor)),
    }
}

/// The list that somebody asks for without the slash at its end.
pub(super) async fn to_list(at: Forwarded, uri: Uri) -> Response {
    let query = uri.query().map(|query| format!("?{query}"));
    let target = at.link(uri.path()) + "/" + &query.unwrap_or_default();
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, target)]).into_response()
}

/// The browser goes on at a path, which says what was done.
pub(super) fn redirect(at: &Forwarded, path: &str, done: &str) -> Response {
    Redirect::to(&at.link(&format!("{path}?done={done}"))).into_response()
}

/// A refusal that is shown on the page that the form came from: somebody else was faster, or the form says something
/// that cannot be done.
///
/// # Errors
/// What is no such refusal.
pub(super) fn refused(error: Error) -> Result<Problem, Problem> {
    let problem = Problem::from(error);
    if [409, 422].contains(&problem.status().as_u16()) {
        Ok(problem)
    } else {
        Err(problem)
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Callers and places that pages of syncs and decisions are tested with.

    use axum::http::{HeaderMap, HeaderName, HeaderValue};
    use codex_core::Role;

    use super::{DateTime, Forwarded, RecordName, Scope, Utc};

    /// The token of forms.
    pub const TOKEN: &str = "word.proof";

    pub fn at() -> Forwarded {
        let prefix = HeaderValue::from_static("/codex");
        let name = HeaderName::from_static("x-forwarded-prefix");
        Forwarded::of(&HeaderMap::from_iter([(name, prefix)]))
    }

    pub fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_607_200, 0).unwrap()
    }

    pub fn scopes() -> [(&'static str, Scope); 3] {
        [
            ("admin", Scope::staff(Role::Admin)),
            ("technician", Scope::staff(Role::Technician)),
            ("billing", Scope::staff(Role::Billing)),
        ]
    }

    pub fn record(kind: &str, name: &str) -> RecordName {
        RecordName {
            kind: kind.parse().unwrap(),
            id: 7,
            name: Some(name.to_owned()),
            key: Some("100001".to_owned()),
            is_live: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_parameters_are_refused_by_name() {
        let known = ["state", "done"];
        let uri = "/?stat=x".parse().unwrap();
        let refused = Params::read(&uri, &known).unwrap_err();
        assert_eq!(refused.status(), 400);
        assert!(refused.detail().contains("did you mean `state`?"));
        let uri = "/?state=&done=saved".parse().unwrap();
        let params = Params::read(&uri, &known).unwrap();
        assert_eq!(
            (params.get("state"), params.get("done")),
            (None, Some("saved"))
        );
    }

    #[test]
    fn records_without_a_page_are_texts() {
        let at = samples::at();
        let asset = samples::record("asset", "PC-1");
        assert_eq!(
            record(&at, &asset).href.as_deref(),
            Some("/codex/assets/100001")
        );
        let deleted = RecordName {
            is_live: false,
            ..asset
        };
        assert!(record(&at, &deleted).href.is_none());
        let plan = samples::record("billing_plan", " ");
        assert_eq!(record(&at, &plan).text, "billing plan 100001");
        let names = HashMap::from([("u1".to_owned(), "Ann Lee".to_owned())]);
        assert_eq!(actor("u1", &names), "Ann Lee");
        assert_eq!(actor("service:helm", &names), "service helm");
    }
}
