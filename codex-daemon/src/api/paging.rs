//! Paging of the lists that are ours: `limit`, `cursor`, and a `Link` header to the next page.

use std::collections::HashSet;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderValue, Uri, header::LINK, request::Parts},
    response::{IntoResponse, Response},
};
use codex_core::{
    Scope,
    companies::{COMPANY_ID, COMPANY_NUMBER},
    ids::CompanyId,
    list::{Cursor, Filter, Op, Page, PageRequest, Sort, StaffFields},
    nearest::hint,
    tags,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, PartialSchema};

use crate::{
    app::App,
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParams {
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
pub(crate) struct ListParams {
    /// Account number of the only company to list.
    company_id: Option<String>,
}

/// Which page of a list, and in which order.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `ListQuery` reads")]
pub(crate) struct PageOfListParams {
    /// At most this many records, 1 to 500.
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
pub(crate) struct ListQuery {
    company_id: Option<String>,
    fields: Option<Vec<String>>,
    /// The page asked for.
    pub page: PageRequest,
    /// Everything but the cursor, for the address of the next page.
    kept: Vec<(String, String)>,
}

/// The parameters of a list as they were sent, without those that say where to go on.
pub(crate) fn kept(uri: &Uri) -> Vec<(String, String)> {
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
        Self::of(&parts.uri)
    }
}

impl ListQuery {
    /// Reads a query, every parameter strictly.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        Self::of_those(uri, |_, _| true)
    }

    /// The same of the parameters that `taken` chooses by name and value.
    ///
    /// # Errors
    /// 400 that names the parameter.
    pub fn of_those(uri: &Uri, mut taken: impl FnMut(&str, &str) -> bool) -> Result<Self, Problem> {
        let mut query = Self::default();
        let text = uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            without_nul(&name, &value)?;
            if taken(&name, &value) {
                query.take(&name, &value)?;
            }
        }
        query.kept = kept(uri);
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let bad = |what: &str| Problem::bad_request(format!("{name}: {what}"));
        let page = &mut self.page;
        match name {
            COMPANY_ID => self.company_id = Some(value.to_owned()),
            "limit" => {
                let limit = value.parse().map_err(|_| bad("must be from 1 to 500"))?;
                page.limit = Some(limit);
            }
            "cursor" => page.cursor = Some(Cursor::decode(value)?),
            "sort" => page.sort = Some(Sort::new(value)),
            "q" => page.search = Some(value.to_owned()),
            "fields" => {
                let fields = named(value);
                page.tags = fields.contains(&tags::FIELD);
                self.fields = Some(fields.into_iter().map(str::to_owned).collect());
            }
            "total" => {
                page.total = value
                    .parse()
                    .map_err(|_| bad("must be `true` or `false`"))?;
            }
            _ => page.filters.push(Filter::new(name, value)),
        }
        Ok(())
    }

    /// The company asked for, by its account number or one that it had before; an unknown one is 404.
    pub async fn company(
        &mut self,
        app: &App,
        scope: &Scope,
    ) -> Result<Option<CompanyId>, Problem> {
        let Some(account) = self.account_number()? else {
            return Ok(None);
        };
        match app.codex().company(scope, &account).await? {
            Some(company) => Ok(Some(company.id)),
            None => Err(Problem::not_found("Company not found").flat()),
        }
    }

    /// The only account number asked for, which is then no filter of a column any more.
    pub fn account_number(&mut self) -> Result<Option<String>, Problem> {
        let filters = &mut self.page.filters;
        let is_company = |filter: &Filter| filter.name == COMPANY_NUMBER && filter.op == Op::Eq;
        let mut wanted: Vec<String> = self.company_id.take().into_iter().collect();
        let of_column = filters.iter().filter(|filter| is_company(filter));
        wanted.extend(of_column.map(|filter| filter.value.clone()));
        filters.retain(|filter| !is_company(filter));
        if wanted.windows(2).any(|two| two[0] != two[1]) {
            let message = format!(
                "{COMPANY_NUMBER}: names more than one company; `{COMPANY_NUMBER}__in` may"
            );
            return Err(Problem::bad_request(message));
        }
        Ok(wanted.pop())
    }

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

    /// Whether the whole list is asked for: neither a page nor what is behind one.
    pub fn is_whole(&self) -> bool {
        self.page.limit.is_none() && self.page.cursor.is_none()
    }

    /// A bare array, with the next page and the count in headers. `beside` gives the fields of a record that
    /// its answer does not have, for those who may ask for them.
    pub fn answer<T, Out: Serialize>(
        &self,
        path: &str,
        forwarded: &Forwarded,
        page: Page<T>,
        beside: impl Fn(&T) -> Map<String, Value>,
        out: impl Fn(T) -> Out,
    ) -> Response {
        let row = |item| self.shown(item, &beside, &out);
        linked(path, forwarded, page, None, &self.kept, row)
    }

    /// The same in an object under a name, beside the length of the whole list, which the page must know.
    pub fn answer_as<T, Out: Serialize>(
        &self,
        name: &str,
        path: &str,
        forwarded: &Forwarded,
        page: Page<T>,
        beside: impl Fn(&T) -> Map<String, Value>,
        out: impl Fn(T) -> Out,
    ) -> Response {
        let next = page.next.as_ref();
        let link = next.map(|cursor| next_link(path, forwarded, None, &self.kept, cursor));
        let rows = page.items.into_iter();
        let rows: Vec<_> = rows.map(|item| self.shown(item, &beside, &out)).collect();
        let response = Json(json!({name: rows, "total": page.total})).into_response();
        let counted = page.total.filter(|_| self.page.total);
        with_link(with_total(response, counted), link.as_deref())
    }

    /// What is shown of a record.
    pub fn shown<T, Out: Serialize>(
        &self,
        item: T,
        beside: impl Fn(&T) -> Map<String, Value>,
        out: impl Fn(T) -> Out,
    ) -> Shown<Out> {
        if self.fields.is_some() {
            Shown::Chosen(self.chosen(item, beside, out))
        } else {
            Shown::Whole(out(item))
        }
    }

    /// Refuses a field that a record of a kind has not, even where no record is found: the keys of its answer, a
    /// further one, and for staff `of_staff`.
    pub fn require_fields<Out: PartialSchema>(
        &self,
        scope: &Scope,
        of_staff: &[&'static str],
        further: Option<&str>,
    ) -> Result<(), Problem> {
        let Some(fields) = &self.fields else {
            return Ok(());
        };
        let schema = serde_json::to_value(Out::schema()).unwrap_or_default();
        let own = schema["properties"].as_object().into_iter().flatten();
        let mut known: Vec<&str> = own.map(|(name, _)| name.as_str()).chain(further).collect();
        if scope.companies().is_none() {
            known.extend(of_staff);
        }
        match fields.iter().find(|field| !known.contains(&field.as_str())) {
            Some(field) => Err(no_field(field, known)),
            None => Ok(()),
        }
    }

    /// Whether only some keys of each record were asked for.
    pub fn chooses(&self) -> bool {
        self.fields.is_some()
    }

    /// Those of some keys that were asked for.
    pub fn chosen_of(&self, keys: &[&'static str]) -> Vec<&'static str> {
        let chosen = self.fields.as_deref().unwrap_or_default();
        let is_chosen = |key: &&&str| chosen.iter().any(|field| field == **key);
        keys.iter().filter(is_chosen).copied().collect()
    }

    /// Those keys of a record, which [`ListQuery::require_fields`] knows; null where its answer leaves one out.
    pub fn chosen<T, Out: Serialize>(
        &self,
        item: T,
        beside: impl Fn(&T) -> Map<String, Value>,
        out: impl Fn(T) -> Out,
    ) -> Map<String, Value> {
        let mut all = beside(&item);
        if let Ok(Value::Object(own)) = serde_json::to_value(out(item)) {
            all.extend(own);
        }
        let fields = self.fields.iter().flatten();
        fields
            .map(|field| (field.clone(), all.get(field).cloned().unwrap_or_default()))
            .collect()
    }
}

/// What is shown of a record: all of its answer, or the fields that were chosen.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Shown<Out> {
    Whole(Out),
    Chosen(Map<String, Value>),
}

/// A field that is neither a key of an answer nor tracked, and its value of a record.
pub(crate) type Further<'f, T> = Option<(&'static str, &'f (dyn Fn(&T) -> Value + Sync))>;

/// The fields of a row beside the keys of its answer: a further one, and those of its record for staff.
pub(crate) fn beside<T>(
    scope: &Scope,
    row: &T,
    record: &impl StaffFields,
    further: Further<'_, T>,
) -> Map<String, Value> {
    let mut beside = match scope.companies() {
        None => record.staff_fields(),
        Some(_) => Map::new(),
    };
    if let Some((name, value)) = further {
        beside.insert(name.to_owned(), value(row));
    }
    beside
}

/// The keys that `fields` names, each once: for each of them the value of every record is copied.
pub(crate) fn named(fields: &str) -> Vec<&str> {
    let mut met = HashSet::new();
    let keys = fields.split(',').map(str::trim);
    keys.filter(|key| met.insert(*key)).collect()
}

pub(crate) fn no_field<N: AsRef<str>>(field: &str, known: impl IntoIterator<Item = N>) -> Problem {
    let known: Vec<N> = known.into_iter().collect();
    let names = || known.iter().map(AsRef::as_ref);
    let company = names().find(|name| name.starts_with(COMPANY_NUMBER) && field == COMPANY_ID);
    let hint = hint(company.unwrap_or(field), names());
    Problem::bad_request(format!("fields: there is no `{field}`{hint}"))
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

/// An older list that is a part of what there is: its headers say so.
pub(crate) fn cut(
    uri: &Uri,
    forwarded: &Forwarded,
    answer: impl IntoResponse,
    next: Option<Cursor>,
    total: Option<i64>,
) -> Response {
    let link = next.map(|next| next_link(uri.path(), forwarded, None, &kept(uri), &next));
    let answer = with_total(answer.into_response(), Some(total.unwrap_or_default()));
    with_link(answer, link.as_deref())
}

/// An answer with the length of the whole list, where it was counted.
pub(crate) fn with_total(mut response: Response, total: Option<i64>) -> Response {
    if let Some(total) = total {
        response.headers_mut().insert("x-total-count", total.into());
    }
    response
}

/// The address of the next page as a `Link` (RFC 8288).
pub(crate) fn next_link(
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
pub(crate) fn with_link(mut response: Response, link: Option<&str>) -> Response {
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(link).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn repeated_fields_are_returned_once() {
        assert_eq!(named("b, a,b,a ,c"), ["b", "a", "c"]);
        assert_eq!(named(&"notes,".repeat(10_000)), ["notes", ""]);
    }
}
