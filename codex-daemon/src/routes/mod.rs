//! One file per resource; the description is made of the same table as the routes.

mod agents;
mod answers;
mod assets;
mod billing_plans;
mod bulk_write;
mod claims;
mod columns;
mod companies;
mod contacts;
mod deleted;
mod devices;
mod docs;
mod download;
mod duplicates;
mod examples;
mod existence;
mod export;
mod feature_options;
mod headers;
mod health;
mod holds;
mod jobs;
mod locations;
mod outbox;
mod overrides;
pub(crate) mod paging;
mod parameters;
mod partial;
mod psa_agents;
mod psa_tickets;
mod public_user;
mod root;
mod search;
mod sync;
mod tables;
mod tickets;
mod times;
mod webhooks;
mod writers;

pub use existence::Named;
pub use parameters::Parameters;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;
pub use writers::require as require_writer;

use codex_core::records::DryRunOut;

use crate::{app::App, problem::ProblemOut};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "HiveMatrix Codex",
        description = "What an MSP knows about its clients: companies, contacts, assets, tickets.\n\n\
            Errors are RFC 9457 problems (`application/problem+json`), except where an operation says \
            otherwise.",
        license(name = "MIT", identifier = "MIT"),
    ),
    components(schemas(DryRunOut, ProblemOut)),
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
        (name = "deleted", description = "Records that were deleted, and how to restore them"),
        (name = "description", description = "Where everything is, and this description"),
        (name = "devices", description = "Assets as the devices of an RMM (legacy addresses)"),
        (name = "duplicates", description = "Records that may be one: what speaks for it, and what a person decided"),
        (name = "export", description = "Downloads of everything of one kind"),
        (name = "health", description = "Whether the service is well; metrics"),
        (name = "psa", description = "The PSA's agents and addresses"),
        (name = "search", description = "Search over everything"),
        (name = "sync", description = "Syncs with the vendors: jobs, held deletions, what waits to be written to a vendor"),
        (name = "tickets", description = "Tickets, their conversations and their status"),
        (name = "webhooks", description = "What vendors report by themselves"),
    )
)]
struct Description;

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
    components(schemas(DryRunOut, ProblemOut)),
    modifiers(&Bearer),
    security(("bearer" = [])),
    servers((url = ".", description = "Where this description is")),
    tags((name = "tables", description = "Tables of the pages, and edits from them"))
)]
struct InternalDescription;

/// The routes of our own pages with their description.
pub fn internal() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(InternalDescription::openapi()).merge(tables::routes())
}

/// The description of what our own pages use.
pub fn internal_openapi() -> utoipa::openapi::OpenApi {
    described(internal()).1
}

/// Every route for others with its description.
pub fn all() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(root::routes())
        .merge(health::routes())
        .merge(companies::routes())
        .merge(contacts::routes())
        .merge(assets::routes())
        .merge(locations::routes())
        .merge(claims::routes())
        .merge(deleted::routes())
        .merge(devices::routes())
        .merge(duplicates::routes())
        .merge(billing_plans::routes())
        .merge(feature_options::routes())
        .merge(overrides::routes())
        .merge(tickets::routes())
        .merge(psa_agents::routes())
        .merge(psa_tickets::routes())
        .merge(agents::routes())
        .merge(public_user::routes())
        .merge(search::routes())
        .merge(export::routes())
        .merge(sync::routes())
        .merge(jobs::routes())
        .merge(holds::routes())
        .merge(outbox::routes())
        .merge(webhooks::routes())
        .merge(docs::routes())
}

/// The API description.
pub fn openapi() -> utoipa::openapi::OpenApi {
    described(all()).1
}

/// The routes and what describes them: what every operation can answer is added here, once.
pub fn described(routes: OpenApiRouter<App>) -> (axum::Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut api) = routes.split_for_parts();
    columns::describe(&mut api);
    partial::describe(&mut api);
    times::describe(&mut api);
    answers::complete(&mut api);
    headers::describe(&mut api);
    examples::give(&mut api);
    (router, api)
}
