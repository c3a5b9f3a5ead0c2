//! What vendors report by themselves (contract 1.2.I). No token: the gate asks for a secret.

use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use codex_core::{EventOutcome, Scope, sync::freshservice, tickets::TicketEvent};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    http::{
        created::Created,
        forwarded::{Forwarded, PeerAddress},
        problem::{ErrorOut, Problem},
        webhook_guard::{self, Admitted},
    },
    openapi::errors::WebhookErrors,
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("webhooks", "Events that vendors send")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(freshservice_ticket_event))
        .routes(routes!(superops_ticket_event))
        .routes(routes!(test_webhook))
        .routes(routes!(get_webhooks_health))
}

/// What the vendor's automation sends. An administrator writes it from placeholders: numbers may
/// be text, what is empty may be an empty text, and only `ticket_id` is needed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body that is read leniently")]
struct TicketEventIn {
    /// `ticket.created`, `ticket.updated` (the default) or `ticket.deleted`.
    event: Option<String>,
    /// The ticket's number, such as 123, "123" or "INC-123".
    ticket_id: Value,
    /// Subject.
    subject: Option<String>,
    /// The vendor's number of the status.
    #[schema(required = false)]
    status_id: Value,
    /// The vendor's number of the priority.
    #[schema(required = false)]
    priority_id: Value,
    /// Who asked.
    requester_email: Option<String>,
    /// Who asked.
    requester_name: Option<String>,
    /// Who asked, by the vendor's id.
    #[schema(required = false)]
    requester_id: Value,
    /// Who works on it, by the vendor's id.
    #[schema(required = false)]
    responder_id: Value,
    /// The team, by the vendor's id.
    #[schema(required = false)]
    group_id: Value,
    /// The company, by the vendor's id.
    #[schema(required = false)]
    department_id: Value,
    /// RFC 3339 with an offset.
    #[schema(format = DateTime)]
    updated_at: Option<String>,
    /// RFC 3339 with an offset.
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

/// What became of a ticket's event.
#[derive(Debug, Serialize, ToSchema)]
struct TicketEventOut {
    /// `created`, `updated`, `deleted` or `ignored`.
    status: &'static str,
    /// The ticket, as the event names it.
    ticket_id: Value,
    /// Whose ticket it is.
    provider: &'static str,
    /// What has changed, in words; with `updated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changes: Option<Vec<String>>,
    /// `deleted`; with `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    new_status: Option<&'static str>,
    /// Why nothing was done; with `ignored`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
}

/// An event that was received.
#[derive(Debug, Serialize, ToSchema)]
struct EventReceivedOut {
    /// `received`.
    status: &'static str,
    /// What was done about it.
    message: &'static str,
}

/// A webhook that came through.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookTestOut {
    /// `ok`.
    status: &'static str,
    /// In words.
    message: &'static str,
    /// Where it came from.
    source_ip: String,
    /// UTC.
    #[serde(serialize_with = "codex_core::times::rfc3339_micros")]
    timestamp: DateTime<Utc>,
}

/// How webhooks are set up.
#[derive(Debug, Serialize, ToSchema)]
struct WebhooksHealthOut {
    /// `ok`.
    status: &'static str,
    /// Whether any are accepted.
    webhooks_enabled: bool,
    /// Whether there is a secret to know; without one nobody is let in.
    secret_configured: bool,
    /// Whether only some addresses may call.
    ip_allowlist_enabled: bool,
    /// Whose events are understood.
    supported_providers: [&'static str; 2],
    /// Where to send them.
    endpoints: EndpointsOut,
    /// UTC.
    #[serde(serialize_with = "codex_core::times::rfc3339_micros")]
    timestamp: DateTime<Utc>,
}

/// Where to send webhooks.
#[derive(Debug, Serialize, ToSchema)]
struct EndpointsOut {
    /// Events of Freshservice tickets.
    freshservice: &'static str,
    /// Events of SuperOps tickets.
    superops: &'static str,
    /// To try the way here.
    test: &'static str,
    /// This answer.
    health: &'static str,
}

/// Report a ticket from Freshservice
///
/// Send the secret as `X-Webhook-Secret`, or sign the call: `X-Webhook-Timestamp` (unix seconds, at most five minutes
/// off) and `X-Webhook-Signature: sha256=` with the hexadecimal HMAC-SHA256 of timestamp, `.` and body. Events may
/// repeat and arrive in any order.
#[utoipa::path(post, path = "/webhooks/freshservice/ticket", tag = "webhooks", security(()),
    request_body = TicketEventIn, responses(
    (status = 200, description = "Updated, deleted or ignored", body = TicketEventOut),
    (status = 201, description = "The ticket was created", body = TicketEventOut),
    WebhookErrors,
    (status = 400, description = "Not JSON, or without a ticket's id", body = ErrorOut),
    (status = 502, description = "The PSA did not answer; send the event again",
        body = ErrorOut),
    (status = 503, description = "Webhooks are off, too many arrive at once, or the PSA is another", body = ErrorOut)))]
async fn freshservice_ticket_event(
    State(app): State<App>,
    Extension(peer): Extension<PeerAddress>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let forwarded = Forwarded::of(&headers);
    let admitted = admit(&app, peer, &headers, body).await?;
    match take(&app, &admitted.body).await {
        Ok((event, outcome)) => Ok(answer(&forwarded, event, outcome)),
        Err(error) => {
            if let Err(error) = admitted.give_back(app.codex()).await {
                tracing::warn!(error = error.chain(), "A webhook's signature stays used");
            }
            Err(Problem::from(error).flat())
        }
    }
}

async fn take(app: &App, body: &[u8]) -> codex_core::Result<(TicketEvent, EventOutcome)> {
    let event = freshservice::ticket_event(body)?;
    let outcome = app.codex().ticket_event(&Scope::system(), &event).await?;
    Ok((event, outcome))
}

fn answer(forwarded: &Forwarded, event: TicketEvent, outcome: EventOutcome) -> Response {
    let mut out = TicketEventOut {
        status: "updated",
        ticket_id: event.ticket_id,
        provider: "freshservice",
        changes: None,
        new_status: None,
        reason: None,
    };
    match outcome {
        EventOutcome::Created => {
            out.status = "created";
            let number = out.ticket_id.as_str().map(str::to_owned);
            let number = number.unwrap_or_else(|| out.ticket_id.to_string());
            return Created::new(forwarded, "/api/ticket", number, out).into_response();
        }
        EventOutcome::Updated(changes) => out.changes = Some(changes),
        EventOutcome::Deleted => {
            out.status = "deleted";
            out.new_status = Some("deleted");
        }
        EventOutcome::Ignored(reason) => {
            out.status = "ignored";
            out.reason = Some(reason);
        }
    }
    Json(out).into_response()
}

/// Report a ticket from SuperOps
///
/// Checks the sender and stores nothing: Codex has no SuperOps source yet.
#[utoipa::path(post, path = "/webhooks/superops/ticket", tag = "webhooks", security(()),
    request_body(content = Object, example = json!({"event": "ticket.updated", "id": "20001"})), responses(
    (status = 200, description = "Received", body = EventReceivedOut),
    WebhookErrors,
    (status = 400, description = "Not JSON, or an empty object", body = ErrorOut)))]
async fn superops_ticket_event(
    State(app): State<App>,
    Extension(peer): Extension<PeerAddress>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<EventReceivedOut>, Problem> {
    let admitted = admit(&app, peer, &headers, body).await?;
    let object: Option<Map<String, Value>> = serde_json::from_slice(&admitted.body).ok();
    if object.is_none_or(|object| object.is_empty()) {
        return Err(Problem::bad_request("body: must be a JSON object that is not empty").flat());
    }
    Ok(Json(EventReceivedOut {
        status: "received",
        message: "SuperOps is not supported yet; nothing was stored.",
    }))
}

/// Test a webhook configuration
///
/// Checks the secret or signature and the sender's address.
#[utoipa::path(post, path = "/webhooks/test", tag = "webhooks", security(()),
    request_body(content = Option<Object>, example = json!({"hello": "codex"})), responses(
    (status = 200, description = "It came through", body = WebhookTestOut),
    WebhookErrors))]
async fn test_webhook(
    State(app): State<App>,
    Extension(peer): Extension<PeerAddress>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<WebhookTestOut>, Problem> {
    admit(&app, peer, &headers, body).await?;
    Ok(Json(WebhookTestOut {
        status: "ok",
        message: "The webhook came through.",
        source_ip: peer.caller(&headers).to_string(),
        timestamp: app.codex().now(),
    }))
}

/// Get the webhook configuration
///
/// Returns whether webhooks are enabled and how senders are checked. Needs no token.
#[utoipa::path(get, path = "/webhooks/health", tag = "webhooks", security(()), responses(
    (status = 200, description = "The settings, without the secret", body = WebhooksHealthOut)))]
async fn get_webhooks_health(State(app): State<App>) -> Json<WebhooksHealthOut> {
    let config = app.config();
    let settings = &config.webhooks;
    Json(WebhooksHealthOut {
        status: "ok",
        webhooks_enabled: settings.enabled,
        secret_configured: settings.secret.is_some(),
        ip_allowlist_enabled: !settings.allowed_ips.is_empty(),
        supported_providers: ["freshservice", "superops"],
        endpoints: EndpointsOut {
            freshservice: "/webhooks/freshservice/ticket",
            superops: "/webhooks/superops/ticket",
            test: "/webhooks/test",
            health: "/webhooks/health",
        },
        timestamp: app.codex().now(),
    })
}

async fn admit(
    app: &App,
    peer: PeerAddress,
    headers: &HeaderMap,
    body: Body,
) -> Result<Admitted, Problem> {
    let admitted = webhook_guard::admit(app, peer, headers, body).await?;
    if app.config().webhooks.log_payloads {
        let body = String::from_utf8_lossy(&admitted.body);
        tracing::info!(%body, "A webhook has arrived");
    }
    Ok(admitted)
}
