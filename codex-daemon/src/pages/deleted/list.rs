//! The list of deleted records of a kind.

use std::collections::HashMap;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{Scope, list::Page, records::DeletedOut};

use super::DELETED;
use crate::{
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::capitalized,
        parts::{MomentView, PagerView, Params, TabView, actor, kind_words, shell},
        shell::Shell,
    },
};

/// What the page has besides the records.
#[derive(Debug)]
pub(super) struct DeletedParts {
    /// Names of people.
    pub names: HashMap<String, String>,
    /// Kinds that the caller may restore, and the one that is shown.
    pub kinds: Vec<&'static str>,
    pub kind: &'static str,
    pub now: DateTime<Utc>,
    pub token: String,
    pub notice: Option<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
}

/// A deleted record.
#[derive(Debug)]
struct RowView {
    name: String,
    id: i64,
    deleted: MomentView,
    by: String,
    restore: String,
}

/// The deleted records of a kind as a page.
#[derive(Debug, Template)]
#[template(path = "deleted/list.html")]
pub(super) struct DeletedView {
    shell: Shell,
    tabs: Vec<TabView>,
    caption: String,
    empty: String,
    rows: Vec<RowView>,
    problem: Option<String>,
    csrf_field: &'static str,
    csrf: String,
    pager: PagerView,
}

impl DeletedView {
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        params: &Params,
        page: &Page<DeletedOut>,
        parts: DeletedParts,
    ) -> Self {
        let kinds = parts.kinds.iter().map(|kind| TabView {
            label: capitalized(&kind_words(kind)),
            href: at.link(&format!("{DELETED}?kind={kind}")),
            is_open: *kind == parts.kind,
        });
        let kind = kind_words(parts.kind);
        let rows = page.items.iter();
        Self {
            shell: shell(at, scope, "Deleted records").saying(parts.notice),
            tabs: kinds.collect(),
            caption: format!("Deleted records of the kind {kind}, the newest first"),
            empty: format!("No person has deleted a record of the kind {kind}."),
            rows: rows.map(|one| row(at, one, &parts)).collect(),
            problem: parts.problem,
            csrf_field: csrf::FIELD,
            csrf: parts.token,
            pager: PagerView::new(at, DELETED, params, page.next.as_ref()),
        }
    }
}

fn row(at: &Forwarded, one: &DeletedOut, parts: &DeletedParts) -> RowView {
    let name = one.name.as_deref().filter(|name| !name.trim().is_empty());
    let by = one.deleted_by.as_deref().map(|by| actor(by, &parts.names));
    RowView {
        name: name.map_or_else(
            || format!("{} {}", kind_words(one.kind.name()), one.id),
            str::to_owned,
        ),
        id: one.id,
        deleted: MomentView::past(one.deleted_at, parts.now),
        by: by.unwrap_or_else(|| "unknown".to_owned()),
        restore: at.link(&format!("{DELETED}{}/{}/restore", one.kind, one.id)),
    }
}
