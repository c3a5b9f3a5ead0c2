//! The PSA's agents, and where its pages are (contract 1.2.E).

use axum::{Json, extract::State};
use codex_core::psa_agents::wire::{PsaAgentOut, PsaConfigOut, PsaGroupsOut, PsaProviderOut};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    auth::Caller,
    http::{
        extract::Query,
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{Forbidden, NotClients},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some(("psa", "The PSA's agents and addresses")),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_psa_agents))
        .routes(routes!(get_psa_config))
}

#[derive(Debug, Deserialize, IntoParams)]
struct AgentParams {
    /// The only provider to list, such as `freshservice`.
    provider: Option<String>,
}

/// List the PSA's agents
///
/// Returns active agents first, then by name.
#[utoipa::path(get, path = "/api/psa/agents", tag = "psa", params(AgentParams), responses(
    (status = 200, description = "Agents", body = Vec<PsaAgentOut>),
    Forbidden<NotClients, ProblemOut>))]
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

/// Get the addresses of the PSA's pages
///
/// Returns templates of addresses for tickets, companies and contacts, and the ids of the groups that other modules
/// know.
#[utoipa::path(get, path = "/api/psa/config", tag = "psa", responses(
    (status = 200, description = "Configured PSAs", body = PsaConfigOut)))]
async fn get_psa_config(State(app): State<App>, _caller: Caller) -> Json<PsaConfigOut> {
    let config = app.config();
    let [helpdesk, professional_services] = config.psa_groups;
    let freshservice = config.freshservice.as_ref().map(|vendor| {
        let site = &vendor.site;
        let provider = PsaProviderOut {
            company_url_template: format!("{site}/a/admin/departments/{{company_id}}"),
            contact_url_template: format!("{site}/a/requesters/{{contact_id}}"),
            group_ids: PsaGroupsOut {
                helpdesk,
                professional_services,
            },
            name: "Freshservice".to_owned(),
            ticket_url_template: format!("{site}/a/tickets/{{ticket_id}}"),
        };
        ("freshservice".to_owned(), provider)
    });
    Json(PsaConfigOut {
        default_provider: Some(app.codex().providers().psa).filter(|name| !name.is_empty()),
        providers: freshservice.into_iter().collect(),
    })
}
