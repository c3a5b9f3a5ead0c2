//! Lists by page number, as the tables of pages ask for them (contract 1.2.J).

use super::{Listing, PageRequest, Sort, Term};
use crate::{
    Result,
    scope::Scope,
    store::{Db, Q, Record},
};

/// Which page of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TablePage {
    /// From 1.
    pub page: i64,
    /// Rows of a page, 1 to 500.
    pub per_page: i64,
    /// Column to sort by; one that cannot be sorted by sorts by nothing.
    pub sort_by: Option<String>,
    /// The largest first.
    pub descending: bool,
    /// What the rows are found by.
    pub search: Option<String>,
    /// Contacts: those who are not active too.
    pub inactive: bool,
}

/// A page of a table and how many rows the table has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub total: i64,
}

/// A list as a table.
#[derive(Debug)]
pub(crate) struct Table {
    /// The list; it selects the columns of a row.
    pub listing: Listing,
    /// Names of the columns that it can be sorted by.
    pub sorts: &'static [&'static str],
}

impl TablePage {
    /// The term that is searched for. One that says nothing finds every row.
    pub(crate) fn term(&self) -> Option<Term> {
        Term::new(self.search.as_deref()?)
    }
}

impl Table {
    /// A page of the rows that `narrow` and the page leave.
    pub(crate) async fn rows<T: Record>(
        &self,
        db: &Db,
        scope: &Scope,
        page: &TablePage,
        narrow: impl Fn(&mut Q<'_>),
    ) -> Result<TableRows<T>> {
        let request = self.request(scope, page);
        self.listing.rows(db, scope, &request, narrow).await
    }

    /// Whether the caller sees a field of the rows.
    pub(crate) fn shows(&self, scope: &Scope, field: &str) -> bool {
        let mut fields = self.listing.fields.iter().copied().flatten();
        let field = fields.find(|known| known.name == field);
        field.is_some_and(|field| field.is_visible_to(scope))
    }

    /// The page as lists are asked for one, but lenient: what cannot be sorted by leaves the rows in the order of
    /// their ids.
    fn request(&self, scope: &Scope, page: &TablePage) -> PageRequest {
        let wanted = page.sort_by.as_deref().unwrap_or(self.listing.order);
        let is_sorted = self.sorts.contains(&wanted) && self.listing.sorts_by(scope, wanted);
        let sort = if is_sorted {
            Sort {
                name: wanted.to_owned(),
                descending: page.descending,
            }
        } else {
            Sort::new("id")
        };
        let is_searched = self.listing.search.is_some() && page.term().is_some();
        PageRequest {
            limit: Some(u32::try_from(page.per_page).unwrap_or_default()),
            offset: Some((page.page.max(1) - 1).saturating_mul(page.per_page)),
            search: page.search.clone().filter(|_| is_searched),
            sort: Some(sort),
            total: true,
            ..PageRequest::default()
        }
    }
}
