//! Facets above a list: the values of a column, each with the list that it counts.

use codex_core::list::{Column, ColumnType, FacetOut, FacetValue, Listing, Op};

use super::{
    address::ListAddress,
    fields::{capitalized, label},
};
use crate::http::forwarded::Forwarded;

/// A column with its values.
#[derive(Debug)]
pub(crate) struct FacetView {
    pub label: String,
    pub values: Vec<FacetLink>,
    /// How many records have further values; 0 where all are shown.
    pub others: i64,
}

/// A value, and the list of the records that have it.
#[derive(Debug)]
pub(crate) struct FacetLink {
    pub text: String,
    pub count: i64,
    /// The list with the value as a filter; where it is in force, without.
    pub href: String,
    pub is_current: bool,
}

/// The facets of a list, as `templates/_facets.html` shows them. A column without values is left out.
pub(crate) fn facet_views(
    at: &Forwarded,
    listing: &Listing,
    asked: &ListAddress,
    facets: Vec<FacetOut>,
) -> Vec<FacetView> {
    let columns: Vec<Column> = listing.faceted().collect();
    let shown = facets.into_iter().filter_map(|facet| {
        let column = columns.iter().find(|known| known.name == facet.column)?;
        let links = facet.values.into_iter();
        let values: Vec<FacetLink> = links.map(|value| link(at, asked, column, value)).collect();
        (!values.is_empty()).then(|| FacetView {
            label: label(column.name),
            values,
            others: facet.others,
        })
    });
    shown.collect()
}

fn link(at: &Forwarded, asked: &ListAddress, column: &Column, facet: FacetValue) -> FacetLink {
    let (text, parameter, value) = match facet.value {
        None => (
            "unknown".to_owned(),
            Op::IsNull.parameter(column.name),
            "true".to_owned(),
        ),
        Some(value) => (
            in_words(column, &value),
            // A text is counted as it is spelled.
            if column.is_text() { Op::Exact } else { Op::Eq }.parameter(column.name),
            value,
        ),
    };
    let is_current = asked.has(&parameter, &value);
    let leads_to = if is_current {
        asked.without(&parameter)
    } else {
        asked.with(parameter, value)
    };
    FacetLink {
        text,
        count: facet.count,
        href: leads_to.href(at),
        is_current,
    }
}

fn in_words(column: &Column, value: &str) -> String {
    match (column.kind, value) {
        (ColumnType::Bool, "true") => "yes".to_owned(),
        (ColumnType::Bool, _) => "no".to_owned(),
        (ColumnType::Word, word) => capitalized(&word.replace('_', " ")),
        (_, "") => "empty".to_owned(),
        (_, text) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use codex_core::assets::query::LISTING;

    use super::*;
    use crate::pages::address::Asked;

    fn facet(column: &str, value: Option<&str>) -> FacetOut {
        FacetOut {
            column: column.to_owned(),
            others: 0,
            values: vec![FacetValue {
                count: 3,
                value: value.map(str::to_owned),
            }],
        }
    }

    #[test]
    fn values_lead_to_the_list_that_they_count() {
        let uri = "/assets/?q=pc&online=true&cursor=313a3d61".parse().unwrap();
        let Ok(Asked::List(asked)) = ListAddress::read("/assets/", &uri, &LISTING) else {
            panic!("the address is read");
        };
        let facets = vec![
            facet("hardware_type", Some("Server")),
            facet("patch_status", None),
            facet("online", Some("true")),
            facet("colour", Some("red")),
        ];
        let at = Forwarded::of(&HeaderMap::new());
        let views = facet_views(&at, &LISTING, &asked, facets);
        let links: Vec<_> = views.iter().map(|view| &view.values[0]).collect();
        let shown = links
            .iter()
            .map(|link| (link.text.as_str(), link.href.as_str()));
        let wanted = [
            (
                "Server",
                "/assets/?q=pc&online=true&hardware_type__exact=Server",
            ),
            (
                "unknown",
                "/assets/?q=pc&online=true&patch_status__isnull=true",
            ),
            ("yes", "/assets/?q=pc"),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), wanted);
        assert!(links[2].is_current && !links[0].is_current);
    }
}
