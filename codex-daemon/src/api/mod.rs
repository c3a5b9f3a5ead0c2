//! The REST API: one file per resource.

mod agents;
pub(crate) mod assets;
pub(crate) mod billing_plans;
pub(crate) mod bulk_write;
mod claims;
pub(crate) mod companies;
pub(crate) mod contacts;
mod dashboard;
mod deleted;
pub(crate) mod download;
mod duplicates;
mod existence;
mod export;
mod facets;
mod feature_options;
mod health;
mod holds;
mod jobs;
pub(crate) mod locations;
mod outbox;
mod overrides;
pub(crate) mod paging;
mod psa_agents;
mod psa_tickets;
mod root;
mod search;
mod sync;
mod tags;
mod tickets;
mod views;
mod webhooks;
mod writers;

pub use existence::Named;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
pub use writers::require as require_writer;

use crate::{
    app::App,
    legacy::{devices, public_user},
    openapi::{Description, InternalDescription, docs},
    pages,
};

/// Our own pages, and the routes that they use with their description.
pub fn internal() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(InternalDescription::openapi()).merge(pages::routes())
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
        .merge(tags::routes())
        .merge(views::routes())
        .merge(facets::routes())
        .merge(tickets::routes())
        .merge(psa_agents::routes())
        .merge(psa_tickets::routes())
        .merge(agents::routes())
        .merge(public_user::routes())
        .merge(dashboard::routes())
        .merge(search::routes())
        .merge(export::routes())
        .merge(sync::routes())
        .merge(jobs::routes())
        .merge(holds::routes())
        .merge(outbox::routes())
        .merge(webhooks::routes())
        .merge(docs::routes())
}
