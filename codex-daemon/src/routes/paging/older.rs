//! Lists that are older than paging: the whole of one as today, or a page where one is asked for (contract 7).

use axum::{
    Json,
    http::Uri,
    response::{IntoResponse as _, Response},
};
use codex_core::{
    Scope,
    changes::Tracked,
    listing::Listing,
    paging::{MAX_LIMIT, Page, PageRequest},
};
use serde::Serialize;
use serde_json::json;
use utoipa::PartialSchema;

use super::{ListQuery, kept, tracked};
use crate::{extract::without_nul, forwarded::Forwarded, problem::Problem};

/// Parameters of lists that were made with paging.
const NEWER: [&str; 5] = ["cursor", "sort", "q", "fields", "total"];

impl ListQuery {
    /// What a list that is older than paging is asked for; `None` when nothing but its older parameters is sent.
    ///
    /// The newer parameters are strict; `limit` and whatever else there is stay as lenient as they were
    /// (contract 7).
    pub fn of_older_list(uri: &Uri, listing: &Listing) -> Result<Option<Self>, Problem> {
        let mut query = Self::default();
        let mut newer = false;
        let text = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            without_nul(&name, &value)?;
            // No older parameter has `__` in its name: what looks like a comparison must be one.
            if NEWER.contains(&&*name) || listing.knows(&name) || name.contains("__") {
                newer = true;
                query.take(&name, &value)?;
            } else if name == "limit" {
                let limit = value.trim().parse::<i64>().ok();
                let limit = limit.map(|limit| limit.clamp(1, i64::from(MAX_LIMIT)));
                query.page.limit = limit.and_then(|limit| u32::try_from(limit).ok());
            }
        }
        query.kept = kept(uri);
        Ok(newer.then_some(query))
    }
}

/// A list that is asked for whole or by pages.
pub(in crate::routes) struct OlderList<'a> {
    path: &'a str,
    query: Option<ListQuery>,
    /// What the list is called in its object; a bare array has no name.
    name: Option<&'static str>,
    /// The page, should one be asked for.
    pub page: PageRequest,
}

impl<'a> OlderList<'a> {
    /// A bare array.
    pub fn array(uri: &'a Uri, listing: &Listing) -> Result<Self, Problem> {
        let query = ListQuery::of_older_list(uri, listing)?;
        Ok(Self {
            path: uri.path(),
            page: query
                .as_ref()
                .map(ListQuery::page)
                .cloned()
                .unwrap_or_default(),
            query,
            name: None,
        })
    }

    /// An array under a name, beside the length of the whole list as `total`.
    pub fn object(uri: &'a Uri, listing: &Listing, name: &'static str) -> Result<Self, Problem> {
        let mut list = Self::array(uri, listing)?;
        list.name = Some(name);
        list.page.total = true;
        Ok(list)
    }

    /// The answer. `whole` and `page` read the list, and only that which is asked for is begun; `fields` are those
    /// that staff may choose beside the keys of `out`.
    pub async fn answer<T, Fields: Tracked, Out: Serialize + PartialSchema>(
        &self,
        scope: &Scope,
        forwarded: &Forwarded,
        whole: impl Future<Output = codex_core::Result<Vec<T>>>,
        page: impl Future<Output = codex_core::Result<Page<T>>>,
        fields: impl Fn(&T) -> &Fields,
        out: impl Fn(T) -> Out,
    ) -> Result<Response, Problem> {
        let Some(query) = &self.query else {
            let all: Vec<Out> = whole.await?.into_iter().map(out).collect();
            return Ok(match self.name {
                Some(name) => Json(json!({name: all, "total": all.len()})).into_response(),
                None => Json(all).into_response(),
            });
        };
        query.require_fields::<Out, Fields>(scope)?;
        let page = page.await?;
        let tracked = |record: &T| tracked(scope, fields(record));
        match self.name {
            Some(name) => query.answer_as(name, self.path, forwarded, page, tracked, out),
            None => query.answer(self.path, forwarded, page, tracked, out),
        }
    }
}
