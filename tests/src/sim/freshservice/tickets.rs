//! Tickets: lists with their window, the filter with its grammar, single views and what belongs to one
//! (vendors 1.2, 1.5).

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, Response, StatusCode, header},
};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde_json::{Value, json};

use super::{
    limits::Quota,
    options::Options,
    routes::{Api, dressed, included, invalid, number, parameters},
};
use crate::sim::{
    World,
    fault::FaultKind,
    reply::{Page, answer, json_text},
    world::tickets::{Ticket, VIEW_ONLY, form, requester},
};

/// A plain list holds what was created in this many days (trap 1).
const WINDOW: Duration = Duration::days(30);
/// Conversations of a page, and of a view (vendors 1.2, trap 26).
const SAID_PER_PAGE: usize = 30;
const SAID_IN_VIEW: usize = 10;
/// The longest query.
const LONGEST: usize = 512;

type Query = BTreeMap<String, String>;
type Answer = Response<Body>;

fn names(query: &Query) -> Vec<String> {
    let names = query.get("include").map_or("", String::as_str).split(',');
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether a list shows a ticket: those of the primary workspace unless others are asked for; 0 is all.
fn in_workspace(options: &Options, query: &Query, ticket: &Ticket) -> bool {
    let own = if options.second_workspace && ticket.id() % 5 == 0 {
        "3"
    } else {
        "2"
    };
    let asked = query.get("workspace_id").map_or("2", String::as_str);
    asked == "0" || asked == own
}

/// A ticket as a list sends it.
fn listed(world: &World, ticket: &Ticket, include: &[String]) -> Value {
    let mut body = ticket.body.clone();
    for absent in VIEW_ONLY {
        body.remove(absent);
    }
    with_included(world, ticket, body, include)
}

fn with_included(
    world: &World,
    ticket: &Ticket,
    mut body: serde_json::Map<String, Value>,
    include: &[String],
) -> Value {
    for name in include {
        match name.as_str() {
            "stats" => body.insert("stats".into(), ticket.stats.clone()),
            "requester" => body.insert("requester".into(), requester(world, ticket)),
            "conversations" => {
                let mut said = ticket.conversations();
                said.truncate(SAID_IN_VIEW);
                body.insert("conversations".into(), said.into())
            }
            _ => None,
        };
    }
    Value::Object(body)
}

/// `GET /tickets`
pub(super) async fn list(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut query = parameters(&uri);
    let credits = 1 + 2 * included(&query);
    let quota = match api
        .admit("tickets", &headers, Some("tickets"), credits)
        .await
    {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let include = names(&query);
    let paging = number(&mut query, "page", 1, usize::MAX)
        .and_then(|page| Ok((page, number(&mut query, "per_page", 30, 100)?)));
    let (page, per_page) = match paging {
        Ok(paging) => paging,
        Err(refusal) => return dressed(*refusal, Some(quota)),
    };
    let known = [
        "updated_since",
        "filter",
        "include",
        "requester_id",
        "email",
        "type",
        "workspace_id",
        "order_by",
        "order_type",
    ];
    if let Some(unknown) = query.keys().find(|name| !known.contains(&name.as_str())) {
        let refusal = invalid(unknown, "[:invalid_field]", "invalid_field");
        return dressed(refusal, Some(quota));
    }
    let since = match query.get("updated_since").map(|text| moment(text)) {
        Some(None) => {
            let refusal = invalid("updated_since", "It should be a date", "invalid_value");
            return dressed(refusal, Some(quota));
        }
        Some(since) => since,
        None => None,
    };
    let fault = api
        .shared
        .faults
        .strike(uri.path(), u32::try_from(page).unwrap_or(u32::MAX));
    let (items, total) = {
        let world = api.world.lock();
        let found = api.orders(world.revision(), &query, || {
            order(&api.options, &world, &query, since)
        });
        let start = (page - 1).saturating_mul(per_page);
        let start = match fault {
            Some(FaultKind::Repeat) => start.saturating_sub(per_page),
            _ => start,
        };
        let part = found.iter().skip(start).take(per_page);
        let part = part.filter_map(|place| world.tickets.get(*place));
        let texts = part.map(|ticket| Arc::from(listed(&world, ticket, &include).to_string()));
        (texts.collect::<Vec<Arc<str>>>(), found.len())
    };
    let link = |page: usize| {
        let kept = query.iter().filter(|_| api.options.links_keep_filters);
        let own: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("page", &page.to_string())
            .append_pair("per_page", &per_page.to_string())
            .finish();
        format!("{}{}?{own}", api.base, uri.path())
    };
    let more = total > page.saturating_mul(per_page);
    let mut sent = Page {
        items,
        total,
        next: more.then(|| link(page + 1)),
        details: true,
    };
    if let Some(kind) = &fault {
        sent.spoil(kind, &link(page));
    }
    let body = format!("{{\"tickets\":{}}}", sent.array());
    let response = linked(body, sent.next, quota);
    api.spoilt(fault, response).await
}

/// The places of a list's tickets, newest first; ids go up with the time of creation.
fn order(
    options: &Options,
    world: &World,
    query: &Query,
    since: Option<DateTime<Utc>>,
) -> Vec<usize> {
    let oldest = world.now - WINDOW;
    let view = query.get("filter").map(String::as_str);
    let found = world.tickets.iter().enumerate().filter(|(_, ticket)| {
        let shown = match view {
            Some("deleted") => ticket.flag("deleted"),
            Some("spam") => ticket.flag("spam"),
            _ => !ticket.flag("deleted") && !ticket.flag("spam"),
        };
        shown
            && in_workspace(options, query, ticket)
            && match since {
                Some(since) => ticket.time("updated_at") >= since,
                None => ticket.time("created_at") >= oldest,
            }
    });
    let mut places: Vec<usize> = found.map(|(place, _)| place).collect();
    places.reverse();
    places
}

/// A page with the link to the next one.
fn linked(body: String, next: Option<String>, quota: Quota) -> Answer {
    let mut response = dressed(json_text(StatusCode::OK, body), Some(quota));
    let next = next.map(|next| format!("<{next}>; rel=\"next\""));
    if let Some(next) = next.and_then(|next| next.parse().ok()) {
        response.headers_mut().insert(header::LINK, next);
    }
    response
}

/// `GET /tickets/filter`: a count in the body, no `Link` (trap 2, 3).
pub(super) async fn filter(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut query = parameters(&uri);
    let quota = match api
        .admit("tickets/filter", &headers, Some("tickets"), 1)
        .await
    {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let paging = number(&mut query, "page", 1, usize::MAX)
        .and_then(|page| Ok((page, number(&mut query, "per_page", 30, 100)?)));
    let (page, per_page) = match paging {
        Ok((page, per_page)) => (page, per_page.min(api.options.filter_per_page_cap)),
        Err(refusal) => return dressed(*refusal, Some(quota)),
    };
    let text = query.get("query").map_or("", String::as_str);
    let Some(conditions) = conditions(text) else {
        return dressed(
            invalid("query", "is not valid", "invalid_value"),
            Some(quota),
        );
    };
    let fault = api
        .shared
        .faults
        .strike(uri.path(), u32::try_from(page).unwrap_or(u32::MAX));
    let (items, total) = {
        let world = api.world.lock();
        let seen = world.now - api.options.search_lag;
        let found: Vec<&Ticket> = world
            .tickets
            .iter()
            .rev()
            .filter(|ticket| in_workspace(&api.options, &query, ticket))
            .filter(|ticket| !ticket.flag("deleted") && !ticket.flag("spam"))
            // The index lags behind what is written (trap 6).
            .filter(|ticket| ticket.time("updated_at") <= seen)
            .filter(|ticket| {
                conditions
                    .iter()
                    .all(|any| any.iter().any(|one| one.holds(ticket)))
            })
            .collect();
        let part = found
            .iter()
            .skip((page - 1).saturating_mul(per_page))
            .take(per_page);
        let texts = part.map(|ticket| Arc::from(listed(&world, ticket, &[]).to_string()));
        (texts.collect::<Vec<Arc<str>>>(), found.len())
    };
    let mut sent = Page {
        items,
        total,
        next: None,
        details: true,
    };
    if let Some(kind) = &fault {
        sent.spoil(kind, uri.path());
    }
    let body = format!("{{\"tickets\":{},\"total\":{}}}", sent.array(), sent.total);
    let response = dressed(json_text(StatusCode::OK, body), Some(quota));
    api.spoilt(fault, response).await
}

/// One comparison of a query.
struct Condition {
    field: String,
    operator: char,
    value: String,
}

impl Condition {
    fn holds(&self, ticket: &Ticket) -> bool {
        if self.field.ends_with("_at") || self.field.ends_with("_by") {
            let (own, bound) = (ticket.time(&self.field), moment(&self.value));
            return bound.is_some_and(|bound| match self.operator {
                '>' => own >= bound,
                '<' => own <= bound,
                _ => own == bound,
            });
        }
        let own = &ticket.body[&self.field];
        match self.value.as_str() {
            "null" => own.is_null(),
            value => own.to_string().trim_matches('"') == value,
        }
    }
}

/// All of these, of each any: `"(status:2 OR status:3) AND created_at:>'...'"`.
fn conditions(text: &str) -> Option<Vec<Vec<Condition>>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.len() > LONGEST {
        return None;
    }
    let all = inner.split(" AND ").map(|group| {
        let group = group.trim().trim_start_matches('(').trim_end_matches(')');
        group.split(" OR ").map(condition).collect()
    });
    all.collect()
}

fn condition(text: &str) -> Option<Condition> {
    // Not department_id, responder_id, type, source (vendors 1.5).
    const FIELDS: [&str; 12] = [
        "workspace_id",
        "requester_id",
        "agent_id",
        "group_id",
        "priority",
        "status",
        "impact",
        "urgency",
        "due_by",
        "fr_due_by",
        "created_at",
        "updated_at",
    ];
    let (field, value) = text.trim().split_once(':')?;
    let operator = value.chars().next().filter(|c| "<>".contains(*c));
    let value = value.trim_start_matches(['<', '>']).trim_matches('\'');
    FIELDS.contains(&field).then(|| Condition {
        field: field.to_owned(),
        operator: operator.unwrap_or(':'),
        value: value.to_owned(),
    })
}

/// A time, or a date, which is its first moment.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .ok();
    time.or_else(|| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_hms_opt(0, 0, 0)?.and_utc())
    })
}

/// `GET /tickets/{id}`
pub(super) async fn one(
    State(Api(api)): State<Api>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let query = parameters(&uri);
    let resource = format!("tickets/{id}");
    let quota = match api
        .admit(&resource, &headers, Some("ticket"), 1 + included(&query))
        .await
    {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let fault = api.shared.faults.strike(uri.path(), 1);
    let found = {
        let world = api.world.lock();
        let ticket = id.parse().ok().and_then(|id| world.ticket(id));
        ticket.map(|ticket| with_included(&world, ticket, ticket.body.clone(), &names(&query)))
    };
    let right = match found {
        Some(ticket) => answer(StatusCode::OK, &json!({ "ticket": ticket })),
        None => api.error(StatusCode::NOT_FOUND),
    };
    api.spoilt(fault, dressed(right, Some(quota))).await
}

/// `GET /tickets/{id}/conversations` and `/time_entries`
pub(super) async fn parts(
    State(Api(api)): State<Api>,
    Path((id, part)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let mut query = parameters(&uri);
    let resource = format!("tickets/{id}/{part}");
    let quota = match api.admit(&resource, &headers, None, 1).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let paging = number(&mut query, "page", 1, usize::MAX)
        .and_then(|page| Ok((page, number(&mut query, "per_page", 30, 100)?)));
    let (page, per_page) = match paging {
        // Conversations come by thirty, whatever is asked for.
        Ok((page, _)) if part == "conversations" => (page, SAID_PER_PAGE),
        Ok(paging) => paging,
        Err(refusal) => return dressed(*refusal, Some(quota)),
    };
    let fault = api
        .shared
        .faults
        .strike(uri.path(), u32::try_from(page).unwrap_or(u32::MAX));
    let all = {
        let world = api.world.lock();
        let ticket = id.parse().ok().and_then(|id| world.ticket(id));
        match part.as_str() {
            "conversations" => ticket.map(Ticket::conversations),
            "time_entries" => ticket.map(Ticket::time_entries),
            _ => None,
        }
    };
    let Some(all) = all else {
        let missing = dressed(api.error(StatusCode::NOT_FOUND), Some(quota));
        return api.spoilt(fault, missing).await;
    };
    let items = all
        .iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page);
    let link = |page: usize| format!("{}{}?page={page}&per_page={per_page}", api.base, uri.path());
    let more = all.len() > page.saturating_mul(per_page);
    let mut sent = Page {
        items: items.map(|item| Arc::from(item.to_string())).collect(),
        total: all.len(),
        next: more.then(|| link(page + 1)),
        details: true,
    };
    if let Some(kind) = &fault {
        sent.spoil(kind, &link(page));
    }
    let body = format!("{{\"{part}\":{}}}", sent.array());
    let response = linked(body, sent.next, quota);
    api.spoilt(fault, response).await
}

/// `GET /ticket_form_fields`
pub(super) async fn fields(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let quota = match api.admit("ticket_form_fields", &headers, None, 1).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let fault = api.shared.faults.strike(uri.path(), 1);
    let right = dressed(answer(StatusCode::OK, &form()), Some(quota));
    api.spoilt(fault, right).await
}
