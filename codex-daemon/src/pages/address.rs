//! The address of a list. It has filters, search, order and cursor, so that it can be sent to a colleague.

mod read;
#[cfg(test)]
mod tests;

use axum::http::Uri;
use codex_core::{
    Scope,
    list::{Column, ColumnType, Cursor, Filter, ListedResource, Listing, Op, PageRequest, Sort},
};

use super::fields::label;
use crate::http::{forwarded::Forwarded, problem::Problem};

/// Rows of a page.
pub(crate) const ROWS: u32 = 50;

/// The parameter that takes away the filter that a list has of its own.
const ALL: &str = "all";
/// The parameter with the columns that are shown.
const COLUMNS: &str = "columns";
/// The prefix of the checkboxes that choose columns: each has a name of its own, because Nexus passes on one value of a
/// parameter alone (consumers 3).
pub(crate) const SHOW: &str = "show.";

/// The parameter that opens a view, and the value of it that opens the whole list.
pub(crate) const VIEW: &str = "view";
pub(crate) const WHOLE: &str = "all";

/// What operators are called on pages, in the order of [`Op::all`].
const OPERATORS: [(Op, &str); 11] = [
    (Op::Eq, "is"),
    (Op::Exact, "is exactly"),
    (Op::Ne, "is not"),
    (Op::In, "is one of (with commas)"),
    (Op::Lt, "is below"),
    (Op::Lte, "is at most"),
    (Op::Gt, "is above"),
    (Op::Gte, "is at least"),
    (Op::Contains, "contains"),
    (Op::StartsWith, "starts with"),
    (Op::IsNull, "is unknown (true or false)"),
];

/// The query of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListAddress {
    path: &'static str,
    /// The term that is searched.
    pub search: Option<String>,
    /// Parameters that filter, with their values.
    pub filters: Vec<(String, String)>,
    /// What was just done, as the redirect says.
    pub done: Option<String>,
    /// Whether the list is without the filter that it otherwise has of its own.
    pub all: bool,
    /// The columns that are shown, with commas between; `None` shows those of the list.
    pub columns: Option<String>,
    /// The record that was just deleted.
    pub restore: Option<i64>,
    /// Whether the list opens with a view where its address has no parameters.
    pub has_default: bool,
    sort: Option<String>,
    cursor: Option<String>,
    total: bool,
}

/// A list whose queries are saved as views.
#[derive(Debug, Clone)]
pub(crate) struct ViewedList {
    pub list: ListedResource,
    pub path: &'static str,
    pub listing: &'static Listing,
    /// The columns that the person may choose; none where nobody chooses columns.
    pub columns: Vec<&'static str>,
    /// Whether the list has a filter of its own, which `all` removes.
    pub has_all: bool,
}

impl ViewedList {
    /// Reads an address of the list.
    ///
    /// # Errors
    /// As [`ListAddress::read`].
    pub fn read(&self, uri: &Uri) -> Result<Asked, Problem> {
        if self.columns.is_empty() {
            ListAddress::read(self.path, uri, self.listing)
        } else {
            ListAddress::read_records(self.path, uri, self.listing)
        }
    }
}

/// A list as it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// By its address.
    List(ListAddress),
    /// By the filter form, which cannot write such an address; the browser is redirected to this one.
    Elsewhere(ListAddress),
}

impl ListAddress {
    /// Its query as a view keeps it: without a place in the list.
    pub fn saved_query(&self) -> String {
        let whole = Self {
            total: false,
            ..self.first()
        };
        whole.query()
    }

    /// Sets a filter. One parameter has one value: Nexus passes on the first alone (consumers 3).
    fn set(&mut self, parameter: String, value: String) {
        self.filters.retain(|(known, _)| *known != parameter);
        self.filters.push((parameter, value));
    }

    /// The page that is asked for.
    ///
    /// # Errors
    /// 400 for an invalid cursor.
    pub fn request(&self) -> Result<PageRequest, Problem> {
        let filters = self.filters.iter();
        Ok(PageRequest {
            limit: Some(ROWS),
            cursor: self.cursor.as_deref().map(Cursor::decode).transpose()?,
            sort: self.sort.as_deref().map(Sort::new),
            filters: filters
                .map(|(name, value)| Filter::new(name, value))
                .collect(),
            search: self.search.clone(),
            total: self.total,
            ..PageRequest::default()
        })
    }

    /// Whether only a part of the records is asked for.
    pub fn is_narrowed(&self) -> bool {
        self.search.is_some() || !self.filters.is_empty()
    }

    /// Whether this is a further page.
    pub fn is_behind(&self) -> bool {
        self.cursor.is_some()
    }

    /// Whether the whole list is counted.
    pub fn is_counted(&self) -> bool {
        self.total
    }

    /// The parameters that the search form keeps, besides its own inputs.
    pub fn kept(&self) -> Vec<(String, String)> {
        let own = [("sort", &self.sort), (COLUMNS, &self.columns)];
        let own = own.into_iter().filter_map(|(name, value)| {
            let value = value.as_ref()?;
            Some((name.to_owned(), value.clone()))
        });
        let all = self.all.then(|| (ALL.to_owned(), "true".to_owned()));
        let own = own.chain(all);
        own.chain(self.filters.iter().cloned()).collect()
    }

    /// The parameters that the form that chooses columns keeps.
    pub fn kept_by_columns(&self) -> Vec<(String, String)> {
        let search = self
            .search
            .iter()
            .map(|term| ("q".to_owned(), term.clone()));
        let mut kept = self.kept();
        kept.retain(|(name, _)| name != COLUMNS);
        search.chain(kept).collect()
    }

    /// The filter by a parameter.
    pub fn filter(&self, parameter: &str) -> Option<&str> {
        let mut filters = self.filters.iter();
        let found = filters.find(|(known, _)| known == parameter);
        found.map(|(_, value)| value.as_str())
    }

    /// A link to a file with the records of the list, in its order.
    pub fn file(&self, at: &Forwarded, file: &str) -> String {
        let whole = Self {
            columns: None,
            has_default: false,
            total: false,
            ..self.first()
        };
        let list = whole.href(at);
        match list.split_once('?') {
            Some((path, query)) => format!("{path}{file}?{query}"),
            None => format!("{list}{file}"),
        }
    }

    /// A link to it.
    pub fn href(&self, at: &Forwarded) -> String {
        let (path, query) = (at.link(self.path), self.query());
        if query.is_empty() && self.has_default {
            format!("{path}?{VIEW}={WHOLE}")
        } else if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        }
    }

    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let own = [
            ("q", &self.search),
            ("sort", &self.sort),
            ("cursor", &self.cursor),
            (COLUMNS, &self.columns),
        ];
        for (name, value) in own {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        for (name, is_set) in [("total", self.total), (ALL, self.all)] {
            if is_set {
                query.append_pair(name, "true");
            }
        }
        query.extend_pairs(&self.filters);
        query.finish()
    }

    /// A link to the whole list in its own order.
    pub fn path_on(&self, at: &Forwarded) -> String {
        at.link(self.path)
    }

    /// The whole list as it is at first.
    pub fn whole(&self) -> Self {
        Self {
            path: self.path,
            has_default: self.has_default,
            ..Self::default()
        }
    }

    /// The same list from its beginning.
    pub fn first(&self) -> Self {
        Self {
            cursor: None,
            ..self.clone()
        }
    }

    /// The same list after a record.
    pub fn behind(&self, cursor: &Cursor) -> Self {
        Self {
            cursor: Some(cursor.encode()),
            ..self.clone()
        }
    }

    /// The same page, with the length of the whole list.
    pub fn counted(&self) -> Self {
        Self {
            total: true,
            ..self.clone()
        }
    }

    /// The same list from its beginning with, or without, the filter of its own.
    pub fn with_all(&self, all: bool) -> Self {
        Self {
            all,
            ..self.first()
        }
    }

    /// Whether a column is filtered.
    pub fn filters_by(&self, column: &str) -> bool {
        let mut filters = self.filters.iter();
        filters.any(|(parameter, _)| Filter::new(parameter, "").name == column)
    }

    /// The whole list in the same order.
    pub fn cleared(&self) -> Self {
        Self {
            search: None,
            all: false,
            filters: Vec::new(),
            ..self.first()
        }
    }

    /// The same list with a further filter.
    pub fn with(&self, parameter: String, value: String) -> Self {
        let mut narrowed = self.first();
        narrowed.set(parameter, value);
        narrowed
    }

    /// Whether a filter is in force.
    pub fn has(&self, parameter: &str, value: &str) -> bool {
        let mut filters = self.filters.iter();
        filters.any(|(name, own)| name == parameter && own == value)
    }

    /// The same list without one of its filters.
    pub fn without(&self, parameter: &str) -> Self {
        let mut rest = self.first();
        rest.filters.retain(|(known, _)| known != parameter);
        rest
    }

    /// How a column is sorted now, as in `aria-sort`; `own` is the default order of the list.
    pub fn direction(&self, column: &str, own: &str) -> Option<&'static str> {
        let sort = self.sort.as_deref().unwrap_or(own);
        match sort.strip_prefix('-') {
            Some(name) if name == column => Some("descending"),
            None if sort == column => Some("ascending"),
            _ => None,
        }
    }

    /// The same list sorted by a column; in reverse order if it is already sorted by it.
    pub fn sorted(&self, column: &str, own: &str) -> Self {
        let descending = self.direction(column, own) == Some("ascending");
        let mark = if descending { "-" } else { "" };
        Self {
            sort: Some(format!("{mark}{column}")),
            ..self.first()
        }
    }
}

/// Columns that a caller may filter by, with their labels.
pub(crate) fn columns(listing: &Listing, scope: &Scope) -> Vec<(&'static str, String)> {
    let is_shown = |column: &Column| !column.staff || scope.companies().is_none();
    let is_text = |column: &Column| column.kind != ColumnType::Json;
    let columns = listing.columns().filter(is_shown).filter(is_text);
    columns
        .map(|column| (column.name, label(column.name)))
        .collect()
}

/// Operators as the filter form sends them, with what they are called.
pub(crate) fn operators() -> Vec<(&'static str, &'static str)> {
    let operators = OPERATORS.into_iter();
    operators
        .map(|(op, words)| (op.suffix().unwrap_or("eq"), words))
        .collect()
}

/// A filter in words.
pub(crate) fn in_words(parameter: &str, value: &str) -> String {
    let filter = Filter::new(parameter, value);
    let name = label(&filter.name);
    if filter.op == Op::IsNull {
        let known = if value == "true" {
            "is unknown"
        } else {
            "is known"
        };
        return format!("{name} {known}");
    }
    let words = OPERATORS.iter().find(|(op, _)| *op == filter.op);
    let words = words.map_or("", |(_, words)| words);
    let words = words.split(" (").next().unwrap_or_default();
    format!("{name} {words} \u{201c}{value}\u{201d}")
}
