//! The API description, made of the same table as the routes.

pub(crate) mod answers;
mod columns;
pub(crate) mod docs;
pub(crate) mod errors;
pub(crate) mod examples;
pub(crate) mod headers;
mod parameters;
mod partial;

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

#[derive(OpenApi)]
#[openapi(
    info(
        title = "HiveMatrix Codex",
        description = "What an MSP knows about its clients: companies, contacts, assets, tickets.\n\n\
            Errors are RFC 9457 problems (`application/problem+json`), except where an operation says \
            otherwise.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(DryRunOut, ErrorOut, ProblemOut)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    servers(
        (url = ".", description = "Where this description is: the daemon, or `/codex` behind Nexus"),
        (url = "http://127.0.0.1:5010", description = "The daemon at the address that it has by default"),
    ),
    tags(
        (name = "agents", description = "People who log in, what they prefer, and the companies that a client may see"),
        (name = "assets", description = "Devices of the companies"),
        (name = "billing", description = "Plans, features, overrides, and what is billed"),
        (name = "claims", description = "What each source states of a record, and how to release manual values"),
        (name = "companies", description = "Client organisations, and what belongs to one"),
        (name = "contacts", description = "People at the companies"),
        (name = "dashboard", description = "The numbers of the dashboard"),
        (name = "deleted", description = "Records that were deleted, and how to restore them"),
        (name = "description", description = "Where everything is, and this description"),
        (name = "devices", description = "Assets as the devices of an RMM (legacy addresses)"),
        (name = "duplicates", description = "Records that may be one: what speaks for it, and what a person decided"),
        (name = "export", description = "Downloads of everything of one kind"),
        (name = "health", description = "Whether the service is well; metrics"),
        (name = "psa", description = "The PSA's agents and addresses"),
        (name = "search", description = "Search over everything"),
        (name = "sync", description = "Syncs with the vendors: jobs, held deletions, what waits to be written to a vendor"),
        (name = "tags", description = "Tags of companies, contacts and assets, and how to put them on many records at once"),
        (name = "tickets", description = "Tickets, their conversations and their status"),
        (name = "views", description = "Saved views: the query of a list under a name"),
        (name = "webhooks", description = "What vendors report by themselves"),
    )
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
        description = "What Codex's own pages fetch and send. It changes with them.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(DryRunOut, ErrorOut, ProblemOut)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    servers((url = ".", description = "Where this description is")),
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
    columns::describe(&mut api);
    partial::describe(&mut api);
    answers::complete(&mut api);
    headers::describe(&mut api);
    examples::give(&mut api);
    (router, api)
}
