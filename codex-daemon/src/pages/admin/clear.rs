//! Clearing data: what goes, and the words that say that it is meant.

use askama::Template;
use codex_core::{
    admin::{ClearData, Cleared},
    plural::count_of,
};

use super::{HOME, crumb};
use crate::{
    http::forwarded::Forwarded,
    pages::{csrf, shell::Shell},
};

/// The member that says what is cleared (contract 1.2.K).
pub(super) const DATA: &str = "data_type";
/// The member with the typed words.
pub(super) const PHRASE: &str = "phrase";

/// The words to type.
pub(super) fn phrase(data: ClearData) -> String {
    format!("clear {}", data.name())
}

/// The page that asks whether to clear.
#[derive(Debug, Template)]
#[template(path = "admin/clear.html")]
pub(in crate::pages) struct ClearView {
    shell: Shell,
    heading: String,
    data: &'static str,
    phrase: String,
    /// Such as `7 companies`.
    found: Vec<String>,
    with_overrides: bool,
    typed: String,
    problem: Option<String>,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
}

impl ClearView {
    /// For data that was found.
    pub fn new(at: &Forwarded, data: ClearData, found: &Cleared, csrf: String) -> Self {
        let heading = format!("Clear {}?", data.name());
        let found = found.0.iter().filter(|(_, count)| *count > 0);
        Self {
            shell: crumb(at, &heading),
            heading,
            data: data.name(),
            phrase: phrase(data),
            found: found
                .map(|(kind, count)| count_of(count, &kind.replace('_', " ")))
                .collect(),
            with_overrides: matches!(data, ClearData::Companies | ClearData::All),
            typed: String::new(),
            problem: None,
            action: at.link("/admin/clear-data"),
            cancel: at.link(HOME),
            csrf_field: csrf::FIELD,
            csrf,
        }
    }

    /// The same with what was typed, and why nothing was cleared.
    pub fn refused(mut self, typed: &str, problem: String) -> Self {
        typed.clone_into(&mut self.typed);
        self.problem = Some(problem);
        self
    }
}
