//! Options of features (contract 1.2.F).

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use codex_core::{
    billing_plans::wire::Saved,
    feature_options::wire::{
        FeatureOptionIn, FeatureOptionOut, LedgerCategoriesOut, LedgerOptionsOut,
    },
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    resource::ApiResource,
    writers::{FLAT, Who},
};
use crate::{
    app::App,
    auth::Call,
    http::{
        answer::{Answer, answer},
        body::NewBody,
        created::Created,
        extract::Query,
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, flat},
    },
    openapi::errors::{Billing, CreateErrors, Forbidden, NotClients},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    writers: &[("POST", "/api/feature-options", Who::Billing, FLAT)],
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_feature_options, create_feature_option))
        .routes(routes!(list_ledger_options))
        .routes(routes!(list_ledger_categories))
}

/// Which options.
#[derive(Debug, Deserialize, IntoParams)]
struct OptionParams {
    /// Only options of this kind of feature.
    feature_type: Option<String>,
    /// The same under its older name.
    category: Option<String>,
}

/// List feature options
///
/// Returns all options, or those of one category, by category and value.
#[utoipa::path(get, path = "/api/feature-options", tag = "billing", params(OptionParams), responses(
    (status = 200, description = "The options", body = Vec<FeatureOptionOut>),
    Forbidden<NotClients, ErrorOut>))]
async fn list_feature_options(
    call: Call,
    Query(params): Query<OptionParams>,
) -> Result<Json<Vec<FeatureOptionOut>>, Problem> {
    let category = params.feature_type.or(params.category);
    let category = category.as_deref().filter(|category| !category.is_empty());
    let options = call.codex.feature_options(&call.scope, category);
    let options = options.await.map_err(flat)?;
    Ok(Json(options.iter().map(Into::into).collect()))
}

/// Create a feature option
///
/// Returns 201 for a new option and 200 if it exists already.
#[utoipa::path(post, path = "/api/feature-options", tag = "billing", request_body = FeatureOptionIn, responses(
    (status = 200, description = "It was there", body = Saved),
    (status = 201, description = "Created", body = Saved),
    CreateErrors<Billing, ErrorOut>))]
async fn create_feature_option(
    call: Call,
    forwarded: Forwarded,
    NewBody(option): NewBody<FeatureOptionIn>,
) -> Result<Answer<Response>, Problem> {
    let made = call
        .codex
        .create_feature_option(&call.scope, &call.author, &option);
    Ok(answer(made.await.map_err(flat)?, |(option, new)| {
        let saved = |message: &str| Saved {
            id: option.id.0,
            message: message.to_owned(),
        };
        if !new {
            return Json(saved("Feature option already exists")).into_response();
        }
        // An option has no address of its own: the list has it.
        let out = saved("Feature option created");
        Created::new(&forwarded, "/api", "feature-options", out).into_response()
    }))
}

/// List feature options for Ledger
///
/// Returns the options grouped by category.
#[utoipa::path(get, path = "/billing-plans/api/feature-options", tag = "billing", responses(
    (status = 200, description = "The options", body = LedgerOptionsOut),
    Forbidden<NotClients, ErrorOut>))]
async fn list_ledger_options(call: Call) -> Result<Json<LedgerOptionsOut>, Problem> {
    let options = call.codex.feature_options(&call.scope, None);
    Ok(Json(options.await.map_err(flat)?.as_slice().into()))
}

/// List feature categories for Ledger
///
/// Returns the names of all categories, sorted.
#[utoipa::path(get, path = "/billing-plans/api/feature-categories", tag = "billing", responses(
    (status = 200, description = "The kinds, in order", body = LedgerCategoriesOut),
    Forbidden<NotClients, ErrorOut>))]
async fn list_ledger_categories(call: Call) -> Result<Json<LedgerCategoriesOut>, Problem> {
    let options = call.codex.feature_options(&call.scope, None);
    Ok(Json(options.await.map_err(flat)?.as_slice().into()))
}
