//! Pages of the lists that are bounded.

use codex_core::paging::Op;
use reqwest::header::{HeaderMap, LINK};

/// Which records of a list.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Account number of the only company to list.
    pub company_id: Option<String>,
    /// At most this many records a page, 1 to 500.
    pub limit: Option<u32>,
    /// Where to go on, from the page before.
    pub cursor: Option<String>,
    /// A column to sort by, `-` before it for the largest first.
    pub sort: Option<String>,
    /// Only records whose name holds all words of this term.
    pub q: Option<String>,
    /// Whether to count the whole list.
    pub total: bool,
    /// Only records that fit all of these; see [`ListOptions::with`].
    pub filters: Vec<(String, String)>,
}

/// A page of records.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<String>,
    /// How many records the whole list has, when that was asked for.
    pub total: Option<u64>,
}

impl ListOptions {
    /// Only records of which a column stands so to a value: `with("name", Op::Contains, "acme")`.
    pub fn with(mut self, column: &str, op: Op, value: impl std::fmt::Display) -> Self {
        let name = match op.suffix() {
            Some(suffix) => format!("{column}__{suffix}"),
            None => column.to_owned(),
        };
        self.filters.push((name, format!("{value}")));
        self
    }

    pub(crate) fn query(&self) -> Vec<(&str, String)> {
        let limit = self.limit.map(|limit| limit.to_string());
        let named = [
            ("company_id", self.company_id.clone()),
            ("limit", limit),
            ("cursor", self.cursor.clone()),
            ("sort", self.sort.clone()),
            ("q", self.q.clone()),
            ("total", self.total.then(|| "true".to_owned())),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let filters = self
            .filters
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        named.chain(filters).collect()
    }
}

/// The count of the whole list, where it was asked for.
pub(crate) fn total(headers: &HeaderMap) -> Option<u64> {
    headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}

/// The cursor in `Link: <...cursor=...>; rel="next"` (RFC 8288), wherever among the links it stands.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    let links = headers.get_all(LINK).iter();
    links
        .filter_map(|value| value.to_str().ok())
        // A target ends at `>`, so each `<` begins a link.
        .flat_map(|value| value.split('<').skip(1))
        .find_map(|link| {
            let (target, parameters) = link.split_once('>')?;
            let is_next = parameters
                .split([';', ','])
                .any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
            let query = target.split_once('?').filter(|_| is_next)?.1;
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find_map(|(name, value)| (name == "cursor").then(|| value.into_owned()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(link: &str) -> HeaderMap {
        HeaderMap::from_iter([(LINK, link.parse().unwrap())])
    }

    #[test]
    fn the_cursor_of_the_next_link_is_found_among_others() {
        let links = r#"</codex/api/assets?cursor=00>; rel="prev", </codex/api/assets?limit=5&cursor=a%2B1>; rel="next""#;
        assert_eq!(next(&headers(links)).as_deref(), Some("a+1"));
    }

    #[test]
    fn other_links_are_no_next_page() {
        assert_eq!(next(&HeaderMap::new()), None);
        assert_eq!(next(&headers(r#"</a?cursor=1>; rel="prev""#)), None);
        assert_eq!(next(&headers(r#"</a>; rel="next""#)), None);
    }
}
