//! The PSA's tickets in two bare lists (contract 1.2.E).

use axum::{Json, extract::State};
use codex_core::tickets::{
    psa::{PsaActiveTicketOut, PsaTicketOut},
    query::TicketFilter,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::lenient::{Lenient, integer, word};
use crate::{
    app::App,
    auth::Caller,
    extract::Query,
    problem::{Problem, ProblemOut},
};

/// Tickets of the list, when nothing else is asked for (contract 1.2.E).
const LIMIT: i64 = 100;
/// The longest list.
const MAX_LIMIT: i64 = 10_000;

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_psa_tickets))
        .routes(routes!(list_active_psa_tickets))
}

/// List the PSA's tickets, last changed first.
///
/// A parameter that cannot be read is ignored.
#[utoipa::path(get, path = "/api/psa/tickets", tag = "tickets",
    params(
        ("provider" = Option<String>, Query, description = "The only PSA", example = "freshservice"),
        ("status" = Option<String>, Query, description = "The only status", example = "open"),
        ("company" = Option<String>, Query, description = "Account number of the only company"),
        ("limit" = Option<i64>, Query, description = "At most this many, 100 when not given, 10000 at most")),
    responses(
        (status = 200, description = "The first tickets", body = Vec<PsaTicketOut>),
        (status = 401, description = "No valid token", body = ProblemOut)))]
async fn list_psa_tickets(
    State(app): State<App>,
    caller: Caller,
    Query(params): Lenient,
) -> Result<Json<Vec<PsaTicketOut>>, Problem> {
    let (codex, scope) = (app.codex(), caller.scope(app.codex()).await?);
    let mut filter = TicketFilter {
        source: word(&params, "provider").map(str::to_owned),
        ..TicketFilter::default()
    };
    if let Some(account) = word(&params, "company") {
        let Some(company) = codex.company(&scope, account).await? else {
            return Ok(Json(Vec::new()));
        };
        filter.company = Some(company.id);
    }
    if let Some(status) = word(&params, "status") {
        filter.statuses = Some(codex.status_filter(status).await?);
    }
    let limit = integer(&params, "limit")
        .unwrap_or(LIMIT)
        .clamp(0, MAX_LIMIT);
    let statuses = codex.ticket_statuses().await?;
    let tickets = codex.tickets(&scope, &filter, limit, 0).await?.items;
    let out = tickets
        .iter()
        .map(|ticket| PsaTicketOut::new(ticket, &statuses));
    Ok(Json(out.collect()))
}

/// List the PSA's tickets that are open, pending, on hold or wait for the customer: the most urgent first.
#[utoipa::path(get, path = "/api/psa/tickets/active", tag = "tickets",
    params(("provider" = Option<String>, Query, description = "The only PSA", example = "freshservice")),
    responses(
        (status = 200, description = "The tickets, 20000 at most", body = Vec<PsaActiveTicketOut>),
        (status = 401, description = "No valid token", body = ProblemOut)))]
async fn list_active_psa_tickets(
    State(app): State<App>,
    caller: Caller,
    Query(params): Lenient,
) -> Result<Json<Vec<PsaActiveTicketOut>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let provider = word(&params, "provider");
    Ok(Json(
        app.codex().active_psa_tickets(&scope, provider).await?,
    ))
}
