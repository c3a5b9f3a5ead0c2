//! Pages of the lists that are bounded.

use std::fmt::Display;

use codex_core::list::{MAX_LIMIT, Op, listed};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use reqwest::header::{HeaderMap, LINK};
use serde::de::DeserializeOwned;
use serde_json::Result as Json;
use url::Url;

use crate::{
    Result,
    request::{Call, Requester, json},
};

/// The records of a list in order, as [`futures::Stream`]: a page is fetched when the one before is used up, and
/// one page is held at most. An error takes the place of the page that it concerns, and is the end. What is
/// downloaded with one call comes record by record, and one record is held. The states of a job come the same way:
/// [`crate::Sync::watch`].
pub type Records<T> = BoxStream<'static, Result<T>>;

/// Names and values of a query.
pub(crate) type Query<'q> = Vec<(&'q str, String)>;

/// Which records of a list.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Account number of the only company to list.
    pub company_id: Option<String>,
    /// At most this many records a page, 1 to 500; 500 when not given.
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
    pub filters: Vec<Filter>,
}

/// How a column of a record must stand to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// How they stand to each other.
    pub op: Op,
    /// The value: text, a number, `true` or `false`, a time as RFC 3339 or YYYY-MM-DD.
    pub value: String,
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
    /// Only records of which a column stands so to a value: `with("name", Op::Contains, "acme")`. The server
    /// refuses an unknown column by its name.
    pub fn with(mut self, column: &str, op: Op, value: impl Display) -> Self {
        self.filters.push(Filter {
            column: column.to_owned(),
            op,
            value: value.to_string(),
        });
        self
    }

    /// Only records of which a column is one of several values.
    pub fn one_of(self, column: &str, values: impl IntoIterator<Item: Display>) -> Self {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        self.with(column, Op::In, listed(values))
    }

    /// The same with an order: lists that are older than paging come in pages only when they are asked for one
    /// (contract 7).
    pub(crate) fn in_order(&self, column: &str) -> Self {
        let mut options = self.clone();
        options.sort.get_or_insert_with(|| column.to_owned());
        options
    }

    pub(crate) fn query(&self) -> Query<'static> {
        // Without a limit some lists come whole, and would be held here.
        let limit = Some(self.limit.unwrap_or(MAX_LIMIT).to_string());
        let named = [
            ("company_id", self.company_id.clone()),
            ("limit", limit),
            ("cursor", self.cursor.clone()),
            ("sort", self.sort.clone()),
            ("q", self.q.clone()),
            ("total", self.total.then(|| "true".to_owned())),
        ];
        let named = named.into_iter();
        named
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

impl Filter {
    fn pair(&self) -> (String, &str) {
        let name = match self.op.suffix() {
            Some(suffix) => format!("{}__{suffix}", self.column),
            None => self.column.clone(),
        };
        (name, &self.value)
    }
}

impl Requester {
    /// A page of a bare array.
    pub async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        options: &ListOptions,
    ) -> Result<Page<T>> {
        self.page_of(&options.call(self, path)?, json).await
    }

    /// Every record of a bare array from the page that `options` name.
    pub fn records<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &[&str],
        options: &ListOptions,
    ) -> Records<T> {
        self.stream(options.call(self, path), json)
    }

    /// The same of some keys of each record.
    pub fn chosen<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &[&str],
        fields: &[&str],
        options: &ListOptions,
    ) -> Records<T> {
        let call = options.call(self, path).map(|mut call| {
            let fields = fields.join(",");
            call.url.query_pairs_mut().append_pair("fields", &fields);
            call
        });
        self.stream(call, json)
    }

    /// Every record from a page on; `items` takes them out of a body.
    pub fn stream<T: Send + 'static>(
        &self,
        first: Result<Call>,
        items: fn(&[u8]) -> Json<Vec<T>>,
    ) -> Records<T> {
        let requester = self.clone();
        let pages = stream::try_unfold(Some(first), move |call| {
            let requester = requester.clone();
            async move {
                let Some(call) = call else {
                    return Ok(None);
                };
                let mut call = call?;
                let page = requester.page_of(&call, items).await?;
                let next = page.next.map(|cursor| {
                    go_on(&mut call, &cursor);
                    Ok(call)
                });
                let items = stream::iter(page.items.into_iter().map(Ok));
                Ok(Some((items, next)))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn page_of<T>(&self, call: &Call, items: fn(&[u8]) -> Json<Vec<T>>) -> Result<Page<T>> {
        let answer = self.send(call).await?;
        let headers = &answer.reply.headers;
        Ok(Page {
            next: next(headers),
            total: total(headers),
            items: answer.decode(items)?,
        })
    }
}

impl ListOptions {
    pub(crate) fn call(&self, requester: &Requester, path: &[&str]) -> Result<Call> {
        let mut url = requester.url(path, &self.query())?;
        with_filters(&mut url, &self.filters);
        Ok(Call::get(url))
    }
}

/// Adds conditions to an address.
pub(crate) fn with_filters(url: &mut Url, filters: &[Filter]) {
    if !filters.is_empty() {
        let pairs = filters.iter().map(Filter::pair);
        url.query_pairs_mut().extend_pairs(pairs);
    }
}

/// Makes a call ask for the page behind a cursor.
fn go_on(call: &mut Call, cursor: &str) {
    let pairs = call.url.query_pairs();
    let kept: Vec<(String, String)> = pairs
        .filter(|(name, _)| name != "cursor" && name != "offset")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut query = call.url.query_pairs_mut();
    query
        .clear()
        .extend_pairs(kept)
        .append_pair("cursor", cursor);
}

/// The count of the whole list, where it was asked for.
fn total(headers: &HeaderMap) -> Option<u64> {
    headers.get("x-total-count")?.to_str().ok()?.parse().ok()
}

/// The cursor in `Link: <...cursor=...>; rel="next"` (RFC 8288), wherever among the links it stands.
fn next(headers: &HeaderMap) -> Option<String> {
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
    fn next_cursor_is_read_from_the_link_header() {
        let links = r#"</codex/api/assets?cursor=00>; rel="prev", </codex/api/assets?limit=5&cursor=a%2B1>; rel="next""#;
        assert_eq!(next(&headers(links)).as_deref(), Some("a+1"));
    }

    #[test]
    fn links_without_next_or_cursor_are_ignored() {
        assert_eq!(next(&HeaderMap::new()), None);
        assert_eq!(next(&headers(r#"</a?cursor=1>; rel="prev""#)), None);
        assert_eq!(next(&headers(r#"</a>; rel="next""#)), None);
    }
}
