//! Paging of the lists that are ours: `limit`, `cursor`, and a `Link` header to the next page.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, Uri, header::LINK, request::Parts},
    response::{IntoResponse as _, Response},
};
use codex_core::{
    Scope,
    changes::Tracked,
    ids::CompanyId,
    paging::{Cursor, Filter, Page, PageRequest, Sort},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, PartialSchema};

mod older;
pub(super) use older::OlderList;

use crate::{app::App, extract::without_nul, forwarded::Forwarded, problem::Problem};

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
    Ok(PageRequest {
        limit,
        cursor,
        ..PageRequest::default()
    })
}

/// Which records of a list; every other parameter is a filter.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `ListQuery` reads")]
pub(super) struct ListParams {
    /// Account number of the only company to list.
    company_id: Option<String>,
}

/// Which page of a list, and in which order.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `ListQuery` reads")]
pub(super) struct PageOfListParams {
    /// At most this many records, 1 to 500; the default is 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on, from the `Link` header of the page before.
    cursor: Option<String>,
    /// A column to sort by, `-` before it for the largest first. What is not known comes last.
    #[param(example = "-updated_at")]
    sort: Option<String>,
    /// Only records whose name, address or number holds all words of this term.
    q: Option<String>,
    /// Only these keys of each record, with commas between; any tracked field may be named.
    fields: Option<String>,
    /// `true` counts the whole list into `X-Total-Count`.
    #[param(example = true)]
    total: Option<bool>,
}

/// Which records of a list, strictly read.
#[derive(Debug, Default)]
pub(super) struct ListQuery {
    company_id: Option<String>,
    fields: Option<Vec<String>>,
    page: PageRequest,
    /// Everything but the cursor, for the address of the next page.
    kept: Vec<(String, String)>,
}

/// The parameters of a list as they were sent, without those that say where to go on.
pub(super) fn kept(uri: &Uri) -> Vec<(String, String)> {
    let text = uri.query().unwrap_or_default();
    let mut pairs: Vec<_> = url::form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect();
    pairs.retain(|(name, _)| !["cursor", "offset"].contains(&name.as_str()));
    pairs
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut query = Self::default();
        let text = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            without_nul(&name, &value)?;
            query.take(&name, &value)?;
        }
        query.kept = kept(&parts.uri);
        Ok(query)
    }
}

impl ListQuery {
    /// The page asked for, in this order unless another is asked for.
    pub fn page_by(&self, name: &str, descending: bool) -> PageRequest {
        let own = Sort {
            name: name.to_owned(),
            descending,
        };
        PageRequest {
            sort: self.page.sort.clone().or(Some(own)),
            ..self.page.clone()
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let bad = |what: &str| Problem::bad_request(format!("{name}: {what}"));
        let page = &mut self.page;
        match name {
            "company_id" => self.company_id = Some(value.to_owned()),
            "limit" => {
                let limit = value.parse().map_err(|_| bad("must be from 1 to 500"))?;
                page.limit = Some(limit);
            }
            "cursor" => page.cursor = Some(Cursor::decode(value)?),
            "sort" => page.sort = Some(Sort::new(value)),
            "q" => page.search = Some(value.to_owned()),
            "fields" => {
                self.fields = Some(value.split(',').map(|key| key.trim().to_owned()).collect());
            }
            "total" => {
                page.total = value.parse().map_err(|_| bad("must be true or false"))?;
            }
            _ => page.filters.push(Filter::new(name, value)),
        }
        Ok(())
    }

    /// The page asked for.
    pub fn page(&self) -> &PageRequest {
        &self.page
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

    /// A bare array, with the next page and the count in headers. `tracked` gives the fields of a record that
    /// its answer does not have, for those who may ask for them.
    pub fn answer<T, Out: Serialize>(
        &self,
        path: &str,
        forwarded: &Forwarded,
        page: Page<T>,
        tracked: impl Fn(&T) -> Option<Value>,
        out: impl Fn(T) -> Out,
    ) -> Result<Response, Problem> {
        let kept = &self.kept;
        if self.fields.is_none() {
            return Ok(linked(path, forwarded, page, None, kept, out));
        }
        let (next, total) = (page.next, page.total);
        let rows = page.items.into_iter();
        let rows = rows.map(|item| self.chosen(item, &tracked, &out));
        let page = Page {
            items: rows.collect::<Result<Vec<_>, _>>()?,
            next,
            total,
        };
        Ok(linked(path, forwarded, page, None, kept, |row| row))
    }

    /// The same in an object under a name, beside the length of the whole list, which the page must know.
    pub fn answer_as<T, Out: Serialize>(
        &self,
        name: &str,
        path: &str,
        forwarded: &Forwarded,
        page: Page<T>,
        tracked: impl Fn(&T) -> Option<Value>,
        out: impl Fn(T) -> Out,
    ) -> Result<Response, Problem> {
        let row = |item| match self.fields {
            Some(_) => self.chosen(item, &tracked, &out).map(Value::Object),
            None => Ok(serde_json::to_value(out(item)).unwrap_or_default()),
        };
        let next = page.next.as_ref();
        let link = next.map(|cursor| next_link(path, forwarded, None, &self.kept, cursor));
        let rows = page.items.into_iter().map(row);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let response = Json(json!({name: rows, "total": page.total})).into_response();
        let counted = page.total.filter(|_| self.page.total);
        Ok(with_link(with_total(response, counted), link.as_deref()))
    }

    /// Refuses a field that a record of a kind has not, even where no record is found: the keys of its answer, and
    /// for staff those of its tracked fields.
    pub fn require_fields<Out: PartialSchema, Fields: Tracked>(
        &self,
        scope: &Scope,
    ) -> Result<(), Problem> {
        let Some(fields) = &self.fields else {
            return Ok(());
        };
        let schema = serde_json::to_value(Out::schema()).unwrap_or_default();
        let staff = scope.companies().is_none();
        let is_tracked = |field: &str| staff && Fields::NAMES.contains(&field);
        let is_known = |field: &str| schema["properties"].get(field).is_some() || is_tracked(field);
        match fields.iter().find(|field| !is_known(field)) {
            Some(field) => Err(no_field(field)),
            None => Ok(()),
        }
    }

    /// Whether only some keys of each record were asked for.
    pub fn chooses(&self) -> bool {
        self.fields.is_some()
    }

    /// Those keys of a record.
    pub fn chosen<T, Out: Serialize>(
        &self,
        item: T,
        tracked: impl Fn(&T) -> Option<Value>,
        out: impl Fn(T) -> Out,
    ) -> Result<Map<String, Value>, Problem> {
        let tracked = tracked(&item);
        let own = serde_json::to_value(out(item)).unwrap_or_default();
        let mut all = Map::new();
        for part in [tracked, Some(own)].into_iter().flatten() {
            if let Value::Object(part) = part {
                all.extend(part);
            }
        }
        let mut row = Map::new();
        for field in self.fields.iter().flatten() {
            let value = all.get(field).ok_or_else(|| no_field(field))?;
            row.insert(field.clone(), value.clone());
        }
        Ok(row)
    }
}

/// The tracked fields of a record, for those who may ask for them: not for clients.
pub(super) fn tracked(scope: &Scope, fields: &impl Serialize) -> Option<Value> {
    let staff = scope.companies().is_none();
    staff.then(|| serde_json::to_value(fields).ok()).flatten()
}

fn no_field(field: &str) -> Problem {
    Problem::bad_request(format!("fields: there is no `{field}`"))
}

fn linked<T, Out: Serialize>(
    path: &str,
    forwarded: &Forwarded,
    page: Page<T>,
    limit: Option<u32>,
    kept: &[(String, String)],
    out: impl FnMut(T) -> Out,
) -> Response {
    let next = page.next.as_ref();
    let link = next.map(|cursor| next_link(path, forwarded, limit, kept, cursor));
    let total = page.total;
    let response = Json(page.map(out).items).into_response();
    with_link(with_total(response, total), link.as_deref())
}

/// An answer with the length of the whole list, where it was counted.
pub(super) fn with_total(mut response: Response, total: Option<i64>) -> Response {
    if let Some(total) = total {
        response.headers_mut().insert("x-total-count", total.into());
    }
    response
}

/// The address of the next page as a `Link` (RFC 8288).
pub(super) fn next_link(
    path: &str,
    forwarded: &Forwarded,
    limit: Option<u32>,
    kept: &[(String, String)],
    cursor: &Cursor,
) -> String {
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
}

/// An answer with a `Link`, where there is one.
pub(super) fn with_link(mut response: Response, link: Option<&str>) -> Response {
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(link).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}
