//! The list of held deletions.

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    holds::{Hold, HoldStatus},
    list::Page,
};

use super::{HOLDS, badge, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        fields::{age, capitalized, moment, source},
        parts::{self, PagerView, Params, TabView, cell, kind_words, name, shell, table, tabs},
        shell::Shell,
        table::{Cell, TableView},
    },
};

/// The list of held deletions as a page.
#[derive(Debug, Template)]
#[template(path = "holds/list.html")]
pub(super) struct HoldListView {
    shell: Shell,
    tabs: Vec<TabView>,
    table: TableView,
    pager: PagerView,
}

impl HoldListView {
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        params: &Params,
        page: &Page<Hold>,
        now: DateTime<Utc>,
    ) -> Self {
        let labels = HoldStatus::ALL.map(|status| (status.name(), capitalized(status.name())));
        let mut states = vec![("", "All")];
        states.extend(labels.iter().map(|(word, label)| (*word, label.as_str())));
        let rows = page.items.iter().map(|hold| row(at, hold, now)).collect();
        let heads = [
            "Deletion",
            "State",
            "Source",
            "Collection",
            "Held",
            "Decide until",
        ];
        let empty = match params.get("state") {
            None | Some("held") => "No deletion waits for a decision.",
            Some(_) => "No held deletion is in this state.",
        };
        Self {
            shell: shell(at, scope, "Held deletions"),
            tabs: tabs(at, HOLDS, params, "state", &states),
            table: table("Held deletions, the newest first", &heads, rows, empty),
            pager: PagerView::new(at, HOLDS, params, page.next.as_ref()),
        }
    }
}

fn row(at: &Forwarded, hold: &Hold, now: DateTime<Utc>) -> Vec<Cell> {
    let text = format!(
        "{} of {} {} records",
        hold.missing,
        hold.total,
        kind_words(hold.kind.name())
    );
    vec![
        name(text, at.link(&path_of(&hold.id))),
        parts::badge(hold.status.name(), badge(hold.status)),
        cell(source(&hold.source)),
        cell(hold.scope.clone()),
        cell(age(hold.held_at, now)),
        cell(moment(hold.expires_at)),
    ]
}
