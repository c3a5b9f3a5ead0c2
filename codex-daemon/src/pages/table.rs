//! Lists as tables: what `templates/_list.html` and `templates/_table.html` show.

use chrono::DateTime;
use codex_core::{
    Scope,
    list::{ColumnType, Cursor, Listing},
    records::FieldDef,
};
use serde_json::{Map, Value};

use super::{
    address::{self, ListAddress},
    bulk_edit::BulkBar,
    fields::{label, moment, text, visible},
    shell::ActionView,
};
use crate::http::forwarded::Forwarded;

/// A choice of a pick list.
#[derive(Debug)]
pub(crate) struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// The head of a column.
#[derive(Debug)]
pub(crate) struct Head {
    pub label: String,
    /// The list sorted by it; `None` where the table cannot be sorted.
    pub href: Option<String>,
    /// `ascending` or `descending`.
    pub aria_sort: Option<&'static str>,
}

/// A cell.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    /// The field; empty where the cell belongs to none.
    pub field: &'static str,
    pub text: String,
    pub href: Option<String>,
    /// The class of its badge.
    pub badge: Option<&'static str>,
    /// The row id of the record, in the first cell of a row that can be selected.
    pub select: Option<i64>,
    /// What is shown on top of it, such as the moment of an age.
    pub title: Option<String>,
    /// What it holds, where that is several things with links of their own.
    pub links: Vec<Link>,
    /// What can be done with the row.
    pub actions: Vec<RowAction>,
}

/// What can be done with a row: a form of a single button.
#[derive(Debug)]
pub(crate) struct RowAction {
    pub form: ActionView,
    /// The button with the name of the row, for those who hear it alone.
    pub about: String,
    /// The class of the button.
    pub class: &'static str,
}

/// A link.
#[derive(Debug)]
pub(crate) struct Link {
    pub text: String,
    /// Where it leads; a text without a link where it is empty.
    pub href: String,
    /// Its class; empty where it has none.
    pub class: &'static str,
}

impl Link {
    /// A link without a class.
    pub fn new(text: impl Into<String>, href: String) -> Self {
        Self {
            text: text.into(),
            href,
            class: "",
        }
    }
}

impl Cell {
    /// A cell of no field.
    pub fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// A filter that is in force.
#[derive(Debug)]
pub(crate) struct Chip {
    pub text: String,
    /// The list without it.
    pub href: String,
}

/// Rows with their heads. The first cell of a row names it.
#[derive(Debug)]
pub(crate) struct TableView {
    pub caption: String,
    pub heads: Vec<Head>,
    pub rows: Vec<Vec<Cell>>,
    /// The text for a table without rows.
    pub empty: String,
}

impl TableView {
    /// Whether nothing in it takes the focus. The keyboard then reaches its frame, to scroll it.
    pub fn is_plain(&self) -> bool {
        let is_link = |cell: &Cell| cell.href.is_some() || !cell.links.is_empty();
        let is_used = |cell: &Cell| cell.select.is_some() || !cell.actions.is_empty();
        let mut cells = self.rows.iter().flatten();
        let has_links = cells.any(|cell| is_link(cell) || is_used(cell));
        !has_links && self.heads.iter().all(|head| head.href.is_none())
    }
}

/// A list that can be searched, filtered and sorted.
#[derive(Debug)]
pub(crate) struct ListView {
    pub action: String,
    /// Whether its records are found by a term.
    pub is_searched: bool,
    pub search: String,
    pub kept: Vec<(String, String)>,
    pub columns: Vec<Choice>,
    pub operators: Vec<Choice>,
    pub chips: Vec<Chip>,
    pub clear: Option<String>,
    /// How many records are shown, or how many there are.
    pub count: String,
    /// The page with the length of the whole list.
    pub count_href: Option<String>,
    pub first: Option<String>,
    pub next: Option<String>,
    /// What leads to changes of many records; `None` where the reader may not.
    pub bulk: Option<BulkBar>,
    pub table: TableView,
}

impl TableView {
    /// Whether its rows can be selected.
    pub fn is_selectable(&self) -> bool {
        let first = self.rows.first().and_then(|row| row.first());
        first.is_some_and(|cell| cell.select.is_some())
    }
}

impl ListView {
    /// A list as it was requested. `count` says how many records there are.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        listing: &Listing,
        asked: &ListAddress,
        next: Option<&Cursor>,
        count: String,
        table: TableView,
    ) -> Self {
        let choice = |value: &str, label: String| Choice {
            value: value.to_owned(),
            label,
            selected: false,
        };
        let columns = address::columns(listing, scope).into_iter();
        let operators = address::operators().into_iter();
        let chips = asked.filters.iter().map(|(parameter, value)| Chip {
            text: address::in_words(parameter, value),
            href: asked.without(parameter).href(at),
        });
        Self {
            action: asked.path_on(at),
            is_searched: listing.search.is_some(),
            search: asked.search.clone().unwrap_or_default(),
            kept: asked.kept(),
            columns: columns.map(|(name, label)| choice(name, label)).collect(),
            operators: operators
                .map(|(name, words)| choice(name, words.to_owned()))
                .collect(),
            chips: chips.collect(),
            clear: asked.is_narrowed().then(|| asked.cleared().href(at)),
            count,
            count_href: (!asked.is_counted()).then(|| asked.counted().href(at)),
            first: asked.is_behind().then(|| asked.first().href(at)),
            next: next.map(|cursor| asked.behind(cursor).href(at)),
            bulk: None,
            table,
        }
    }
}

/// Heads of the columns that a caller may see, for a list that its address sorts.
pub(crate) fn sorted_heads(
    at: &Forwarded,
    scope: &Scope,
    listing: &Listing,
    asked: &ListAddress,
    names: &[&str],
) -> Vec<Head> {
    let shown = names
        .iter()
        .filter_map(|name| visible(listing.fields, scope, name));
    let heads = shown.map(|field| {
        let name = field.name;
        let sorted = field.listed.map(|listed| listed.name.unwrap_or(name));
        Head {
            label: label(name),
            href: sorted.map(|column| asked.sorted(column, listing.order).href(at)),
            aria_sort: sorted.and_then(|column| asked.direction(column, listing.order)),
        }
    });
    heads.collect()
}

/// Heads of the columns that a caller may see, for a table that cannot be sorted.
pub(crate) fn plain_heads(
    groups: &[&'static [FieldDef]],
    scope: &Scope,
    names: &[&str],
) -> Vec<Head> {
    let shown = names.iter().filter_map(|name| visible(groups, scope, name));
    let heads = shown.map(|field| Head {
        label: label(field.name),
        href: None,
        aria_sort: None,
    });
    heads.collect()
}

/// The cells of a record under those heads.
pub(crate) fn cells(
    groups: &[&'static [FieldDef]],
    scope: &Scope,
    names: &[&str],
    values: &Map<String, Value>,
) -> Vec<Cell> {
    let shown = names.iter().filter_map(|name| visible(groups, scope, name));
    let cells = shown.map(|field| Cell {
        field: field.name,
        text: values
            .get(field.name)
            .map(|value| in_cell(field, value))
            .unwrap_or_default(),
        ..Cell::default()
    });
    cells.collect()
}

fn in_cell(field: &FieldDef, value: &Value) -> String {
    let text = text(value).unwrap_or_default();
    if field.column_type == ColumnType::Time {
        let at = DateTime::parse_from_rfc3339(&text);
        return at.map_or(text, |at| moment(at.to_utc()));
    }
    text
}
