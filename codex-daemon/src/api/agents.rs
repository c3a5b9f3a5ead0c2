//! Agents, the people who log in, and their settings (contract 1.2.G).

use axum::{
    Json,
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use codex_core::{
    agents::{
        Agent,
        query::LISTING,
        wire::{
            AgentCompanies, AgentIn, AgentOut, AgentSaved, AgentSettingsChanged, AgentsOut,
            AgentsSynced, MySettingsChanged, MySettingsOut, SettingsIn, SettingsOwner,
        },
    },
    jobs::{Job, JobStatus},
    sync::SyncKind,
};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    paging::PageOfListParams,
    resource::{ApiList, ApiResource, Checked, NamedRecord, Names},
    writers::{FLAT, PROBLEM, Who},
};
use crate::{
    app::App,
    auth::{Call, Caller},
    http::{
        answer::{Answer, answer},
        body::{Body, NewBody},
        conditional::Versioned,
        created::Created,
        extract::Path,
        forwarded::Forwarded,
        problem::{ErrorOut, Problem, ProblemOut},
    },
    legacy::List,
    openapi::errors::{Administrators, Forbidden, NotFound, NotServices},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some((
        "agents",
        "People who log in, their settings, and the companies that a client user may see",
    )),
    writers: &[
        ("POST", "/api/agents", Who::Admins, PROBLEM),
        ("PUT", "/api/agents/{keycloak_id}", Who::Admins, PROBLEM),
        (
            "PUT",
            "/api/agents/{keycloak_id}/companies",
            Who::Admins,
            PROBLEM,
        ),
        (
            "PUT",
            "/api/agents/{keycloak_id}/settings",
            Who::Admins,
            PROBLEM,
        ),
        ("PUT", "/api/my/settings", Who::People, FLAT),
    ],
    named: &[NamedRecord {
        part: "{keycloak_id}",
        check: named,
    }],
    lists: &[ApiList::of::<Agent>("/api/agents", &LISTING, None)],
    ..ApiResource::of(routes)
};

/// Refuses a call for a record that is not there.
fn named<'c>(call: &'c Call, names: &'c Names) -> Checked<'c> {
    Box::pin(async move {
        agent(call, names.text("keycloak_id")).await?;
        Ok(())
    })
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_agents, create_agent))
        .routes(routes!(get_agent, update_agent))
        .routes(routes!(get_agent_settings, update_agent_settings))
        .routes(routes!(get_agent_companies, open_agent_companies))
        .routes(routes!(sync_agents))
        .routes(routes!(get_my_settings, update_my_settings))
}

/// What concerns the call is flat; a caller without the right to call gets the framework's form (contract 1.0).
fn flat(error: codex_core::Error) -> Problem {
    let forbidden = matches!(error, codex_core::Error::Forbidden(_));
    let problem = Problem::from(error);
    if forbidden { problem } else { problem.flat() }
}

fn unknown() -> Problem {
    // Nexus looks for these words (consumers 0 #11).
    Problem::not_found("Agent not found").flat()
}

/// The agent of a path, by its Keycloak id.
pub(super) async fn agent(call: &Call, id: &str) -> Result<Agent, Problem> {
    let agent = call.codex.agent(&call.scope, id).await?;
    agent.ok_or_else(unknown)
}

fn object(body: Option<Body<Map<String, Value>>>) -> Map<String, Value> {
    body.map(|Body(object)| object).unwrap_or_default()
}

/// List agents
///
/// Returns all agents by login name, disabled agents too. With `cursor`, `sort`, `q`, `fields`, `total` or a column
/// as parameter the answer is a page, as in `GET /api/companies`. `total` in the answer then counts the whole list.
#[utoipa::path(get, path = "/api/agents", tag = "agents", params(PageOfListParams), responses(
    (status = 200, description = "The agents", body = AgentsOut),
    Forbidden<Administrators, ProblemOut>))]
async fn list_agents(call: Call, forwarded: Forwarded, uri: Uri) -> Result<Response, Problem> {
    let (codex, scope) = (&call.codex, &call.scope);
    let synced = codex.agents_synced_at().await?;
    let list = List::object(&call, &uri, &LISTING, "agents")?;
    let whole = codex.agents(scope);
    let page = codex.agents_page(scope, &list.page);
    let out = |agent: Agent| AgentOut::new(&agent, synced);
    let answer = list.answer(scope, &forwarded, whole, page, |agent| agent, None, out);
    answer.await
}

/// Get an agent
///
/// The agent is named by its Keycloak id. Only administrators and services read agents.
#[utoipa::path(get, path = "/api/agents/{keycloak_id}", tag = "agents",
    params(("keycloak_id" = String, Path, description = "Keycloak's user id")),
    responses(
        (status = 200, description = "The agent", body = AgentOut),
        Forbidden<Administrators, ProblemOut>, NotFound<ErrorOut>))]
async fn get_agent(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Versioned<AgentOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let agent = app.codex().agent(&scope, &id).await?.ok_or_else(unknown)?;
    let synced = app.codex().agents_synced_at().await?;
    let version = Some(agent.updated_at);
    Ok(Versioned(AgentOut::new(&agent, synced), version))
}

/// Get an agent's settings
///
/// Returns what the agent gets from `GET /api/my/settings`.
#[utoipa::path(get, path = "/api/agents/{keycloak_id}/settings", tag = "agents",
    params(("keycloak_id" = String, Path, description = "Keycloak's user id")),
    responses(
        (status = 200, description = "The settings", body = MySettingsOut),
        Forbidden<Administrators, ProblemOut>, NotFound<ErrorOut>))]
async fn get_agent_settings(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Versioned<MySettingsOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let agent = app.codex().agent(&scope, &id).await?.ok_or_else(unknown)?;
    Ok(settings(Some(&agent)))
}

fn settings(agent: Option<&Agent>) -> Versioned<MySettingsOut> {
    Versioned(agent.into(), agent.map(|agent| agent.updated_at))
}

/// Update an agent's themes
///
/// Unknown keys are ignored. View and home page can be changed by the agent only, with `PUT /api/my/settings`.
#[utoipa::path(put, path = "/api/agents/{keycloak_id}/settings", tag = "agents",
    params(("keycloak_id" = String, Path, description = "Keycloak's user id")),
    request_body = SettingsIn,
    responses(
        (status = 200, description = "Changed", body = AgentSettingsChanged),
        Forbidden<Administrators, ProblemOut>, NotFound<ErrorOut>,
        (status = 400, description = "Nothing is stated, or a value is not known", body = ErrorOut)))]
async fn update_agent_settings(
    call: Call,
    Path(id): Path<String>,
    body: Option<Body<Map<String, Value>>>,
) -> Result<Answer<Json<AgentSettingsChanged>>, Problem> {
    agent(&call, &id).await?;
    let settings = SettingsIn::read(&object(body), SettingsOwner::Others).map_err(flat)?;
    let codex = &call.codex;
    let changed = codex.set_agent_settings(&call.scope, &call.author, &id, &settings);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    let synced = codex.agents_synced_at().await?;
    Ok(answer(changed, |agent| {
        Json(AgentSettingsChanged {
            agent: AgentOut::new(&agent, synced),
            message: "Settings updated.".into(),
            success: true,
        })
    }))
}

/// Get the companies that an agent may see
///
/// The list matters while the agent is a client user. It is empty until an administrator sets it.
#[utoipa::path(get, path = "/api/agents/{keycloak_id}/companies", tag = "agents",
    params(("keycloak_id" = String, Path, description = "Keycloak's user id")),
    responses(
        (status = 200, description = "Their account numbers", body = AgentCompanies),
        Forbidden<Administrators, ProblemOut>, NotFound<ErrorOut>))]
async fn get_agent_companies(
    call: Call,
    Path(id): Path<String>,
) -> Result<Versioned<AgentCompanies>, Problem> {
    let opened = call.codex.agent_companies(&call.scope, &id).await?;
    let (opened, version) = opened.ok_or_else(unknown)?;
    Ok(Versioned(opened, Some(version)))
}

/// Set the companies that an agent may see
///
/// Replaces the list. A client user sees these companies. If the list is empty, a client user sees the companies of
/// the one active contact with the same e-mail address.
#[utoipa::path(put, path = "/api/agents/{keycloak_id}/companies", tag = "agents",
    params(("keycloak_id" = String, Path, description = "Keycloak's user id")),
    request_body = AgentCompanies,
    responses(
        (status = 200, description = "What is opened now", body = AgentCompanies),
        Forbidden<Administrators, ProblemOut>, NotFound<ErrorOut>,
        (status = 400, description = "There is no such company", body = ErrorOut),
        (status = 422, description = "Every fault of the body", body = ErrorOut)))]
async fn open_agent_companies(
    call: Call,
    Path(id): Path<String>,
    Body(wanted): Body<AgentCompanies>,
) -> Result<Answer<Json<AgentCompanies>>, Problem> {
    let opened = call
        .codex
        .open_companies(&call.scope, &call.author, &id, &wanted);
    let opened = opened.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(opened, Json))
}

/// Sync agents from Keycloak and wait
///
/// Returns when the sync has ended. If a sync is running already, waits for it. `POST /sync/agents` starts the same
/// sync as a job and returns at once.
#[utoipa::path(post, path = "/api/agents/sync", tag = "agents", responses(
    (status = 200, description = "Done", body = AgentsSynced),
    (status = 400, description = "Keycloak says so; or `dry_run`: this call has no dry run", body = ErrorOut),
    (status = 403, description = "For administrators and services; as `{error}` when Keycloak says it", body = ErrorOut),
    (status = 404, description = "Keycloak has no such realm", body = ErrorOut),
    (status = 409, description = "Keycloak says so; or as with every `Idempotency-Key`", body = ErrorOut),
    (status = 422, description = "Keycloak says so; or the `Idempotency-Key` was used for another call", body = ErrorOut),
    (status = 429, description = "Keycloak says so; or too many calls: `Retry-After` says how long to wait", body = ErrorOut),
    (status = "4XX", description = "What else Keycloak answers to the question for its users", body = ErrorOut),
    (status = 500, description = "Keycloak cannot be reached or refuses the login", body = ErrorOut),
    (status = 503, description = "Keycloak says so; or the database is out of reach", body = ErrorOut),
    (status = "5XX", description = "What else Keycloak answers", body = ErrorOut)))]
async fn sync_agents(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<AgentsSynced>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let job = app.codex().sync(&scope, SyncKind::Agents).await;
    let job = job.map_err(flat)?;
    if job.status != JobStatus::Completed {
        return Err(failed(&job));
    }
    let counts = job.report.counts.get("agent").copied().unwrap_or_default();
    Ok(Json(AgentsSynced {
        created: counts.created,
        errors: job.report.issues,
        success: true,
        synced: counts.seen,
        total_keycloak_users: counts.seen + counts.failed,
        updated: counts.updated + counts.restored,
    }))
}

/// Keycloak's own status where it refused to list users, 500 for everything else (contract 1.2.G). A 401 of
/// Keycloak is none of ours: the caller would take its own token for bad.
fn failed(job: &Job) -> Problem {
    let refused = job.report.refused.filter(|status| *status != 401);
    let status = refused.and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.filter(|status| status.is_client_error() || status.is_server_error());
    let error = job.error.as_deref().unwrap_or("The sync did not complete.");
    Problem::new(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error).flat()
}

/// Refuses modules: they have no settings.
fn person(caller: &Caller) -> Result<(), Problem> {
    if !caller.is_user() {
        return Err(Problem::forbidden("Settings are for people, not for services.").flat());
    }
    Ok(())
}

/// Get the caller's settings
///
/// Returns the defaults for an unknown user.
#[utoipa::path(get, path = "/api/my/settings", tag = "agents", responses(
    (status = 200, description = "The settings", body = MySettingsOut),
    Forbidden<NotServices, ErrorOut>,
    (status = 400, description = "The token says no e-mail address, and Codex does not know its user", body = ErrorOut)))]
async fn get_my_settings(
    State(app): State<App>,
    caller: Caller,
) -> Result<Versioned<MySettingsOut>, Problem> {
    person(&caller)?;
    let email = caller.email.as_deref();
    let agent = app.codex().own_agent(&caller.sub, email).await?;
    if agent.is_none() && email.is_none() {
        return Err(Problem::bad_request("The token has no e-mail address.").flat());
    }
    Ok(settings(agent.as_ref()))
}

/// Update the caller's settings
///
/// Absent keys keep their values. Unknown keys are ignored.
#[utoipa::path(put, path = "/api/my/settings", tag = "agents", request_body = SettingsIn, responses(
    (status = 200, description = "Changed", body = MySettingsChanged),
    Forbidden<NotServices, ErrorOut>,
    (status = 400, description = "Nothing is stated, or a value is not known", body = ErrorOut),
    (status = 404, description = "Codex does not know the person", body = ErrorOut)))]
async fn update_my_settings(
    call: Call,
    body: Option<Body<Map<String, Value>>>,
) -> Result<Answer<Json<MySettingsChanged>>, Problem> {
    let (caller, codex) = (&call.caller, &call.codex);
    person(caller)?;
    let email = caller.email.as_deref();
    let unknown = || match email {
        Some(_) => unknown(),
        None => Problem::bad_request("The token has no e-mail address.").flat(),
    };
    // Whether Codex knows the person is judged before what is sent.
    let known = codex.own_agent(&caller.sub, email).await.map_err(flat)?;
    known.ok_or_else(unknown)?;
    let settings = SettingsIn::read(&object(body), SettingsOwner::Own).map_err(flat)?;
    let changed = codex.set_own_settings(&call.author, &caller.sub, email, &settings);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(changed, |agent| {
        Json(MySettingsChanged {
            message: "Settings updated.".into(),
            settings: (&agent.fields).into(),
            success: true,
        })
    }))
}

/// Create an agent from a Keycloak user
///
/// Asks Keycloak whether the user exists. If Keycloak cannot be reached, the agent is created with `verified` false,
/// and the next sync that does not find the user disables it.
#[utoipa::path(post, path = "/api/agents", tag = "agents", request_body = AgentIn, responses(
    (status = 201, description = "The new agent", body = AgentSaved),
    Forbidden<Administrators, ProblemOut>,
    (status = 409, description = "Another agent has the id, the name or the address", body = ErrorOut),
    (status = 422, description = "Every fault of the body", body = ErrorOut)))]
async fn create_agent(
    call: Call,
    forwarded: Forwarded,
    NewBody(agent): NewBody<AgentIn>,
) -> Result<Answer<Created<AgentSaved>>, Problem> {
    let made = call.codex.create_agent(&call.scope, &call.author, &agent);
    let made = made.await.map_err(flat)?;
    let synced = call.codex.agents_synced_at().await?;
    Ok(answer(made, |(agent, verified)| {
        let saved = AgentSaved {
            agent: AgentOut::new(&agent, synced),
            success: true,
            verified,
        };
        let id = saved.agent.keycloak_id.clone();
        Created::new(&forwarded, "/api/agents", id, saved)
    }))
}

/// Update an agent
///
/// Only the keys that you send change. They become manual values, which win over every source until they are
/// released.
///
/// Read-only members, such as the id, may be sent back unchanged.
#[utoipa::path(put, path = "/api/agents/{keycloak_id}", tag = "agents", request_body = AgentIn,
    params(("keycloak_id" = String, Path, description = "Keycloak's user id")),
    responses(
        (status = 200, description = "The agent as it is now", body = AgentOut),
        Forbidden<Administrators, ProblemOut>, NotFound<ErrorOut>,
        (status = 400, description = "The body states nothing", body = ErrorOut),
        (status = 409, description = "Another agent has the name or the address", body = ErrorOut),
        (status = 422, description = "Every fault of the body", body = ErrorOut)))]
async fn update_agent(
    call: Call,
    Path(id): Path<String>,
    Body(body): Body<Map<String, Value>>,
) -> Result<Answer<Versioned<AgentOut>>, Problem> {
    let synced = call.codex.agents_synced_at().await?;
    let now = AgentOut::new(&agent(&call, &id).await?, synced);
    let edit = AgentIn::read_change(body, &now).map_err(flat)?;
    let changed = call
        .codex
        .update_agent(&call.scope, &call.author, &id, &edit);
    let changed = changed.await.map_err(flat)?.ok_or_else(unknown)?;
    Ok(answer(changed, |agent| {
        Versioned(AgentOut::new(&agent, synced), Some(agent.updated_at))
    }))
}
