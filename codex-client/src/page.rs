//! Pages of the lists that are bounded.

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
}

/// A page of records.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

impl ListOptions {
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let limit = self.limit.map(|limit| limit.to_string());
        [
            ("company_id", self.company_id.clone()),
            ("limit", limit),
            ("cursor", self.cursor.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }
}

/// The cursor in `Link: <...cursor=...>; rel="next"`.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
    let query = target.split_once('?')?.1;
    let cursor =
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor")?;
    rest.contains("rel=\"next\"").then(|| cursor.1.into_owned())
}
