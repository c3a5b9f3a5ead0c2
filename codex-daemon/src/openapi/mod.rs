//! The API description, made of the same table as the routes.

pub(crate) mod answers;
mod columns;
mod defaults;
pub(crate) mod docs;
pub(crate) mod errors;
pub(crate) mod examples;
pub(crate) mod headers;
mod parameters;
pub(crate) mod partial;

use codex_core::bulk::DryRunOut;
pub use parameters::Parameters;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    api,
    app::App,
    http::problem::{ErrorOut, ProblemOut},
};

/// What holds for all operations.
const ABOUT: &str = "\
What a managed service provider knows about its clients: companies, contacts, assets, tickets.

Lists: `limit` and `cursor` page through a list; the header `Link: <...>; rel=\"next\"` has the address of the next \
page. `sort=name` sorts, `sort=-name` sorts descending, `q` searches, `total=true` counts. Each column is a filter: \
`name=acme` is equal regardless of case. An operator follows two underscores: `name__contains=acme`, \
`id__in=1,2,3`, `updated_at__gte=2026-01-31T00:00:00Z`, `email__isnull=true`.

Partial answers: `fields=id,name` returns only these fields of each record. Staff may name every field of the resource.

Changes: `dry_run=true` returns 202 with the changes and writes nothing. `If-Match` with the `ETag` of a record \
refuses to overwrite a newer version. `Idempotency-Key` makes a repeated call safe.

Errors are RFC 9457 problems (`application/problem+json`), except where an operation says otherwise.";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "HiveMatrix Codex",
        description = ABOUT,
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(DryRunOut, ErrorOut, ProblemOut)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    servers(
        (url = ".", description = "The server of this description: the daemon, or `/codex` behind Nexus"),
        (url = "http://127.0.0.1:5010", description = "The daemon at its default address"),
    ),
)]
pub(crate) struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A user's or service's token of HiveMatrix Core."))
            .build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "HiveMatrix Codex, internal",
        description = "Calls of Codex's own pages. They change with the pages.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(DryRunOut, ErrorOut, ProblemOut)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    servers((url = ".", description = "The server of this description")),
    tags((name = "tables", description = "Tables of the pages, and edits from them"))
)]
pub(crate) struct InternalDescription;

/// The description of what our own pages use.
pub fn internal() -> utoipa::openapi::OpenApi {
    described(api::internal()).1
}

/// The API description.
pub fn public() -> utoipa::openapi::OpenApi {
    described(api::all()).1
}

/// The routes and what describes them: what every operation can answer is added here, once.
pub fn described(routes: OpenApiRouter<App>) -> (axum::Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut api) = routes.split_for_parts();
    defaults::drop_nulls(&mut api);
    columns::describe(&mut api);
    partial::describe(&mut api);
    answers::complete(&mut api);
    headers::describe(&mut api);
    examples::give(&mut api);
    (router, api)
}
