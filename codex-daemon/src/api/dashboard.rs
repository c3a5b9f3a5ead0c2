//! The numbers of the dashboard, for programs.

use axum::Json;
use codex_core::dashboard::wire::DashboardOut;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{app::App, auth::Call, http::problem::Problem};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("dashboard", "The numbers of the dashboard")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_dashboard))
}

/// Get the numbers of the dashboard
///
/// Clients get the numbers of their own companies. Numbers that the role may not see are null. Days, weeks and months
/// are in UTC. The numbers follow every change of records; overdue tickets may be up to a minute old.
#[utoipa::path(get, path = "/api/dashboard", tag = "dashboard", responses(
    (status = 200, description = "The numbers", body = DashboardOut)))]
async fn get_dashboard(call: Call) -> Result<Json<DashboardOut>, Problem> {
    let email = call.caller.email.as_deref();
    Ok(Json(call.codex.dashboard(&call.scope, email).await?))
}
