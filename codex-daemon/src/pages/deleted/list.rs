//! The list of deleted records of a kind.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    list::{Column, ColumnType, Listing, Page},
    records::{DELETED_LISTING, DeletedOut},
};

use super::DELETED;
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        csrf,
        fields::{age, capitalized, moment},
        parts::{TabView, actor, cell, kind_words},
        plain_list::{PlainList, PlainListView},
        shell::ActionView,
        table::{Cell, RowAction},
    },
};

/// The parameter with the kind of the records: each kind is a list of its own.
pub(super) const KIND: &str = "kind";

/// The list of each kind, with the kind as a further column of its address.
const LISTING: Listing = Listing {
    columns: &[
        DELETED_LISTING.columns[0],
        DELETED_LISTING.columns[1],
        Column {
            name: KIND,
            kind: ColumnType::Text,
            ..DELETED_LISTING.columns[0]
        },
    ],
    ..DELETED_LISTING
};

/// What pages say of it.
pub(super) const LIST: PlainList = PlainList {
    path: DELETED,
    title: "Deleted records",
    about: "What people have deleted. No sync brings these records back; restoring does.",
    noun: "deleted record",
    listing: &LISTING,
    order: "-deleted_at",
    at_first: None,
    heads: &[
        ("Record", ""),
        ("ID", "id"),
        ("Deleted", "deleted_at"),
        ("By", ""),
        ("Restore", ""),
    ],
    empty: "No person has deleted a record of this kind.",
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

/// The deleted records of a kind as a page.
pub(super) fn view(
    at: &Forwarded,
    scope: &Scope,
    asked: &ListAddress,
    page: &Page<DeletedOut>,
    parts: DeletedParts,
) -> PlainListView {
    let rows = page.items.iter().map(|one| row(at, one, &parts));
    let mut view = LIST.view(at, scope, asked, page, rows.collect(), Vec::new());
    view.shell = view.shell.saying(parts.notice);
    view.problem = parts.problem;
    let kinds = parts.kinds.iter().map(|kind| TabView {
        label: capitalized(&kind_words(kind)),
        href: at.link(&format!("{DELETED}?{KIND}={kind}")),
        is_open: *kind == parts.kind,
    });
    view.tabs = kinds.collect();
    view
}

fn row(at: &Forwarded, one: &DeletedOut, parts: &DeletedParts) -> Vec<Cell> {
    let name = one.name.as_deref().filter(|name| !name.trim().is_empty());
    let name = name.map_or_else(
        || format!("{} {}", kind_words(one.kind.name()), one.id),
        str::to_owned,
    );
    let by = one.deleted_by.as_deref().map(|by| actor(by, &parts.names));
    let restore = RowAction {
        about: format!("Restore {name}"),
        form: ActionView {
            label: "Restore".to_owned(),
            action: at.link(&format!("{DELETED}{}/{}/restore", one.kind, one.id)),
            csrf_field: csrf::FIELD,
            csrf: parts.token.clone(),
        },
        class: "btn--secondary",
    };
    vec![
        cell(name),
        cell(one.id.to_string()),
        Cell {
            title: Some(moment(one.deleted_at)),
            ..cell(age(one.deleted_at, parts.now))
        },
        cell(by.unwrap_or_else(|| "unknown".to_owned())),
        Cell {
            actions: vec![restore],
            ..Cell::default()
        },
    ]
}
