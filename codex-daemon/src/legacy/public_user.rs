//! What Nexus and Core ask of a person before a page is shown (contract 1.2.G): public to every token.

use axum::{Json, extract::State};
use codex_core::agents::wire::{HomePageOut, ThemeOut};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::resource::ApiResource,
    app::App,
    auth::Caller,
    http::{extract::Query, problem::Problem},
};

/// What it registers.
pub(crate) const API: ApiResource = ApiResource::of(routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_user_theme))
        .routes(routes!(get_user_home_page))
}

#[derive(Debug, Deserialize, IntoParams)]
struct UserParams {
    /// E-mail address of the person.
    email: Option<String>,
}

/// Get a user's themes
///
/// Returns the defaults for an unknown user. Nexus calls this for every page.
#[utoipa::path(get, path = "/api/public/user/theme", tag = "agents", params(UserParams), responses(
    (status = 200, description = "The themes", body = ThemeOut)))]
async fn get_user_theme(
    State(app): State<App>,
    _caller: Caller,
    Query(params): Query<UserParams>,
) -> Result<Json<ThemeOut>, Problem> {
    let email = params.email.unwrap_or_default();
    let agent = app.codex().agent_of_email(&email).await?;
    Ok(Json(agent.as_ref().into()))
}

/// Get a user's home page
///
/// Returns the default for an unknown user. Nexus and Core call this after login.
#[utoipa::path(get, path = "/api/public/user/home-page", tag = "agents", params(UserParams), responses(
    (status = 200, description = "The page", body = HomePageOut)))]
async fn get_user_home_page(
    State(app): State<App>,
    _caller: Caller,
    Query(params): Query<UserParams>,
) -> Result<Json<HomePageOut>, Problem> {
    let email = params.email.unwrap_or_default();
    let agent = app.codex().agent_of_email(&email).await?;
    Ok(Json(agent.as_ref().into()))
}
