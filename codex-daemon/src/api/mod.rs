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
pub(crate) mod resource;
mod root;
mod search;
mod sync;
mod tags;
mod tickets;
mod views;
mod webhooks;
mod writers;

pub use existence::Named;
use utoipa::{
    OpenApi as _,
    openapi::{Tag, tag::TagBuilder},
};
use utoipa_axum::router::OpenApiRouter;
pub use writers::require as require_writer;

use self::resource::{ApiList, ApiResource};
use crate::{
    app::App,
    legacy::{devices, public_user},
    openapi::{Description, InternalDescription, docs},
    pages,
};

/// All files of the API.
const RESOURCES: &[ApiResource] = &[
    root::API,
    health::API,
    companies::API,
    contacts::API,
    assets::API,
    locations::API,
    claims::API,
    deleted::API,
    devices::API,
    duplicates::API,
    billing_plans::API,
    feature_options::API,
    overrides::API,
    tags::API,
    views::API,
    facets::API,
    tickets::API,
    psa_agents::API,
    psa_tickets::API,
    agents::API,
    public_user::API,
    dashboard::API,
    search::API,
    export::API,
    sync::API,
    jobs::API,
    holds::API,
    outbox::API,
    webhooks::API,
    docs::API,
];

/// Our own pages, and the routes that they use with their description.
pub fn internal() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(InternalDescription::openapi()).merge(pages::routes())
}

/// Every route for others with its description.
pub fn all() -> OpenApiRouter<App> {
    let mut description = Description::openapi();
    description.tags = Some(tags());
    let routes = OpenApiRouter::with_openapi(description);
    let resources = RESOURCES.iter();
    resources.fold(routes, |routes, one| routes.merge((one.routes)()))
}

/// The tags of the description by name.
fn tags() -> Vec<Tag> {
    let mut stated: Vec<_> = RESOURCES.iter().filter_map(|one| one.tag).collect();
    stated.sort_unstable();
    let tags = stated.into_iter().map(|(name, about)| {
        let tag = TagBuilder::new().name(name);
        tag.description(Some(about)).build()
    });
    tags.collect()
}

/// The lists of all files, and records of which callers may ask for a part.
pub(crate) fn lists() -> impl Iterator<Item = &'static ApiList> {
    RESOURCES.iter().flat_map(|resource| resource.lists)
}
