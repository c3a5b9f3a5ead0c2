//! Facets of lists: how many records have each value of a column.

use codex_core::list::{FacetOut, ListedResource};

use crate::{
    Client, ListOptions, Result,
    page::with_filters,
    request::{Call, json},
};

impl Client {
    /// How many records of a list have each value of some columns, within the company, the search and the filters of
    /// `options`; without `columns`, of all columns that have facets.
    pub async fn facets(
        &self,
        list: ListedResource,
        columns: &[&str],
        options: &ListOptions,
    ) -> Result<Vec<FacetOut>> {
        let columns = (!columns.is_empty()).then(|| columns.join(","));
        let named = [
            ("columns", columns),
            ("company_id", options.company_id.clone()),
            ("q", options.q.clone()),
        ];
        let named = named.into_iter();
        let query: Vec<_> = named
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let mut url = self.0.url(&["api", list.name(), "facets"], &query)?;
        with_filters(&mut url, &options.filters);
        self.0.send(&Call::get(url)).await?.decode(json)
    }
}
