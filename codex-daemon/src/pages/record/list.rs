//! Lists of records, and tables of them on other pages.

use std::collections::HashSet;

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Access, Scope,
    list::{ColumnType, Filter, Page, PageRequest},
    nearest::hint,
    plural::count_of,
    records::FieldDef,
};
use serde_json::Value;

use super::{
    AtFirst, CSV, NDJSON, Note, PageRecord, RecordPages, ResourceDef, company_link, may_edit,
    path_of,
};
use crate::{
    http::{forwarded::Forwarded, problem::Problem},
    pages::{
        address::{ListAddress, SHOW, ViewedList},
        bulk_edit::{BulkBar, BulkList},
        csrf,
        facets::FacetView,
        fields::{age, email_href, label, moment, text},
        shell::{ActionView, Shell},
        table::{Cell, Chip, Head, Link, ListView, TableView},
        views::ViewsView,
    },
};

/// The columns that every list knows beside its fields.
const TAGS: &str = "tags";
const COMPANY: &str = "company";

/// A column that is no field.
#[derive(Debug)]
pub(in crate::pages) struct BesideColumn {
    pub name: &'static str,
    pub label: &'static str,
    /// Who sees it.
    pub access: Access,
    /// The type of its values.
    pub kind: ColumnType,
    /// The column of the list that it is sorted by; `None` for one without an order.
    pub sort: Option<&'static str>,
}

impl BesideColumn {
    /// The tags of a record.
    pub const TAGS: Self = Self::new(TAGS, "Tags", Access::Staff);
    /// The company of a record, or its companies.
    pub const COMPANY: Self = Self::new(COMPANY, "Company", Access::Everyone);

    /// A column of texts without an order.
    pub const fn new(name: &'static str, label: &'static str, access: Access) -> Self {
        Self {
            name,
            label,
            access,
            kind: ColumnType::Text,
            sort: None,
        }
    }

    /// The same, sorted by a column of the list.
    pub const fn sorted_by(self, column: &'static str) -> Self {
        Self {
            sort: Some(column),
            ..self
        }
    }

    /// The same, of moments.
    pub const fn of_moments(self) -> Self {
        Self {
            kind: ColumnType::Time,
            ..self
        }
    }
}

/// A column that is shown.
#[derive(Debug, Clone)]
pub(super) struct ShownColumn {
    pub name: &'static str,
    label: String,
    field: Option<&'static FieldDef>,
    /// What it holds.
    kind: ColumnType,
    /// The column of the list that it is sorted by.
    sort: Option<&'static str>,
}

/// A column that can be shown.
#[derive(Debug)]
pub(super) struct ColumnChoice {
    name: &'static str,
    label: String,
    is_shown: bool,
}

/// A list of records as a page.
#[derive(Debug, Template)]
#[template(path = "record/list.html")]
pub(super) struct RecordListView {
    shell: Shell,
    title: &'static str,
    list: ListView,
    /// The label and the link to create a record; `None` for callers who may not.
    create: Option<Link>,
    /// The whole list, or the one that opens at first.
    other: Option<Link>,
    /// Why not, for staff.
    refused: Option<String>,
    note: Option<Note>,
    /// Values of columns, counted.
    facets: Vec<FacetView>,
    /// Saved views, for staff.
    views: Option<ViewsView>,
    columns: Vec<ColumnChoice>,
    kept: Vec<(String, String)>,
    show: &'static str,
    exports: Vec<Link>,
}

/// What a list shows besides its records.
pub(super) struct ListParts {
    pub columns: Vec<ShownColumn>,
    pub note: Option<Note>,
    pub facets: Vec<FacetView>,
    pub views: Option<ViewsView>,
    /// The token of the form that restores a deleted record.
    pub token: String,
    pub now: DateTime<Utc>,
}

impl RecordListView {
    /// A page of a list.
    pub fn new<R: RecordPages>(
        at: &Forwarded,
        scope: &Scope,
        asked: &ListAddress,
        page: &Page<R::Found>,
        parts: ListParts,
    ) -> Self {
        let (def, columns) = (R::DEF, &parts.columns);
        // Records without a form are neither created nor restored here.
        let is_editor = may_edit::<R>(scope) && !def.form.is_empty();
        let bulk = BulkList::at(def.path)
            .filter(|_| is_editor && R::is_of_listing(asked) && !page.items.is_empty())
            .map(|list| BulkBar::new(at, list, asked, page.total));
        let table = TableView {
            caption: def.title.to_owned(),
            heads: columns
                .iter()
                .map(|column| head::<R>(at, asked, column))
                .collect(),
            rows: rows::<R>(at, columns, &page.items, parts.now, bulk.is_some()),
            empty: empty(def, scope, asked),
        };
        let count = match page.total {
            Some(total) => format!("{} in all", count_of(total, def.noun)),
            None => format!("{} on this page", count_of(page.items.len(), def.noun)),
        };
        let next = page.next.as_ref();
        let mut list = ListView::new(at, scope, def.listing, asked, next, count, table);
        list.chips
            .extend(def.at_first.and_then(|own| own.chip(at, asked)));
        list.bulk = bulk;
        let shown: HashSet<&str> = columns.iter().map(|column| column.name).collect();
        let choices = available(def, scope).into_iter();
        let undo = asked.restore.filter(|_| is_editor).map(|id| ActionView {
            label: format!("Restore the {}", def.noun),
            action: at.link(&format!("{}{id}/restore", def.path)),
            csrf_field: csrf::FIELD,
            csrf: parts.token,
        });
        let new = format!("New {}", def.noun);
        let files = [("CSV", CSV), ("NDJSON", NDJSON)];
        let files = files.map(|(name, file)| Link::new(name, asked.file(at, file)));
        Self {
            shell: Shell::new(at, def.title)
                .saying(super::handlers::notice(def, asked.done.as_deref()))
                .undone_by(undo),
            title: def.title,
            list,
            create: is_editor.then(|| Link::new(new, at.link(&format!("{}new", def.path)))),
            other: other(at, def, asked),
            refused: super::refused::<R>(scope),
            note: parts.note,
            facets: parts.facets,
            views: parts.views,
            columns: choices
                .map(|column| ColumnChoice {
                    is_shown: shown.contains(column.name),
                    name: column.name,
                    label: column.label,
                })
                .collect(),
            kept: asked.kept_by_columns(),
            show: SHOW,
            exports: files
                .into_iter()
                .filter(|_| def.export.is_some() && R::is_of_listing(asked))
                .collect(),
        }
    }
}

/// What a list asks the library for: what the address says, and the filter that the list has at first.
///
/// # Errors
/// 400 for a cursor that cannot be read, and for `all` where the list has no such filter.
pub(in crate::pages) fn request(
    def: &ResourceDef,
    asked: &ListAddress,
) -> Result<PageRequest, Problem> {
    if asked.all && def.at_first.is_none() {
        return Err(Problem::bad_request("unknown parameter `all`"));
    }
    let mut request = asked.request()?;
    request.tags = true;
    if let Some((parameter, value)) = own_filter(def, asked).and_then(|own| own.filter) {
        request.filters.push(Filter::new(parameter, value));
    }
    Ok(request)
}

impl AtFirst {
    /// Whether it is in force. It ends when the person filters by its columns or asks for the whole list.
    pub fn is_in_force(&self, asked: &ListAddress) -> bool {
        !asked.all && !self.until.iter().any(|column| asked.filters_by(column))
    }

    /// Its chip, or that of its absence.
    pub fn chip(&self, at: &Forwarded, asked: &ListAddress) -> Option<Chip> {
        if asked.all {
            return Some(Chip {
                text: self.whole.to_owned(),
                href: asked.with_all(false).href(at),
            });
        }
        self.is_in_force(asked).then(|| Chip {
            text: self.narrowed.to_owned(),
            href: asked.with_all(true).href(at),
        })
    }
}

/// The filter that a list has at first, where it is in force.
pub(super) fn own_filter(def: &ResourceDef, asked: &ListAddress) -> Option<AtFirst> {
    def.at_first.filter(|own| own.is_in_force(asked))
}

/// The list as views of it are opened by somebody; `None` where it has no views.
pub(super) fn viewed(def: &ResourceDef, scope: &Scope) -> Option<ViewedList> {
    let columns = available(def, scope).into_iter();
    Some(ViewedList {
        list: def.listed?,
        path: def.path,
        listing: def.listing,
        columns: columns.map(|column| column.name).collect(),
        has_all: def.at_first.is_some(),
    })
}

/// The link to the whole list, or back to the one that opens at first.
fn other(at: &Forwarded, def: &ResourceDef, asked: &ListAddress) -> Option<Link> {
    let own = def.at_first?;
    let whole = || Link::new(own.whole, asked.with_all(true).href(at));
    let narrowed = || Link::new(own.narrowed, asked.with_all(false).href(at));
    match own_filter(def, asked) {
        Some(_) => Some(whole()),
        None => asked.all.then(narrowed),
    }
}

/// Every column that a caller may see.
pub(super) fn available(def: &ResourceDef, scope: &Scope) -> Vec<ShownColumn> {
    let fields = def.listing.fields.iter().copied().flatten();
    let fields = fields.filter(|field| field.is_visible_to(scope));
    let fields = fields.filter(|field| !def.apart.contains(&field.name));
    let fields = fields.map(|field| ShownColumn {
        name: field.name,
        label: label(field.name),
        field: Some(field),
        kind: field.column_type,
        sort: field.listed.map(|listed| listed.name.unwrap_or(field.name)),
    });
    let beside = def.beside_columns.iter();
    let beside = beside.filter(|column| column.access.has(scope.role()));
    let beside = beside.map(|column| ShownColumn {
        name: column.name,
        label: column.label.to_owned(),
        field: None,
        kind: column.kind,
        sort: column.sort,
    });
    fields.chain(beside).collect()
}

/// The columns that an address asks for, or those that a list shows at first. The one that names the record is always
/// the first.
///
/// # Errors
/// 400 that names a column that the caller does not see.
pub(super) fn chosen(
    def: &ResourceDef,
    scope: &Scope,
    asked: &ListAddress,
) -> Result<Vec<ShownColumn>, Problem> {
    let Some(names) = &asked.columns else {
        return Ok(named(def, scope, def.columns));
    };
    let available = available(def, scope);
    let first = def.columns.first().copied().unwrap_or_default();
    let (mut met, mut columns) = (HashSet::new(), Vec::new());
    for name in [first].into_iter().chain(names.split(',').map(str::trim)) {
        let column = available.iter().find(|column| column.name == name);
        let column = column.ok_or_else(|| {
            let names = available.iter().map(|column| column.name);
            let hint = hint(name, names);
            Problem::bad_request(format!("columns: there is no column `{name}`{hint}"))
        })?;
        if met.insert(name) {
            columns.push(column.clone());
        }
    }
    Ok(columns)
}

/// The columns with these names, as far as the caller sees them.
fn named(def: &ResourceDef, scope: &Scope, names: &[&str]) -> Vec<ShownColumn> {
    let available = available(def, scope);
    let columns = names.iter().filter_map(|name| {
        let mut columns = available.iter();
        columns.find(|column| column.name == *name)
    });
    columns.cloned().collect()
}

/// A table of records on the page of another record, which is neither sorted nor filtered.
pub(in crate::pages) fn table<R: RecordPages>(
    at: &Forwarded,
    scope: &Scope,
    names: &[&str],
    found: &[R::Found],
    now: DateTime<Utc>,
    empty: String,
) -> TableView {
    let columns = named(R::DEF, scope, names);
    TableView {
        caption: R::DEF.title.to_owned(),
        heads: columns.iter().map(plain_head).collect(),
        rows: rows::<R>(at, &columns, found, now, false),
        empty,
    }
}

fn head<R: RecordPages>(at: &Forwarded, asked: &ListAddress, column: &ShownColumn) -> Head {
    let order = R::ORDER;
    Head {
        href: column.sort.map(|name| asked.sorted(name, order).href(at)),
        aria_sort: column.sort.and_then(|name| asked.direction(name, order)),
        ..plain_head(column)
    }
}

fn plain_head(column: &ShownColumn) -> Head {
    Head {
        label: column.label.clone(),
        href: None,
        aria_sort: None,
    }
}

fn rows<R: RecordPages>(
    at: &Forwarded,
    columns: &[ShownColumn],
    found: &[R::Found],
    now: DateTime<Utc>,
    is_selectable: bool,
) -> Vec<Vec<Cell>> {
    let rows = found.iter().map(|found| {
        let record = R::shown(found);
        let cells = columns.iter().enumerate().map(|(index, column)| {
            let mut cell = cell::<R>(at, &record, column, now);
            if index == 0 {
                cell.href = Some(at.link(&path_of::<R>(&record)));
                cell.select = is_selectable.then_some(record.id);
                // A record without a name needs a text to click on.
                if cell.text.trim().is_empty() {
                    cell.text.clone_from(&record.name);
                }
            }
            cell
        });
        cells.collect()
    });
    rows.collect()
}

fn cell<R: RecordPages>(
    at: &Forwarded,
    record: &PageRecord,
    column: &ShownColumn,
    now: DateTime<Utc>,
) -> Cell {
    let value = record.values.get(column.name).unwrap_or(&Value::Null);
    let mut cell = value_cell(column, value, now);
    cell.field = column.name;
    match column.name {
        TAGS => cell.links = tag_links::<R>(at, record),
        COMPANY => {
            let companies = record.companies.iter();
            cell.links = companies.map(|company| company_link(at, company)).collect();
        }
        _ => R::decorate(at, record, &mut cell),
    }
    cell
}

fn value_cell(column: &ShownColumn, value: &Value, now: DateTime<Utc>) -> Cell {
    let text = text(value).unwrap_or_default();
    if column.kind == ColumnType::Time
        && let Ok(time) = DateTime::parse_from_rfc3339(&text)
    {
        let time = time.to_utc();
        return Cell {
            title: Some(moment(time)),
            ..Cell::of(age(time, now))
        };
    }
    Cell {
        href: column.field.and_then(|field| email_href(field, &text)),
        ..Cell::of(text)
    }
}

/// The tags of a record, each with a link to the list of those that have it.
pub(super) fn tag_links<R: RecordPages>(at: &Forwarded, record: &PageRecord) -> Vec<Link> {
    let links = record.tags.iter().map(|tag| Link {
        class: "badge",
        ..Link::new(tag.as_str(), at.link(&filtered(R::DEF.path, "tag", tag)))
    });
    links.collect()
}

/// The path of a list with a filter.
pub(in crate::pages) fn filtered(path: &str, parameter: &str, value: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(parameter, value);
    format!("{path}?{}", query.finish())
}

/// Why a list is empty.
fn empty(def: &ResourceDef, scope: &Scope, asked: &ListAddress) -> String {
    let (for_staff, for_clients) = def.empty;
    if let Some(own) = own_filter(def, asked) {
        format!("No {} fits the search and the filters.", own.noun)
    } else if asked.is_narrowed() || asked.is_behind() {
        format!("No {} fits the search and the filters.", def.noun)
    } else if scope.companies().is_some() {
        for_clients.to_owned()
    } else {
        for_staff.to_owned()
    }
}
