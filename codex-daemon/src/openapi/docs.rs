//! The API description: `/openapi.json`, and Swagger UI at `/docs/` from the binary.
//!
//! The page names the description by a relative address, so it works behind Nexus' `/codex` too.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::constant_time;
use axum::{
    extract::{FromRequestParts, Path, State},
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, LOCATION},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
    routing::get,
};
use secrecy::ExposeSecret as _;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, serve};

use crate::{
    api::resource::ApiResource,
    app::App,
    auth::Caller,
    http::{
        forwarded::{Forwarded, PeerAddress, is_forwarded},
        headers::single,
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{Administrators, Forbidden},
};

static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // Without a validator: the page must not send the description to a site on the internet.
    Arc::new(Config::new(["../openapi.json"]).validator_url("none"))
});

/// Leave to read the description: anybody when it is public, otherwise callers with a token.
#[derive(Debug)]
struct Reader;

impl FromRequestParts<App> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !app.config().server.docs_public {
            Caller::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}

/// Leave to read the metrics.
#[derive(Debug)]
struct MetricsReader;

impl FromRequestParts<App> for MetricsReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<PeerAddress>();
        let is_here = peer.is_some_and(|peer| peer.0.to_canonical().is_loopback());
        if (is_here && !is_forwarded(&parts.headers)) || has_metrics_token(&parts.headers, app) {
            return Ok(Self);
        }
        let caller = Caller::from_request_parts(parts, app).await?;
        let scope = caller.scope(app.codex()).await?;
        scope.require_admin("reading metrics")?;
        Ok(Self)
    }
}

fn has_metrics_token(headers: &HeaderMap, app: &App) -> bool {
    let given = single(headers, AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let config = app.config();
    let (Some(given), Some(token)) = (given, &config.metrics_token) else {
        return false;
    };
    let token = token.expose_secret().as_bytes();
    constant_time::verify_slices_are_equal(given.as_bytes(), token).is_ok()
}

/// What it registers.
pub(crate) const API: ApiResource = ApiResource::of(routes);

/// The routes. Only the description describes itself; pages and redirects are for people.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_openapi))
        .routes(routes!(get_metrics))
        .route("/docs", get(to_docs))
        .route("/docs/", get(docs_page))
        .route("/docs/{*file}", get(docs_file))
        // Addresses of the Flask service (contract 0).
        .route("/apidocs/index.html", get(to_docs))
        .route("/apispec.json", get(to_openapi))
}

/// Get the API description
///
/// Returns OpenAPI 3.1. Needs a token unless `server.docs_public` allows reading without one.
#[utoipa::path(get, path = "/openapi.json", tag = "description", security((), ("bearer" = [])),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn get_openapi(_: Reader, State(app): State<App>) -> Response {
    ([(CONTENT_TYPE, "application/json")], app.openapi()).into_response()
}

/// Get Prometheus metrics
///
/// Needs no token from this machine, unless a proxy forwards the call (`X-Forwarded-*`). Otherwise needs an
/// administrator's token or that of `[metrics] token`.
#[utoipa::path(get, path = "/metrics", tag = "health", security((), ("bearer" = [])),
    responses((status = 200, description = "Counters", body = String, content_type = "text/plain"),
        Forbidden<Administrators, ProblemOut>))]
async fn get_metrics(_: MetricsReader, State(app): State<App>) -> Response {
    let kind = "text/plain; version=0.0.4";
    crate::metrics::look(&app).await;
    ([(CONTENT_TYPE, kind)], crate::metrics::text()).into_response()
}

async fn to_docs(forwarded: Forwarded) -> Response {
    redirect(&forwarded, "/docs/")
}

async fn to_openapi(forwarded: Forwarded) -> Response {
    redirect(&forwarded, "/openapi.json")
}

fn redirect(forwarded: &Forwarded, path: &str) -> Response {
    (
        StatusCode::PERMANENT_REDIRECT,
        [(LOCATION, forwarded.link(path))],
    )
        .into_response()
}

async fn docs_page(reader: Reader) -> Result<Response, Problem> {
    docs_file(reader, Path("index.html".to_owned())).await
}

async fn docs_file(_: Reader, Path(file): Path<String>) -> Result<Response, Problem> {
    let found = serve(&file, PAGE.clone()).map_err(|error| {
        tracing::error!(%error, "The page `{file}` of Swagger UI could not be made");
        Problem::internal()
    })?;
    let file = found.ok_or_else(|| Problem::not_found("There is no such page."))?;
    Ok(([(CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response())
}
