//! Lists that are older than paging: the whole of one as today, or a page where one is asked for.

use axum::{
    Json,
    http::Uri,
    response::{IntoResponse as _, Response},
};
use codex_core::{
    Scope,
    list::{Listing, MAX_LIMIT, Page, PageRequest, StaffFields},
};
use serde::Serialize;
use serde_json::json;
use utoipa::PartialSchema;

use crate::{
    api::paging::{Further, ListQuery, beside},
    auth::Call,
    http::{forwarded::Forwarded, problem::Problem},
};

/// Parameters of lists that were made with paging.
const NEWER: [&str; 5] = ["cursor", "sort", "q", "fields", "total"];

/// What a list that is older than paging is asked for by newer parameters, and whether there were any. `older` are the
/// parameters that the list always had: they are passed over here, and so is what nobody knows.
///
/// # Errors
/// 400 that names one of the newer parameters.
pub(crate) fn newer_query(
    uri: &Uri,
    listing: &Listing,
    older: &[&str],
) -> Result<(ListQuery, bool), Problem> {
    let mut newer = false;
    let query = ListQuery::of_those(uri, |name, _| {
        // No older parameter has `__` in its name: what looks like a comparison must be one.
        let is_newer = NEWER.contains(&name) || listing.knows(name) || name.contains("__");
        let taken = is_newer && !older.contains(&name);
        newer |= taken;
        taken
    })?;
    Ok((query, newer))
}

/// A list that is asked for whole or by pages.
#[derive(Debug)]
pub(crate) struct List<'a> {
    path: &'a str,
    query: Option<ListQuery>,
    /// What the list is called in its object; a bare array has no name.
    name: Option<&'static str>,
    /// The page, should one be asked for.
    pub page: PageRequest,
}

impl<'a> List<'a> {
    /// A bare array.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn array(call: &Call, uri: &'a Uri, listing: &Listing) -> Result<Self, Problem> {
        let text = uri.query().unwrap_or_default();
        let mut sent = url::form_urlencoded::parse(text.as_bytes());
        let query = if call.handling.is_strict() {
            let query = ListQuery::of(uri)?;
            sent.next().map(|_| query)
        } else {
            let (mut query, newer) = newer_query(uri, listing, &[])?;
            let limit = sent.filter(|(name, _)| name == "limit").last();
            if let Some((name, limit)) = limit {
                let limit = limit.trim().parse::<i64>().ok();
                let within = limit.map(|limit| limit.clamp(1, i64::from(MAX_LIMIT)));
                query.page.limit = within.and_then(|limit| u32::try_from(limit).ok());
                if !newer || query.page.limit.is_none() {
                    call.handling.ignore(&name);
                }
            }
            newer.then_some(query)
        };
        let page = query.as_ref().map(|query| query.page.clone());
        Ok(Self {
            path: uri.path(),
            page: page.unwrap_or_default(),
            query,
            name: None,
        })
    }

    /// An array under a name, beside the length of the whole list as `total`.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn object(
        call: &Call,
        uri: &'a Uri,
        listing: &Listing,
        name: &'static str,
    ) -> Result<Self, Problem> {
        let mut list = Self::array(call, uri, listing)?;
        list.name = Some(name);
        list.page.total = true;
        Ok(list)
    }

    /// The answer. `whole` and `page` read the list, and only that which is asked for is begun; `record` is what staff
    /// may choose fields of beside the keys of `out`, `further` is a field for everybody.
    ///
    /// # Errors
    /// Those of reading, and 400 for an unknown field.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing that a list differs by, named where it is called"
    )]
    pub async fn answer<T, R: StaffFields, Out: Serialize + PartialSchema>(
        &self,
        scope: &Scope,
        forwarded: &Forwarded,
        whole: impl Future<Output = codex_core::Result<Vec<T>>>,
        page: impl Future<Output = codex_core::Result<Page<T>>>,
        record: impl Fn(&T) -> &R,
        further: Further<'_, T>,
        out: impl Fn(T) -> Out,
    ) -> Result<Response, Problem> {
        let Some(query) = &self.query else {
            let all: Vec<Out> = whole.await?.into_iter().map(out).collect();
            return Ok(match self.name {
                Some(name) => Json(json!({name: all, "total": all.len()})).into_response(),
                None => Json(all).into_response(),
            });
        };
        query.require_fields::<Out>(scope, &R::staff_names(), further.map(|(name, _)| name))?;
        let page = page.await?;
        let beside = |row: &T| beside(scope, row, record(row), further);
        Ok(match self.name {
            Some(name) => query.answer_as(name, self.path, forwarded, page, beside, out),
            None => query.answer(self.path, forwarded, page, beside, out),
        })
    }
}
