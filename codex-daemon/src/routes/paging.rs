//! Paging of the lists that are ours: `limit`, `cursor`, and a `Link` header to the next page.

use axum::{
    Json,
    http::{HeaderValue, header::LINK},
    response::{IntoResponse as _, Response},
};
use codex_core::{
    Scope,
    ids::CompanyId,
    paging::{Cursor, Page, PageRequest},
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::{app::App, forwarded::Forwarded, problem::Problem};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParams {
    /// At most this many records, 1 to 500; the default is 500.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    pub cursor: Option<String>,
}

impl PageParams {
    /// The page asked for.
    pub fn page(&self) -> Result<PageRequest, Problem> {
        page(self.limit, self.cursor.as_deref())
    }

    /// A bare array, with the next page in a header.
    pub fn answer<T, Out: Serialize>(
        &self,
        path: &str,
        forwarded: &Forwarded,
        page: Page<T>,
        out: impl FnMut(T) -> Out,
    ) -> Response {
        linked(path, forwarded, page, self.limit, &[], out)
    }
}

fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<PageRequest, Problem> {
    let cursor = cursor.map(Cursor::decode).transpose()?;
    Ok(PageRequest { limit, cursor })
}

/// Which page of which company.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// Account number of the only company to list.
    pub company_id: Option<String>,
    /// At most this many records, 1 to 500; the default is 500.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    pub cursor: Option<String>,
}

impl ListParams {
    /// The page asked for.
    pub fn page(&self) -> Result<PageRequest, Problem> {
        page(self.limit, self.cursor.as_deref())
    }

    /// The company asked for; an unknown one is 404.
    pub async fn company(&self, app: &App, scope: &Scope) -> Result<Option<CompanyId>, Problem> {
        let Some(account) = &self.company_id else {
            return Ok(None);
        };
        match app.codex().company(scope, account).await? {
            Some(company) => Ok(Some(company.id)),
            None => Err(Problem::not_found("Company not found").flat()),
        }
    }

    /// A bare array, with the next page in a header.
    pub fn answer<T, Out: Serialize>(
        &self,
        path: &str,
        forwarded: &Forwarded,
        page: Page<T>,
        out: impl FnMut(T) -> Out,
    ) -> Response {
        let company = self
            .company_id
            .as_deref()
            .map(|company| ("company_id", company));
        linked(path, forwarded, page, self.limit, company.as_slice(), out)
    }
}

fn linked<T, Out: Serialize>(
    path: &str,
    forwarded: &Forwarded,
    page: Page<T>,
    limit: Option<u32>,
    kept: &[(&str, &str)],
    out: impl FnMut(T) -> Out,
) -> Response {
    let next = page.next.as_ref().map(|cursor| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        if let Some(limit) = limit {
            query.append_pair("limit", &limit.to_string());
        }
        query.append_pair("cursor", &cursor.encode());
        format!(
            "<{}?{}>; rel=\"next\"",
            forwarded.link(path),
            query.finish()
        )
    });
    let mut response = Json(page.map(out).items).into_response();
    if let Some(link) = next.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}
