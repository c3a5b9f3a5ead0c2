//! The PSA's agents (contract 1.2.E).

use axum::{
    Json,
    extract::{Query, State},
};
use codex_core::psa_agents::wire::PsaAgentOut;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    auth::Caller,
    problem::{Problem, ProblemOut},
};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_psa_agents))
}

#[derive(Debug, Deserialize, IntoParams)]
struct AgentParams {
    /// The only provider to list, such as `freshservice`.
    provider: Option<String>,
}

/// List the PSA's agents, active ones first, then by name.
#[utoipa::path(get, path = "/api/psa/agents", tag = "psa", params(AgentParams), responses(
    (status = 200, description = "Agents", body = Vec<PsaAgentOut>),
    (status = 401, description = "No valid token", body = ProblemOut),
    (status = 403, description = "Clients may not list agents", body = ProblemOut)))]
async fn list_psa_agents(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<AgentParams>,
) -> Result<Json<Vec<PsaAgentOut>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let agents = app
        .codex()
        .psa_agents(&scope, params.provider.as_deref())
        .await?;
    Ok(Json(agents.iter().map(PsaAgentOut::from).collect()))
}
