//! Pages of tickets.

mod changes;
mod detail;
mod list;
mod messages;
#[cfg(test)]
pub(super) mod samples;

use std::collections::HashMap;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    Error,
    ids::TicketId,
    records::{Author, Resource as _},
    seen::Look,
    tickets::{
        Conversation, Ticket,
        status::Statuses,
        wire::{TicketUpdateIn, TimeEntryOut},
    },
};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

use self::{
    changes::{FormView, Typed},
    detail::{Beside, DetailQuery, TicketView},
    list::Tickets,
};
use super::{
    Access, PageSet,
    form::SentForm,
    record::{list_routes, look},
    shell::page,
    visit::{Editor, Visit, applied},
};
use crate::{
    app::App,
    http::{extract::Path, problem::Problem},
};

const LIST: &str = "/tickets/";
const CHANGING: &str = "changing tickets";
/// Why the form is missing on the pages of staff.
const EDITORS: &str = "Only technicians and administrators change tickets.";

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("tickets"), routes).linked("Tickets", "Tickets", LIST, Access::Everyone);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(list_routes::<Tickets>())
        .route("/tickets/{number}", get(show_ticket).post(update_ticket))
        .route("/tickets/{number}/changes/{id}/retry", post(retry_change))
}

/// The path of a ticket's page.
pub(super) fn path_of(number: i64) -> String {
    format!("{LIST}{number}")
}

/// The notice of what was just done, from a word in the address.
fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "saved" => Some("The ticket was changed."),
        "note" => Some("The note was added. No status is called so any more: it was not changed."),
        "retried" => Some("The change will be sent again."),
        "unchanged" => Some("Nothing was changed."),
        _ => None,
    }
}

fn unknown() -> Problem {
    Problem::not_found("There is no ticket with this number, or none that you may see.")
}

/// The number of a path; what is no number names no ticket.
fn number(text: &str) -> Result<i64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(unknown)
}

/// Names of the PSA's agents by their ids there; clients see none.
async fn agents(visit: &Visit) -> codex_core::Result<HashMap<i64, String>> {
    if visit.scope().companies().is_some() {
        return Ok(HashMap::new());
    }
    let agents = visit.call.codex.psa_agents(visit.scope(), None).await?;
    let named = agents.into_iter().map(|agent| {
        let fields = agent.fields;
        let names = [fields.first_name, fields.last_name];
        let names: Vec<String> = names.into_iter().flatten().collect();
        let name = match names.join(" ").trim() {
            "" => fields.email.unwrap_or_default(),
            name => name.to_owned(),
        };
        (fields.external_id, name)
    });
    Ok(named.filter(|(_, name)| !name.is_empty()).collect())
}

/// A ticket with what was said on it. The PSA is asked when it is not known here.
async fn ticket(visit: &Visit, number: i64) -> Result<(Ticket, Vec<Conversation>), Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    if let Some(found) = codex.ticket(scope, number).await? {
        return Ok(found);
    }
    match codex.look_up_ticket(scope, number).await {
        Ok(true) => codex.ticket(scope, number).await?.ok_or_else(unknown),
        // Without a PSA nobody else knows it.
        Ok(false) | Err(Error::Unsupported(_)) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

async fn show_ticket(
    visit: Visit,
    Path(text): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = DetailQuery::read(&uri)?;
    let found = ticket(&visit, number(&text)?).await?;
    respond(&visit, found, &query, StatusCode::OK, Typed::default()).await
}

/// The page of a ticket, with what was typed into its form.
async fn respond(
    visit: &Visit,
    (ticket, said): (Ticket, Vec<Conversation>),
    query: &DetailQuery,
    status: StatusCode,
    typed: Typed,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let statuses = codex.ticket_statuses().await?;
    let is_staff = scope.companies().is_none();
    let (entries, attachments) = beside(visit, ticket.id).await?;
    let outbox = if is_staff {
        codex.ticket_outbox(scope, ticket.fields.number).await?
    } else {
        Vec::new()
    };
    // A form that was refused is no news either.
    let is_done = query.done.is_some() || status != StatusCode::OK;
    let visited = Look {
        actor: visit.call.author.actor.clone(),
        kind: Ticket::KIND,
        record_id: ticket.id.0,
        status: Map::new(),
    };
    let beside = Beside {
        statuses: &statuses,
        agents: agents(visit).await?,
        entries,
        attachments,
        outbox,
        seen: look(codex, visited, is_done).await?,
        now: codex.now(),
    };
    let is_editor = scope.require_technician(CHANGING).is_ok();
    let form = is_editor.then(|| {
        let sends = codex.sends_changes();
        FormView::new(
            &visit.at,
            &ticket,
            &statuses,
            sends,
            typed,
            visit.csrf.token(),
        )
    });
    let view = TicketView::new(&visit.at, scope, query, &ticket, &said, &beside, form);
    page(status, &view)
}

/// Time entries and attached files of a ticket; clients get nothing.
async fn beside(visit: &Visit, id: TicketId) -> Result<(Vec<TimeEntryOut>, Vec<Value>), Problem> {
    let (codex, wanted) = (&visit.call.codex, ["attachments", "time_entries"]);
    let mut found = codex.beside_tickets(visit.scope(), &[id], &wanted).await?;
    let mut keys = found.remove(&id).unwrap_or_default();
    let entries = keys.remove("time_entries").unwrap_or_default();
    let entries = serde_json::from_value(entries).unwrap_or_default();
    let attachments = match keys.remove("attachments") {
        Some(Value::Array(files)) => files,
        _ => Vec::new(),
    };
    Ok((entries, attachments))
}

async fn update_ticket(
    Editor(visit): Editor,
    Path(text): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let number = number(&text)?;
    let update = changes::update(&sent);
    if update == TicketUpdateIn::default() {
        return Ok(redirect(&visit, number, "unchanged"));
    }
    // A note belongs to whatever the ticket is by now; a status does not.
    let version = sent.version()?;
    let author = Author {
        unchanged_since: update.status.is_some().then_some(version),
        ..visit.call.author.clone()
    };
    let codex = &visit.call.codex;
    let updated = codex.update_ticket(visit.scope(), &author, number, &update);
    let updated = updated.await;
    match updated.and_then(|found| found.map(applied).transpose()) {
        Ok(None) => Err(unknown()),
        Ok(Some(done)) if done.not_done.is_empty() => Ok(redirect(&visit, number, "saved")),
        Ok(Some(_)) => Ok(redirect(&visit, number, "note")),
        Err(error) => {
            let (status, typed) = changes::refuse(&sent, error)?;
            let found = ticket(&visit, number).await?;
            respond(&visit, found, &DetailQuery::default(), status, typed).await
        }
    }
}

/// Sends a change of a ticket to the PSA again.
async fn retry_change(
    Editor(visit): Editor,
    Path((text, id)): Path<(String, i64)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let (codex, number) = (&visit.call.codex, number(&text)?);
    let own = codex.ticket_outbox(visit.scope(), number).await?;
    let gone = || Problem::not_found("There is no such change of this ticket any more.");
    if !own.iter().any(|entry| entry.id == id) {
        return Err(gone());
    }
    let retried = codex.retry_outbox(visit.scope(), id).await?;
    retried.ok_or_else(gone)?;
    Ok(redirect(&visit, number, "retried"))
}

fn redirect(visit: &Visit, number: i64, done: &str) -> Response {
    let path = format!("{}?done={done}", path_of(number));
    Redirect::to(&visit.at.link(&path)).into_response()
}

/// What a status is called; empty where it is unknown.
fn status_label(ticket: &Ticket, statuses: &Statuses) -> String {
    let status = ticket.fields.status_id.map(|id| statuses.of(id).label);
    status.unwrap_or_default()
}
