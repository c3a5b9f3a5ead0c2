//! The address of a list. It has filters, search, order and cursor, so that it can be sent to a colleague.

use axum::http::Uri;
use codex_core::{
    Scope,
    list::{Column, ColumnType, Cursor, Filter, ListedResource, Listing, Op, PageRequest, Sort},
    nearest::hint,
    views::rules::{is_filter, is_order},
};

use super::fields::label;
use crate::http::{extract::without_nul, forwarded::Forwarded, problem::Problem};

/// Rows of a page.
pub(crate) const ROWS: u32 = 50;

/// Parameters of lists that are no filters.
const OWN: [&str; 8] = [
    "q", "sort", "cursor", "total", "done", "field", "op", "value",
];
/// The parameter that takes away the filter that a list has of its own.
const ALL: &str = "all";
/// The parameter of the form that chooses columns.
const CHOOSE: &str = "choose";
/// Parameters of lists whose columns can be chosen, and whose records can be restored.
const OF_RECORDS: [&str; 4] = [ALL, COLUMNS, CHOOSE, "restore"];
const COLUMNS: &str = "columns";
/// The prefix of the checkboxes that choose columns: each has a name of its own, because Nexus passes on one value of a
/// parameter alone (consumers 3).
pub(crate) const SHOW: &str = "show.";

/// The parameter that opens a view, and the value of it that opens the whole list.
pub(crate) const VIEW: &str = "view";
pub(crate) const WHOLE: &str = "all";
/// Parameters that say what is shown of a list just now, and are part of no view.
const PASSING: [&str; 6] = ["cursor", "total", "done", "field", "op", "value"];

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
    /// The list at a path as it is at first.
    pub fn at(path: &'static str) -> Self {
        Self {
            path,
            ..Self::default()
        }
    }

    /// Reads the query of a list at a path.
    ///
    /// # Errors
    /// 400 that names a parameter that is unknown, or that cannot be read.
    pub fn read(path: &'static str, uri: &Uri, listing: &Listing) -> Result<Asked, Problem> {
        let mut address = Self::at(path);
        let (mut field, mut op, mut value) = (String::new(), Op::Eq, String::new());
        let mut is_form = false;
        let query = uri.query().unwrap_or_default();
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &text)?;
            is_form |= ["field", "op", "value"].contains(&&*name) || text.is_empty();
            // A form also sends empty inputs.
            if text.is_empty() && (OWN.contains(&&*name) || listing.knows(&name)) {
                continue;
            }
            let text = text.into_owned();
            match &*name {
                "q" => address.search = Some(text),
                "sort" => address.sort = Some(text),
                "cursor" => address.cursor = Some(text),
                "done" => address.done = Some(text),
                "total" => {
                    address.total = text
                        .parse()
                        .map_err(|_| bad("total", "must be `true` or `false`"))?;
                }
                "field" => field = text,
                "value" => value = text,
                "op" => op = operator(&text)?,
                _ if listing.knows(&name) => address.set(name.into_owned(), text),
                _ => return Err(unknown(&name, listing)),
            }
        }
        if !field.is_empty() {
            if value.is_empty() {
                return Err(bad("value", "is missing: what must the field be?"));
            }
            if !listing.knows(&field) {
                return Err(unknown(&field, listing));
            }
            address.set(op.parameter(&field), value);
            address.cursor = None;
        }
        Ok(if is_form {
            Asked::Elsewhere(address)
        } else {
            Asked::List(address)
        })
    }

    /// The same of a list of records: it may have a filter of its own, its columns can be chosen, and a record that was
    /// just deleted can be restored.
    ///
    /// # Errors
    /// As [`ListAddress::read`].
    pub fn read_records(
        path: &'static str,
        uri: &Uri,
        listing: &Listing,
    ) -> Result<Asked, Problem> {
        Self::read_with(path, uri, listing, &OF_RECORDS)
    }

    /// The same of a list of other things, which may have a filter of its own.
    ///
    /// # Errors
    /// As [`ListAddress::read`].
    pub fn read_narrowable(
        path: &'static str,
        uri: &Uri,
        listing: &Listing,
    ) -> Result<Asked, Problem> {
        Self::read_with(path, uri, listing, &[ALL])
    }

    fn read_with(
        path: &'static str,
        uri: &Uri,
        listing: &Listing,
        further: &[&str],
    ) -> Result<Asked, Problem> {
        let (mut own, mut chosen) = (Self::default(), None::<Vec<String>>);
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        let query = uri.query().unwrap_or_default();
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &text)?;
            if !own.read_own(&name, &text, further, &mut chosen)? {
                rest.append_pair(&name, &text);
            }
        }
        let rest = format!("{path}?{}", rest.finish()).parse::<Uri>();
        let rest = rest.map_err(|_| Problem::bad_request("the query cannot be read"))?;
        let complete = |address: Self| Self {
            all: own.all,
            columns: own.columns.clone(),
            restore: own.restore,
            ..address
        };
        Ok(match (Self::read(path, &rest, listing)?, chosen) {
            (Asked::List(address) | Asked::Elsewhere(address), Some(chosen)) => {
                // None at all are those of the list.
                let columns = Some(chosen.join(",")).filter(|columns| !columns.is_empty());
                Asked::Elsewhere(Self {
                    columns,
                    ..complete(address)
                })
            }
            (Asked::Elsewhere(address), None) => Asked::Elsewhere(complete(address)),
            (Asked::List(address), None) => Asked::List(complete(address)),
        })
    }

    /// Reads one of the `further` parameters; `false` for any other. Columns that a form chooses are added to `chosen`.
    fn read_own(
        &mut self,
        name: &str,
        text: &str,
        further: &[&str],
        chosen: &mut Option<Vec<String>>,
    ) -> Result<bool, Problem> {
        if let Some(column) = name
            .strip_prefix(SHOW)
            .filter(|_| further.contains(&CHOOSE))
        {
            chosen.get_or_insert_default().push(column.to_owned());
            return Ok(true);
        }
        match name {
            _ if !further.contains(&name) => return Ok(false),
            ALL => {
                let read = text.parse();
                self.all = read.map_err(|_| bad(ALL, "must be `true` or `false`"))?;
            }
            COLUMNS => self.columns = Some(text.to_owned()).filter(|text| !text.is_empty()),
            CHOOSE => {
                chosen.get_or_insert_default();
            }
            "restore" => {
                let id = text.parse().map_err(|_| bad("restore", "must be an id"))?;
                self.restore = Some(id);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Reads the query of a view. What the list does not know any more is left out; the names of that come with it.
    pub fn read_saved(list: &ViewedList, query: &str) -> (Self, Vec<String>) {
        let mut kept = url::form_urlencoded::Serializer::new(String::new());
        let mut dropped = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name == COLUMNS {
                let names = value.split(',').map(str::trim);
                let (known, lost): (Vec<&str>, Vec<&str>) =
                    names.partition(|name| list.columns.contains(name));
                if !known.is_empty() {
                    kept.append_pair(COLUMNS, &known.join(","));
                }
                dropped.extend(lost.into_iter().map(str::to_owned));
                continue;
            }
            let is_known = match &*name {
                "sort" => is_order(list.listing, &value),
                "all" => list.has_all && value == "true",
                own if OWN.contains(&own) => !PASSING.contains(&own),
                filter => is_filter(list.listing, filter),
            };
            if is_known {
                kept.append_pair(&name, &value);
            } else {
                dropped.push(name.into_owned());
            }
        }
        let path = list.path;
        let uri = format!("{path}?{}", kept.finish()).parse::<Uri>().ok();
        let read = uri.and_then(|uri| list.read(&uri).ok());
        match read {
            Some(Asked::List(address) | Asked::Elsewhere(address)) => (address, dropped),
            None => {
                let names = url::form_urlencoded::parse(query.as_bytes());
                (
                    Self::at(path),
                    names.map(|(name, _)| name.into_owned()).collect(),
                )
            }
        }
    }

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

fn operator(word: &str) -> Result<Op, Problem> {
    let known = Op::all().find(|op| op.suffix().unwrap_or("eq") == word);
    known.ok_or_else(|| bad("op", "is none of the operators"))
}

fn bad(name: &str, what: &str) -> Problem {
    Problem::bad_request(format!("{name}: {what}"))
}

fn unknown(name: &str, listing: &Listing) -> Problem {
    let filters = listing.filters();
    let names = filters.iter().map(String::as_str);
    let hint = hint(name, names.chain(OWN).chain(OF_RECORDS));
    Problem::bad_request(format!("unknown parameter `{name}`{hint}"))
}

#[cfg(test)]
mod tests;
