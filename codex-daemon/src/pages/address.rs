//! The address of a list. It has filters, search, order and cursor, so that it can be sent to a colleague.

use axum::http::Uri;
use codex_core::{
    Scope,
    list::{Column, ColumnType, Cursor, Filter, Listing, Op, PageRequest, Sort},
    nearest::nearest,
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

/// Those of them that say what is shown of a list just now, and are part of no view.
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
    sort: Option<String>,
    cursor: Option<String>,
    total: bool,
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
    /// Reads the query of a list at a path.
    ///
    /// # Errors
    /// 400 that names a parameter that is unknown, or that cannot be read.
    pub fn read(path: &'static str, uri: &Uri, listing: &Listing) -> Result<Asked, Problem> {
        let mut address = Self {
            path,
            ..Self::default()
        };
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
                        .map_err(|_| bad("total", "must be true or false"))?;
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

    /// Reads the query of a view. What the list does not know any more is left out; the names of that come with it.
    pub fn read_saved(path: &'static str, query: &str, listing: &Listing) -> (Self, Vec<String>) {
        let mut kept = url::form_urlencoded::Serializer::new(String::new());
        let mut dropped = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let is_known = match &*name {
                "sort" => is_order(listing, &value),
                own if OWN.contains(&own) => !PASSING.contains(&own),
                filter => is_filter(listing, filter),
            };
            if is_known {
                kept.append_pair(&name, &value);
            } else {
                dropped.push(name.into_owned());
            }
        }
        let uri = format!("{path}?{}", kept.finish()).parse::<Uri>().ok();
        let read = uri.and_then(|uri| Self::read(path, &uri, listing).ok());
        match read {
            Some(Asked::List(address) | Asked::Elsewhere(address)) => (address, dropped),
            None => {
                let names = url::form_urlencoded::parse(query.as_bytes());
                let whole = Self {
                    path,
                    ..Self::default()
                };
                (whole, names.map(|(name, _)| name.into_owned()).collect())
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
        let sort = self
            .sort
            .iter()
            .map(|sort| ("sort".to_owned(), sort.clone()));
        sort.chain(self.filters.iter().cloned()).collect()
    }

    /// A link to it.
    pub fn href(&self, at: &Forwarded) -> String {
        let (path, query) = (at.link(self.path), self.query());
        if query.is_empty() {
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
        ];
        for (name, value) in own {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if self.total {
            query.append_pair("total", "true");
        }
        query.extend_pairs(&self.filters);
        query.finish()
    }

    /// A link to the whole list in its own order.
    pub fn path_on(&self, at: &Forwarded) -> String {
        at.link(self.path)
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

    /// The whole list in the same order.
    pub fn cleared(&self) -> Self {
        Self {
            search: None,
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
    let names = listing.columns().map(|column| column.name);
    let column = name.split("__").next().unwrap_or_default();
    let hint = nearest(column, names.chain(OWN));
    let hint = hint.map(|name| format!("; did you mean `{name}`?"));
    let hint = hint.unwrap_or_default();
    Problem::bad_request(format!("unknown parameter `{name}`{hint}"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use codex_core::companies::query::LISTING;

    use super::*;

    fn read(query: &str) -> Result<Asked, Problem> {
        let uri = format!("/companies/?{query}").parse().unwrap();
        ListAddress::read("/companies/", &uri, &LISTING)
    }

    fn href(query: &str) -> String {
        let at = Forwarded::of(&HeaderMap::new());
        match read(query).unwrap() {
            Asked::List(address) | Asked::Elsewhere(address) => address.href(&at),
        }
    }

    #[test]
    fn addresses_are_read_and_written_alike() {
        for query in [
            "",
            "q=acme",
            "sort=-name&cursor=313a3d61",
            "total=true&name__contains=a%26b",
        ] {
            assert!(matches!(read(query), Ok(Asked::List(_))), "{query}");
            let wanted = format!("/companies/?{query}");
            assert_eq!(href(query), wanted.trim_end_matches('?'));
        }
    }

    #[test]
    fn filter_form_leads_to_the_address_of_its_list() {
        let sent = "q=&sort=name&name__contains=a&field=email_system&op=contains&value=365";
        assert!(matches!(read(sent), Ok(Asked::Elsewhere(_))));
        let wanted = "/companies/?sort=name&name__contains=a&email_system__contains=365";
        assert_eq!(href(sent), wanted);
        assert_eq!(href("field=&op=eq&value="), "/companies/");
        // A filter of the same parameter is replaced.
        let again = "name__contains=a&field=name&op=contains&value=b";
        assert_eq!(href(again), "/companies/?name__contains=b");
    }

    #[test]
    fn saved_queries_lose_what_the_list_does_not_know() {
        let read = |query: &str| {
            let (address, dropped) = ListAddress::read_saved("/companies/", query, &LISTING);
            (address.saved_query(), dropped.join(" "))
        };
        for query in ["", "q=a%26b", "sort=-name&name__contains=a"] {
            assert_eq!(read(query), (query.to_owned(), String::new()));
        }
        let old = "colour=red&name__contains=a&name__like=b&sort=colour&cursor=zz&total=true";
        let dropped = "colour name__like sort cursor total";
        assert_eq!(read(old), ("name__contains=a".into(), dropped.into()));
    }

    #[test]
    fn unknown_parameters_are_refused_by_name() {
        for (query, says) in [
            ("nam__contains=a", "did you mean `name`?"),
            ("colour=red", "unknown parameter `colour`"),
            ("field=colour&op=eq&value=red", "unknown parameter `colour`"),
            ("field=name&op=like&value=a", "op: "),
            ("field=name&op=eq&value=", "value: "),
            ("total=maybe", "total: "),
            ("q=%00", "NUL"),
        ] {
            let refused = read(query).unwrap_err();
            assert_eq!(refused.status(), 400, "{query}");
            assert!(
                refused.detail().contains(says),
                "{query}: {}",
                refused.detail()
            );
        }
    }

    #[test]
    fn sorting_by_the_sorted_column_turns_it_round() {
        let address = ListAddress::default();
        assert_eq!(address.direction("name", "name"), Some("ascending"));
        let turned = address.sorted("name", "name");
        assert_eq!(turned.direction("name", "name"), Some("descending"));
        assert_eq!(
            turned.sorted("name", "name"),
            address.sorted("name", "number")
        );
        assert_eq!(turned.direction("number", "name"), None);
    }

    #[test]
    fn every_operator_has_words() {
        assert!(Op::all().eq(OPERATORS.into_iter().map(|(op, _)| op)));
        assert_eq!(
            in_words("name__contains", "a"),
            "Name contains \u{201c}a\u{201d}"
        );
        assert_eq!(
            in_words("email_system__isnull", "true"),
            "E-mail system is unknown"
        );
        assert!(in_words("name__in", "a,b").starts_with("Name is one of \u{201c}"));
    }
}
