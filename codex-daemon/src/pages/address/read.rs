//! Reading the address of a list: from the query of a request, from its forms, and from a saved view.

use axum::http::Uri;
use codex_core::{
    list::{Listing, Op},
    nearest::hint,
    views::rules::{is_filter, is_order},
};

use super::{ALL, Asked, COLUMNS, ListAddress, SHOW, ViewedList};
use crate::http::{extract::without_nul, problem::Problem};

/// Parameters of lists that are no filters.
const OWN: [&str; 8] = [
    "q", "sort", "cursor", "total", "done", "field", "op", "value",
];
/// The parameter of the form that chooses columns.
const CHOOSE: &str = "choose";
/// Parameters of lists whose columns can be chosen, and whose records can be restored.
const OF_RECORDS: [&str; 4] = [ALL, COLUMNS, CHOOSE, "restore"];
/// Parameters that say what is shown of a list just now, and are part of no view.
const PASSING: [&str; 6] = ["cursor", "total", "done", "field", "op", "value"];

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
