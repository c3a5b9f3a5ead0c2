//! Where everything is.

use axum::{Json, response::IntoResponse};
use codex_core::health::wire::RootOut;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, http::forwarded::Forwarded};

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
