//! Tickets (contract 1.2.B, 1.2.C).

use axum::{
    Json,
    extract::State,
    http::Uri,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use codex_core::{
    Codex, Scope,
    companies::{COMPANY_ID, COMPANY_NUMBER},
    ids::TicketId,
    list::{Filter, Page, PageRequest, StaffFields as _, moment},
    tickets::{
        Ticket,
        beside::{BESIDE, Beside},
        query::{LISTING, TicketFilter},
        wire::{
            ActiveOut, CompanyTicketOut, TicketDetailOut, TicketOut, TicketUpdateIn,
            TicketUpdateOut, TicketsOut,
        },
    },
};
use serde_json::{Map, Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    companies::company,
    download::streamed,
    paging::{ListQuery, beside, kept, named, next_link, no_field, with_link, with_total},
    resource::{ApiList, ApiResource, NamedRecord},
    writers::{JOB, Who},
};
use crate::{
    app::App,
    auth::{Call, Caller},
    http::{
        answer::{Answer, answer},
        body::Body,
        extract::Path,
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, ProblemOut},
    },
    legacy::{self, Params},
    openapi::errors::{FindErrors, NotFound, Technicians},
};

/// Tickets of a part of a list, when nothing else is asked for (contract 1.2.C).
const LIMIT: u32 = 50;
/// The largest part of a list.
const MAX_LIMIT: u32 = 10_000;
/// What the list always had.
const OLDER: [&str; 5] = [COMPANY_ID, "limit", "offset", "priority", "status"];

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("tickets", "Tickets, their conversations and their status")),
    writers: &[(
        "POST",
        "/api/ticket/{ticket_id}/update",
        Who::Technicians,
        JOB,
    )],
    named: &[NamedRecord {
        part: "{ticket_id}",
        check: |call, names| Box::pin(require_ticket(call, names.text("ticket_id"))),
    }],
    lists: &[
        ApiList::of::<Ticket>("/api/tickets", &LISTING, Some(COMPANY_NUMBER)),
        ApiList::one::<Ticket>("/api/ticket/{ticket_id}", Some(COMPANY_NUMBER)),
        ApiList::filtered("/api/tickets/facets", &LISTING),
    ],
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_tickets))
        .routes(routes!(list_active_tickets))
        .routes(routes!(get_ticket))
        .routes(routes!(update_ticket))
        .routes(routes!(list_company_tickets))
}

/// List tickets
///
/// Returns the last changed first. `status` and `priority` are words (`waiting_customer`, `high`) or labels.
/// Parameters that cannot be read are ignored. The header `X-Total-Count` has the length of the list, and
/// `Link: <...>; rel="next"` the address of the next page. With `cursor`, `offset` is ignored. Columns filter as in
/// `GET /api/contacts`.
#[utoipa::path(get, path = "/api/tickets", tag = "tickets",
    params(
        ("company_id" = Option<String>, Query, description = "Account number of the only company"),
        ("status" = Option<String>, Query, description = "The only status", example = "open"),
        ("priority" = Option<String>, Query, description = "The only priority", example = "high"),
        ("limit" = Option<i64>, Query, description = "At most this many, 50 when not given, 10000 at most"),
        ("offset" = Option<i64>, Query, description = "Pass over this many"),
        ("cursor" = Option<String>, Query, description = "Where to go on, from the `Link` header of the page before"),
        ("sort" = Option<String>, Query, description = "A column to sort by, `-` before it for the largest first", example = "-last_updated_at"),
        ("q" = Option<String>, Query, description = "Only tickets whose subject or number holds all words of this term"),
        ("fields" = Option<String>, Query, description = "Only these keys of each ticket, with commas between; staff may name any tracked field and `attachments`, `conversations`, `description`, `minutes`, `notes`, `stats`, `time_entries`"),
        ("total" = Option<bool>, Query, description = "`X-Total-Count` says how long the list is, whatever is sent", example = true),
        ("created_from" = Option<String>, Query, description = "Opened from then on: RFC 3339 or YYYY-MM-DD (UTC)"),
        ("created_to" = Option<String>, Query, description = "Opened before then"),
        ("updated_from" = Option<String>, Query, description = "Last changed from then on"),
        ("updated_to" = Option<String>, Query, description = "Last changed before then")),
    responses(
        (status = 200, description = "A part of the list, and how long the list is", body = TicketsOut),
        (status = 400, description = "An invalid time or cursor, an end before its beginning, or an unknown column", body = ErrorOut),
        (status = 404, description = "No such company, of a request that asks for strict handling", body = ErrorOut)))]
async fn list_tickets(
    call: Call,
    forwarded: Forwarded,
    uri: Uri,
    params: Params,
) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let limit = params.within("limit", 0, MAX_LIMIT.into())?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    let mut offset = params.within("offset", 0, i64::MAX)?;
    let (mut query, _) = legacy::newer_query(&uri, &LISTING, &OLDER)?;
    query.require_fields::<TicketOut>(scope, &Ticket::staff_names(), Some(COMPANY_NUMBER))?;
    if query.page.cursor.is_some() && offset.take().is_some() {
        params.unread::<()>("offset", "has no meaning beside `cursor`")?;
    }
    let page = PageRequest {
        limit: Some(limit.unwrap_or(LIMIT).max(1)),
        most: Some(MAX_LIMIT),
        offset,
        total: true,
        ..query.page.clone()
    };
    let mut page = match filter(&call, &params, &mut query).await? {
        Some(filter) => {
            let filters = query.page.filters.clone();
            let page = PageRequest { filters, ..page };
            codex.tickets_page(scope, &filter, &page).await?
        }
        None => Page::default(),
    };
    if limit == Some(0) {
        (page.items, page.next) = (Vec::new(), None);
    }
    let statuses = codex.ticket_statuses().await?;
    let total = page.total.unwrap_or_default();
    let mut part = TicketsOut {
        count: page.items.len(),
        limit: limit.unwrap_or(LIMIT).into(),
        offset: offset.unwrap_or_default(),
        tickets: Vec::new(),
        total,
    };
    let out = |ticket: Ticket| TicketOut::new(&ticket, &statuses);
    let response = if query.chooses() {
        let ids: Vec<TicketId> = page.items.iter().map(|ticket| ticket.id).collect();
        let wanted = query.chosen_of(&BESIDE);
        let more = codex.beside_tickets(scope, &ids, &wanted).await?;
        let beside = |row: &Ticket| kept_of(scope, row, &more);
        let rows = page.items.into_iter();
        let rows: Vec<_> = rows
            .map(|ticket| query.chosen(ticket, beside, out))
            .collect();
        let mut whole = serde_json::to_value(&part).unwrap_or_default();
        whole["tickets"] = json!(rows);
        Json(whole).into_response()
    } else {
        part.tickets = page.items.into_iter().map(out).collect();
        Json(part).into_response()
    };
    let next = page.next;
    let link = next.map(|cursor| next_link("/api/tickets", &forwarded, None, &kept(&uri), &cursor));
    Ok(with_link(
        with_total(response, Some(total)),
        link.as_deref(),
    ))
}

/// What may be chosen of a ticket: its company, and for staff its tracked fields and what was read `more`.
fn kept_of(scope: &Scope, ticket: &Ticket, more: &Beside) -> Map<String, Value> {
    let company = Some((
        COMPANY_NUMBER,
        &company_number as &(dyn Fn(&Ticket) -> Value + Sync),
    ));
    let mut kept = beside(scope, ticket, ticket, company);
    if let Some(more) = more.get(&ticket.id) {
        kept.extend(more.clone());
    }
    kept
}

fn company_number(ticket: &Ticket) -> Value {
    json!(ticket.account_number)
}

/// A moment, if it was sent.
type Moment = Option<DateTime<Utc>>;

/// The beginning, and the end that no longer belongs to it. What cannot be read is refused: these parameters
/// are new, and nobody relies on leniency.
fn period(params: &Params, name: &str) -> Result<(Moment, Moment), Problem> {
    let bound = |end: &str| -> Result<Moment, Problem> {
        let key = format!("{name}_{end}");
        let Some(text) = params.word(&key) else {
            return Ok(None);
        };
        let time = moment(text);
        let message = || Problem::bad_request(format!("{key}: must be a time such as 2026-01-31"));
        time.map(Some).ok_or_else(|| message().flat())
    };
    let (from, to) = (bound("from")?, bound("to")?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        let message = format!("{name}_to: is before {name}_from");
        return Err(Problem::bad_request(message).flat());
    }
    Ok((from, to))
}

/// `None` when the company that is asked for is not there, so that nothing can match; strictly handled it is 404, and
/// a word that no status or priority is called by is 400.
async fn filter(
    call: &Call,
    params: &Params,
    query: &mut ListQuery,
) -> Result<Option<TicketFilter>, Problem> {
    let (codex, strict) = (&call.codex, call.handling.is_strict());
    let mut filter = TicketFilter::default();
    (filter.opened_from, filter.opened_before) = period(params, "created")?;
    (filter.changed_from, filter.changed_before) = period(params, "updated")?;
    let account = query.account_number()?;
    let account = params.word(COMPANY_ID).or(account.as_deref());
    if let Some(account) = account {
        match codex.company(&call.scope, account).await? {
            Some(company) => filter.company = Some(company.id),
            None if strict => return Err(Problem::not_found("Company not found").flat()),
            None => return Ok(None),
        }
    }
    let words = |name: &str| params.word(name).filter(|_| strict);
    for name in ["status", "priority"] {
        // As a filter of the column, which refuses words that it does not know.
        let filters = words(name).map(|word| Filter::new(name, word));
        query.page.filters.extend(filters);
    }
    if !strict {
        if let Some(status) = params.word("status") {
            filter.statuses = Some(codex.status_filter(status).await?);
        }
        filter.priority = params.word("priority").map(Codex::priority_filter);
    }
    Ok(Some(filter))
}

/// List active tickets as a board
///
/// Returns four sections: waiting for an answer, customer replied, overdue for an update, waiting. In each section
/// the highest priority comes first, then the longest untouched. The board has the 20,000 active tickets that changed
/// last; the header `X-Total-Count` has the full number.
#[utoipa::path(get, path = "/api/tickets/active", tag = "tickets",
    params(
        ("group_id" = Option<i64>, Query, description = "The only group, by its id at the PSA"),
        ("responder_id" = Option<i64>, Query, description = "The only agent, by the id at the PSA")),
    responses(
        (status = 200, description = "The board", body = ActiveOut)))]
async fn list_active_tickets(
    State(app): State<App>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let (group, responder) = (params.integer("group_id")?, params.integer("responder_id")?);
    let active = app.codex().active_tickets(&scope, group, responder);
    let (board, total) = active.await?;
    Ok(with_total(Json(board).into_response(), Some(total)))
}

/// The number of a path; what is no number names no ticket.
fn number(text: &str) -> Result<i64, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(unknown)
}

/// Get a ticket with its conversations
///
/// If Codex does not know the ticket, it asks the PSA, for at most three seconds.
#[utoipa::path(get, path = "/api/ticket/{ticket_id}", tag = "tickets",
    params(
        ("ticket_id" = String, Path, description = "Number of the ticket, the PSA's", example = "1"),
        ("fields" = Option<String>, Query, description = "Only these keys, with commas between; staff may name any tracked field and `attachments`, `minutes`, `stats`, `time_entries`, and get conversations and notes with `cc_emails`, `bcc_emails`, `channel` and `attachments`", example = "id,subject")),
    responses(
        (status = 200, description = "The ticket", body = TicketDetailOut),
        NotFound<ErrorOut>,
        (status = 400, description = "An unknown field", body = ErrorOut),
        (status = 502, description = "The PSA had to be asked and did not answer", body = ErrorOut)))]
async fn get_ticket(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let number = number(&id)?;
    let mut found = app.codex().ticket(&scope, number).await?;
    if found.is_none() {
        let asked = app.codex().look_up_ticket(&scope, number).await;
        if asked.map_err(|error| Problem::from(error).flat())? {
            found = app.codex().ticket(&scope, number).await?;
        }
    }
    let (ticket, said) = found.ok_or_else(unknown)?;
    let statuses = app.codex().ticket_statuses().await?;
    let out = TicketDetailOut::new(&ticket, said, &statuses);
    let Some(fields) = params.word("fields") else {
        return Ok(Json(out).into_response());
    };
    let fields = named(fields);
    let wanted = BESIDE.into_iter().filter(|key| fields.contains(key));
    let wanted: Vec<&str> = wanted.collect();
    let more = app
        .codex()
        .beside_tickets(&scope, &[ticket.id], &wanted)
        .await?;
    let row = chosen(&scope, &ticket, &out, &more, &fields);
    Ok(Json(row.map_err(Problem::flat)?).into_response())
}

/// Some keys of a ticket. What was read `more` has more in it than the keys of the same name of today's answer.
fn chosen(
    scope: &Scope,
    ticket: &Ticket,
    out: &TicketDetailOut,
    more: &Beside,
    fields: &[&str],
) -> Result<Map<String, Value>, Problem> {
    let mut all = kept_of(scope, ticket, &Beside::new());
    if let Ok(Value::Object(own)) = serde_json::to_value(out) {
        all.extend(own);
    }
    all.extend(more.get(&ticket.id).cloned().unwrap_or_default());
    let mut row = Map::new();
    for field in fields {
        let Some(value) = all.get(*field) else {
            return Err(no_field(field, all.keys()));
        };
        row.insert((*field).to_owned(), value.clone());
    }
    Ok(row)
}

/// Update a ticket's status or add a note
///
/// Codex changes the ticket at once. The status holds until the PSA changes its own. Notes are private and stay for
/// ever. A note is added even when the status beside it is unknown; `not_done` and the message then say what was not
/// done. Unknown keys return 422.
#[utoipa::path(post, path = "/api/ticket/{ticket_id}/update", tag = "tickets",
    params(("ticket_id" = String, Path, description = "Number of the ticket, the PSA's", example = "1")),
    request_body = TicketUpdateIn,
    responses(
        (status = 200, description = "Done", body = TicketUpdateOut),
        FindErrors<Technicians, ErrorOut>,
        (status = 400, description = "Nothing but a status that is unknown, or a note that is too long", body = ErrorOut),
        (status = 422, description = "An unknown key, or a value of a wrong type", body = ProblemOut)))]
async fn update_ticket(
    call: Call,
    Path(id): Path<String>,
    Body(update): Body<TicketUpdateIn>,
) -> Result<Answer<Json<TicketUpdateOut>>, Problem> {
    let ticket_id = number(&id)?;
    let done = call
        .codex
        .update_ticket(&call.scope, &call.author, ticket_id, &update)
        .await
        .map_err(|error| Problem::from(error).job())?;
    Ok(answer(done.ok_or_else(unknown)?, Json))
}

/// Refuses the number of a path that no ticket has.
async fn require_ticket(call: &Call, text: &str) -> Result<(), Problem> {
    let found = call.codex.ticket(&call.scope, number(text)?).await?;
    found.map(|_| ()).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("Ticket not found").flat()
}

/// List a company's tickets with their conversations
///
/// Returns all tickets, or with `year` those that changed last in that year.
#[utoipa::path(get, path = "/api/companies/{account_number}/tickets", tag = "companies",
    params(
        ("account_number" = String, Path, description = "Account number", example = "100001"),
        ("year" = Option<i32>, Query, description = "Only tickets last changed in this year (UTC)")),
    responses(
        (status = 200, description = "Its tickets", body = Vec<CompanyTicketOut>),
        NotFound<ErrorOut>))]
async fn list_company_tickets(
    call: Call,
    Path(account): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let company = company(&call, &account).await?;
    let year = params.year()?;
    let tickets = call.codex.company_tickets(&call.scope, &company, year);
    Ok(streamed(tickets.await?, "application/json"))
}
