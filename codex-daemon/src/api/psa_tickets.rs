//! The PSA's tickets in two bare lists (contract 1.2.E).

use axum::{
    Json,
    extract::State,
    http::Uri,
    response::{IntoResponse as _, Response},
};
use codex_core::{
    list::{Filter, Page, PageRequest},
    tickets::{
        psa::{PsaActiveTicketOut, PsaTicketOut},
        query::TicketFilter,
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::{cut, with_total},
    resource::ApiResource,
};
use crate::{
    app::App,
    auth::Caller,
    http::{
        forwarded::Forwarded,
        problem::{ErrorOut, Problem},
    },
    legacy::{Params, Wanted},
};

/// Tickets of the list, when nothing else is asked for (contract 1.2.E).
const LIMIT: u32 = 100;
/// The longest list.
const MAX_LIMIT: u32 = 10_000;

/// What it registers.
pub(super) const API: ApiResource = ApiResource::of(routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_psa_tickets))
        .routes(routes!(list_active_psa_tickets))
}

/// List the PSA's tickets
///
/// Returns the last changed first. Parameters that cannot be read are ignored. The header `X-Total-Count` has the
/// length of the list, and `Link: <...>; rel="next"` the address of the next page.
#[utoipa::path(get, path = "/api/psa/tickets", tag = "tickets",
    params(
        ("provider" = Option<String>, Query, description = "The only PSA", example = "freshservice"),
        ("status" = Option<String>, Query, description = "The only status", example = "open"),
        ("company" = Option<String>, Query, description = "Account number of the only company"),
        ("limit" = Option<i64>, Query, description = "At most this many, 100 when not given, 10000 at most"),
        ("cursor" = Option<String>, Query, description = "Where to go on, from the `Link` header of the page before")),
    responses(
        (status = 200, description = "The first tickets", body = Vec<PsaTicketOut>),
        (status = 404, description = "No such company, of a request that asks for strict handling", body = ErrorOut)))]
async fn list_psa_tickets(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    forwarded: Forwarded,
    uri: Uri,
) -> Result<Response, Problem> {
    let (codex, scope) = (app.codex(), caller.scope(app.codex()).await?);
    let mut filter = TicketFilter {
        source: params.word("provider").map(str::to_owned),
        ..TicketFilter::default()
    };
    let company = params.company("company", codex, &scope).await?;
    if let Wanted::Only(company) = company {
        filter.company = Some(company);
    }
    let mut filters = Vec::new();
    match params.word("status") {
        // The column refuses words that it does not know.
        Some(status) if params.is_strict() => filters.push(Filter::new("status", status)),
        Some(status) => filter.statuses = Some(codex.status_filter(status).await?),
        None => {}
    }
    let limit = params.within("limit", 0, MAX_LIMIT.into())?;
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    let page = PageRequest {
        limit: Some(limit.unwrap_or(LIMIT).max(1)),
        most: Some(MAX_LIMIT),
        cursor: params.cursor()?,
        filters,
        total: true,
        ..PageRequest::default()
    };
    let statuses = codex.ticket_statuses().await?;
    let mut page = match company {
        Wanted::Unknown => Page::default(),
        _ => codex.tickets_page(&scope, &filter, &page).await?,
    };
    if limit == Some(0) {
        (page.items, page.next) = (Vec::new(), None);
    }
    let out = page.items.iter();
    let out: Vec<_> = out
        .map(|ticket| PsaTicketOut::new(ticket, &statuses))
        .collect();
    Ok(cut(&uri, &forwarded, Json(out), page.next, page.total))
}

/// List the PSA's active tickets
///
/// Returns tickets that are open, pending, on hold or waiting for the customer, most urgent first. Of more than
/// 20,000 tickets, returns those that changed last; the header `X-Total-Count` has the full number.
#[utoipa::path(get, path = "/api/psa/tickets/active", tag = "tickets",
    params(("provider" = Option<String>, Query, description = "The only PSA", example = "freshservice")),
    responses(
        (status = 200, description = "The tickets, 20000 at most", body = Vec<PsaActiveTicketOut>)))]
async fn list_active_psa_tickets(
    State(app): State<App>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let provider = params.word("provider");
    let active = app.codex().active_psa_tickets(&scope, provider);
    let (tickets, total) = active.await?;
    Ok(with_total(Json(tickets).into_response(), Some(total)))
}
