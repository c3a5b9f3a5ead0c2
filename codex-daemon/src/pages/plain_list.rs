//! Lists of what is no record: jobs, held deletions, duplicate candidates, the outbox, deleted records. Addresses, filters,
//! chips, facets and pages are those of lists of records.

use askama::Template;
use axum::http::Uri;
use codex_core::{
    Scope,
    list::{FacetOut, Filter, Listing, Page, PageRequest, Sort},
    plural::count_of,
};

use super::{
    address::{Asked, ListAddress},
    facets::{FacetView, facet_views},
    parts::TabView,
    record::AtFirst,
    shell::Shell,
    table::{Cell, Head, ListView, TableView},
};
use crate::http::{forwarded::Forwarded, problem::Problem};

/// What pages say of such a list.
#[derive(Debug)]
pub(super) struct PlainList {
    pub path: &'static str,
    pub title: &'static str,
    /// What stands below the title.
    pub about: &'static str,
    /// What one of it is called.
    pub noun: &'static str,
    pub listing: &'static Listing,
    /// Its order, as `sort=` states it.
    pub order: &'static str,
    /// The filter that it has at first.
    pub at_first: Option<AtFirst>,
    /// The heads of its columns, each with the column of the listing that it is sorted by; empty for one without an
    /// order. The first names a row.
    pub heads: &'static [(&'static str, &'static str)],
    /// The text for a list without rows.
    pub empty: &'static str,
}

impl PlainList {
    /// Reads an address of the list.
    ///
    /// # Errors
    /// As [`ListAddress::read`].
    pub fn read(&self, uri: &Uri) -> Result<Asked, Problem> {
        if self.at_first.is_some() {
            ListAddress::read_narrowable(self.path, uri, self.listing)
        } else {
            ListAddress::read(self.path, uri, self.listing)
        }
    }

    /// What it asks the library for.
    ///
    /// # Errors
    /// 400 for a cursor that cannot be read.
    pub fn request(&self, asked: &ListAddress) -> Result<PageRequest, Problem> {
        let mut request = asked.request()?;
        let own = self.at_first.filter(|own| own.is_in_force(asked));
        if let Some((parameter, value)) = own.and_then(|own| own.filter) {
            request.filters.push(Filter::new(parameter, value));
        }
        request.sort.get_or_insert_with(|| Sort::new(self.order));
        Ok(request)
    }

    /// A page of it, with a row of cells for each of its items.
    pub fn view<T>(
        &self,
        at: &Forwarded,
        scope: &Scope,
        asked: &ListAddress,
        page: &Page<T>,
        rows: Vec<Vec<Cell>>,
        facets: Vec<FacetOut>,
    ) -> PlainListView {
        let heads = self.heads.iter().map(|(label, column)| {
            let sorted = (!column.is_empty()).then_some(*column);
            Head {
                label: (*label).to_owned(),
                href: sorted.map(|column| asked.sorted(column, self.order).href(at)),
                aria_sort: sorted.and_then(|column| asked.direction(column, self.order)),
            }
        });
        let table = TableView {
            caption: self.title.to_owned(),
            heads: heads.collect(),
            rows,
            empty: if asked.is_narrowed() || asked.is_behind() {
                format!("No {} fits the filters.", self.noun)
            } else {
                self.empty.to_owned()
            },
        };
        let count = match page.total {
            Some(total) => format!("{} in all", count_of(total, self.noun)),
            None => format!("{} on this page", count_of(page.items.len(), self.noun)),
        };
        let next = page.next.as_ref();
        let mut list = ListView::new(at, scope, self.listing, asked, next, count, table);
        list.chips
            .extend(self.at_first.and_then(|own| own.chip(at, asked)));
        PlainListView {
            shell: Shell::new(at, self.title),
            title: self.title,
            about: self.about,
            notes: Vec::new(),
            problem: None,
            tabs: Vec::new(),
            facets: facet_views(at, self.listing, asked, facets),
            list,
        }
    }
}

/// Such a list as a page.
#[derive(Debug, Template)]
#[template(path = "plain_list.html")]
pub(super) struct PlainListView {
    pub shell: Shell,
    title: &'static str,
    about: &'static str,
    /// What somebody should know of the list now.
    pub notes: Vec<&'static str>,
    /// Why what somebody just wanted was refused.
    pub problem: Option<String>,
    /// What the list can be of, where it is of one kind at a time.
    pub tabs: Vec<TabView>,
    facets: Vec<FacetView>,
    list: ListView,
}

#[cfg(test)]
pub(super) mod samples {
    //! What lists are tested with.

    use codex_core::list::FacetValue;

    use super::{Asked, FacetOut, ListAddress, PlainList};
    use crate::pages::tests::HOSTILE;

    /// A list as a query asks for it.
    pub fn asked(list: &PlainList, query: &str) -> ListAddress {
        let uri = format!("{}?{query}", list.path).parse().unwrap();
        match list.read(&uri).unwrap() {
            Asked::List(asked) | Asked::Elsewhere(asked) => asked,
        }
    }

    /// Values of every column that has facets.
    pub fn facets(list: &PlainList) -> Vec<FacetOut> {
        let value = |value: Option<&str>| FacetValue {
            count: 3,
            value: value.map(str::to_owned),
        };
        let facets = list.listing.faceted().map(|column| FacetOut {
            column: column.name.to_owned(),
            others: 7,
            values: vec![value(Some(HOSTILE)), value(None)],
        });
        facets.collect()
    }
}

#[cfg(test)]
mod tests {
    use askama::Template as _;
    use codex_core::{Role, duplicates::query::LISTING, list::Cursor};

    use super::{
        samples::{asked, facets},
        *,
    };
    use crate::pages::parts::{cell, samples::at};

    const LIST: PlainList = PlainList {
        path: "/duplicates/",
        title: "Pairs",
        about: "Two that may be one.",
        noun: "pair",
        listing: &LISTING,
        order: "-id",
        at_first: Some(AtFirst {
            filter: Some(("state", "open")),
            until: &["state"],
            noun: "open pair",
            narrowed: "Open pairs only",
            whole: "Decided pairs, too",
        }),
        heads: &[("Pair", ""), ("Found", "first_seen")],
        empty: "There is no pair.",
    };

    fn html(query: &str, rows: Vec<Vec<Cell>>) -> String {
        let page = Page {
            items: rows.iter().map(|_| ()).collect(),
            next: Some(Cursor::new("=1", 1)),
            total: None,
        };
        let (scope, asked) = (Scope::staff(Role::Admin), asked(&LIST, query));
        let view = LIST.view(&at(), &scope, &asked, &page, rows, facets(&LIST));
        view.render().unwrap()
    }

    #[test]
    fn state_of_a_list_is_in_its_address() {
        let html = html(
            "kind=asset&sort=first_seen",
            vec![vec![cell("A"), cell("now")]],
        );
        assert!(html.contains("Kind is \u{201c}asset\u{201d}"), "{html}");
        assert!(
            html.contains("href=\"/codex/duplicates/?sort=first_seen\" aria-label=\"Remove"),
            "{html}"
        );
        assert!(html.contains("aria-sort=\"ascending\""), "{html}");
        assert!(
            html.contains("rel=\"next\" href=\"/codex/duplicates/?sort=first_seen&#38;cursor="),
            "{html}"
        );
        assert!(
            html.contains("1 pair on this page") && html.contains("Clear search"),
            "{html}"
        );
    }

    #[test]
    fn own_filter_ends_when_somebody_filters_otherwise() {
        let filters = |query: &str| {
            let request = LIST.request(&asked(&LIST, query)).unwrap();
            let filters = request.filters.into_iter();
            filters.map(|filter| filter.value).collect::<Vec<_>>()
        };
        assert_eq!(filters(""), ["open"]);
        assert_eq!(filters("kind=asset"), ["asset", "open"]);
        assert_eq!(filters("state=merged"), ["merged"]);
        assert!(filters("all=true").is_empty());
        let none = html("", Vec::new());
        assert!(
            none.contains("Open pairs only") && none.contains("There is no pair."),
            "{none}"
        );
        assert!(html("all=true", Vec::new()).contains("Decided pairs, too"));
        let narrowed = html("kind=asset", Vec::new());
        assert!(narrowed.contains("No pair fits the filters."), "{narrowed}");
    }
}
