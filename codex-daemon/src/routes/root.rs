//! Where everything is.

use axum::{Json, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, forwarded::Forwarded};

/// Addresses to begin with, as the caller reaches them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct RootOut {
    /// The API as a page.
    #[schema(example = "/codex/docs/")]
    docs: String,
    /// How well the service is.
    #[schema(example = "/codex/health")]
    health: String,
    /// The API description.
    #[schema(example = "/codex/openapi.json")]
    openapi: String,
    /// `codex`.
    #[schema(example = "codex")]
    service: String,
}

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_root))
}

/// Get the addresses of documentation, description and health
#[utoipa::path(get, path = "/", tag = "description", security(()), responses(
    (status = 200, description = "The addresses", body = RootOut)))]
async fn get_root(forwarded: Forwarded) -> impl IntoResponse {
    Json(RootOut {
        docs: forwarded.link("/docs/"),
        health: forwarded.link("/health"),
        openapi: forwarded.link("/openapi.json"),
        service: "codex".to_owned(),
    })
}
