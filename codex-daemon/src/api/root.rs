//! Where everything is.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use codex_core::health::wire::RootOut;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    http::{forwarded::Forwarded, problem::Problem},
    pages,
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("description", "Addresses, and this API description")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_root))
}

/// Get the addresses of documentation, description and health
///
/// Browsers get the start page instead, by the header `Accept`.
#[utoipa::path(get, path = "/", tag = "description", security(()), responses(
    (status = 200, description = "The addresses", body = RootOut)))]
async fn get_root(
    State(app): State<App>,
    forwarded: Forwarded,
    request: Request,
) -> Result<Response, Problem> {
    // Browsers get the dashboard, which needs a token. It is no part of the description, as no page is.
    if pages::wants_html(request.headers()) {
        return pages::dashboard::show(&app, request).await;
    }
    let addresses = RootOut {
        docs: forwarded.link("/docs/"),
        health: forwarded.link("/health"),
        openapi: forwarded.link("/openapi.json"),
        service: "codex".to_owned(),
    };
    Ok(Json(addresses).into_response())
}
