//! Health, liveness, readiness: without a token.

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    health::{self, HealthOut, Status},
};

/// A sign of life.
#[derive(Debug, Serialize, ToSchema)]
struct AliveOut {
    /// `codex`.
    service: &'static str,
    /// `alive`, `ready` or `not ready`.
    status: &'static str,
    /// UTC.
    #[serde(serialize_with = "codex_core::times::rfc3339_micros")]
    timestamp: DateTime<Utc>,
}

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("health", "Health and metrics")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_health))
        .routes(routes!(get_api_health))
        .routes(routes!(get_health_live))
        .routes(routes!(get_health_ready))
}

/// Get the health of the service
///
/// Returns 200 when healthy and 503 when degraded or unhealthy, with the same body. Needs no token.
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses(
    (status = 200, description = "Healthy", body = HealthOut),
    (status = 503, description = "Degraded or unhealthy", body = HealthOut)))]
async fn get_health(State(app): State<App>) -> (StatusCode, Json<HealthOut>) {
    let health = app.health().check(app.codex()).await;
    let status = match health.status {
        Status::Healthy => StatusCode::OK,
        Status::Degraded | Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health))
}

/// Get the health of the service (alias)
///
/// Same as `GET /health`.
#[utoipa::path(get, path = "/api/health", tag = "health", security(()), responses(
    (status = 200, description = "Healthy", body = HealthOut),
    (status = 503, description = "Degraded or unhealthy", body = HealthOut)))]
async fn get_api_health(app: State<App>) -> (StatusCode, Json<HealthOut>) {
    get_health(app).await
}

/// Check that the process answers
///
/// Checks nothing else and needs no token.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses(
    (status = 200, description = "Alive", body = AliveOut)))]
async fn get_health_live(State(app): State<App>) -> Json<AliveOut> {
    Json(alive(&app, "alive"))
}

/// Check that requests can be served
///
/// Returns 503 while the database does not answer. Needs no token.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()), responses(
    (status = 200, description = "Ready", body = AliveOut),
    (status = 503, description = "Not ready", body = AliveOut)))]
async fn get_health_ready(State(app): State<App>) -> (StatusCode, Json<AliveOut>) {
    match health::database(app.codex()).await.status {
        Status::Healthy => (StatusCode::OK, Json(alive(&app, "ready"))),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(alive(&app, "not ready")),
        ),
    }
}

fn alive(app: &App, status: &'static str) -> AliveOut {
    AliveOut {
        service: "codex",
        status,
        timestamp: app.codex().now(),
    }
}
