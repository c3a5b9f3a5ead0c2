//! Pages of agents (contract 5.2): the people who log in, and the PSA's agents.
//!
//! Keycloak keeps who may log in, and Helm changes it. Codex asks Helm in the name of the administrator, and reads
//! Keycloak again afterwards.

mod edit;
mod list;
#[cfg(test)]
pub(super) mod samples;

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    address::segment,
    agents::{Agent, query::LISTING, wire::SettingsIn},
    sync::SyncKind,
};
use serde_json::json;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;

use self::{
    edit::{AgentView, DeleteView, NewAgentView},
    list::AgentListView,
};
use super::{
    Access, PageSet,
    address::{Asked, ListAddress},
    done::{self, redirect},
    form::SentForm,
    shell::{Shell, page},
    visit::{Admin, Visit},
};
use crate::{
    app::App,
    helm::{GROUPS, Helm, HelmError},
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
};

const LIST: &str = "/agents";
/// How long a person waits until Keycloak is read again after a change.
const WAIT_TIMEOUT: Duration = Duration::from_secs(8);
/// The shortest password that is sent; Keycloak's own policy may want more.
const SHORTEST_PASSWORD: usize = 8;

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("agents"), routes).linked("Admin", "Agents", LIST, Access::Admins);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route(LIST, get(list_agents))
        .route("/agents/sync", post(sync_agents))
        .route("/agents/new", get(new_agent).post(create_agent))
        .route("/agents/{id}", get(show_agent))
        .route("/agents/{id}/edit", post(update_agent))
        .route("/agents/{id}/settings", post(set_themes))
        .route("/agents/{id}/enabled", post(set_enabled))
        .route("/agents/{id}/groups", post(set_groups))
        .route("/agents/{id}/password", post(reset_password))
        .route(
            "/agents/{id}/delete",
            get(confirm_delete).post(delete_agent),
        )
}

/// The path of an agent's page.
fn path_of(agent: &Agent) -> String {
    format!("{LIST}/{}", segment(&agent.fields.keycloak_id))
}

/// The notice of what was just done, from a word in the address.
fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "synced" => Some("The sync of agents was started."),
        "running" => Some("A sync of agents is at work already."),
        "created" => Some("The user was created in Keycloak."),
        "saved" => Some("The user was changed in Keycloak."),
        "themes" => Some("The themes were saved."),
        "enabled" => Some("The user may log in."),
        "disabled" => Some("The user may no longer log in."),
        "groups" => Some("The groups were saved. They count from the next login on."),
        "password" => Some("The password was reset."),
        "deleted" => Some("The user was deleted in Keycloak."),
        _ => None,
    }
}

/// The frame of a page below the list.
fn crumb(at: &Forwarded, title: &str) -> Shell {
    Shell::new(at, title).under("Agents", at.link(LIST))
}

/// The agent of a path.
async fn agent(visit: &Visit, id: &str) -> Result<Agent, Problem> {
    let agent = visit.call.codex.agent(visit.scope(), id).await?;
    agent.ok_or_else(|| Problem::not_found("There is no such agent."))
}

/// Helm, in the name of a person.
fn helm(app: &App, visit: &Visit) -> Result<Helm, Problem> {
    let helm = Helm::new(app.config().helm.clone(), visit.authorization());
    helm.map_err(|error| {
        tracing::error!(%error, "No HTTP client for Helm can be made: {error}");
        Problem::internal()
    })
}

/// Reads Keycloak again, so that the change shows. The change is made already: what fails here is seen in the list of
/// jobs.
async fn follow(visit: &Visit) {
    let synced = visit.call.codex.sync(visit.scope(), SyncKind::Agents);
    match timeout(WAIT_TIMEOUT, synced).await {
        Ok(Ok(_)) | Err(_) => {}
        Ok(Err(error)) => {
            let error = error.chain();
            tracing::warn!(error, "Agents could not be read after a change");
        }
    }
}

/// Leads back after a change, or shows the agent's page with why there was none.
async fn finish(
    visit: &Visit,
    agent: &Agent,
    done: Result<(), HelmError>,
    word: &str,
    sent: &SentForm,
) -> Result<Response, Problem> {
    match done {
        Ok(()) => {
            follow(visit).await;
            Ok(redirect(&visit.at, &path_of(agent), word))
        }
        Err(error) => refuse(visit, agent, sent, error.status(), error.to_string()),
    }
}

fn refuse(
    visit: &Visit,
    agent: &Agent,
    sent: &SentForm,
    status: StatusCode,
    problem: String,
) -> Result<Response, Problem> {
    let token = || visit.csrf.token();
    let view = AgentView::new(&visit.at, agent, None, token).refused(sent, problem);
    page(status, &view)
}

async fn list_agents(Admin(visit): Admin, uri: Uri) -> Result<Response, Problem> {
    let asked = match ListAddress::read(LIST, &uri, &LISTING)? {
        Asked::List(asked) => asked,
        Asked::Elsewhere(asked) => {
            return Ok(Redirect::to(&asked.href(&visit.at)).into_response());
        }
    };
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let found = codex.agents_page(scope, &asked.request()?).await?;
    let psa = codex.psa_agents(scope, None).await?;
    let synced = codex.agents_synced_at().await?;
    let token = visit.csrf.token();
    let view = AgentListView::new(&visit.at, scope, &asked, &found, &psa, synced, token);
    page(StatusCode::OK, &view)
}

async fn sync_agents(Admin(visit): Admin, sent: SentForm) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let started = visit.call.codex.start_sync(visit.scope(), SyncKind::Agents);
    let word = if started.await?.already_running {
        "running"
    } else {
        "synced"
    };
    Ok(redirect(&visit.at, LIST, word))
}

async fn new_agent(Admin(visit): Admin, uri: Uri) -> Result<Response, Problem> {
    done::read(&uri)?;
    page(
        StatusCode::OK,
        &NewAgentView::new(&visit.at, visit.csrf.token()),
    )
}

async fn create_agent(
    Admin(visit): Admin,
    State(app): State<App>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let created = match edit::new_user(&sent) {
        Ok(user) => {
            let created = helm(&app, &visit)?.create(&user).await;
            created.map_err(|error| (error.status(), vec![(String::new(), error.to_string())]))
        }
        Err(faults) => Err((StatusCode::UNPROCESSABLE_ENTITY, faults)),
    };
    match created {
        Ok(()) => {
            follow(&visit).await;
            Ok(redirect(&visit.at, LIST, "created"))
        }
        Err((status, faults)) => {
            let view = NewAgentView::new(&visit.at, visit.csrf.token());
            page(status, &view.refused(&sent, faults))
        }
    }
}

async fn show_agent(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let done = done::read(&uri)?;
    let agent = agent(&visit, &id).await?;
    let groups = helm(&app, &visit)?.groups(&id).await;
    let token = || visit.csrf.token();
    let view = AgentView::new(&visit.at, &agent, Some(groups), token);
    page(StatusCode::OK, &view.saying(notice(done.as_deref())))
}

async fn update_agent(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let agent = agent(&visit, &id).await?;
    let email = sent.text("email").trim();
    if !email.contains('@') {
        let problem = "E-mail must be an address such as ann@msp.example. Nothing was changed.";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return refuse(&visit, &agent, &sent, status, problem.to_owned());
    }
    let changes = json!({
        "email": email,
        "firstName": sent.text("first_name").trim(),
        "lastName": sent.text("last_name").trim(),
    });
    let changed = helm(&app, &visit)?.update(&id, &changes).await;
    finish(&visit, &agent, changed, "saved", &sent).await
}

async fn set_themes(
    Admin(visit): Admin,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let agent = agent(&visit, &id).await?;
    let (codex, author) = (&visit.call.codex, &visit.call.author);
    let stated = |name: &str| Some(sent.text(name).to_owned());
    let themes = SettingsIn {
        theme_preference: stated("theme_preference"),
        preferred_color_theme: stated("preferred_color_theme"),
        ..SettingsIn::default()
    };
    match codex
        .set_agent_settings(visit.scope(), author, &id, &themes)
        .await
    {
        Ok(_) => Ok(redirect(&visit.at, &path_of(&agent), "themes")),
        Err(error @ codex_core::Error::Invalid { .. }) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            refuse(&visit, &agent, &sent, status, error.to_string())
        }
        Err(error) => Err(error.into()),
    }
}

async fn set_enabled(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let agent = agent(&visit, &id).await?;
    let enabled = match sent.text("enabled") {
        "true" => true,
        "false" => false,
        _ => return Err(Problem::bad_request("enabled: must be `true` or `false`")),
    };
    let changed = json!({"enabled": enabled});
    let changed = helm(&app, &visit)?.update(&id, &changed).await;
    let word = if enabled { "enabled" } else { "disabled" };
    finish(&visit, &agent, changed, word, &sent).await
}

async fn set_groups(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let agent = agent(&visit, &id).await?;
    let helm = helm(&app, &visit)?;
    let changed = match helm.groups(&id).await {
        Ok(now) => {
            let chosen = GROUPS
                .iter()
                .filter(|group| sent.has(&format!("group.{group}")));
            // Helm replaces all groups: those that are none of Codex' business stay.
            let others = now.iter().filter(|group| !GROUPS.contains(&group.as_str()));
            let chosen = chosen.map(|group| (*group).to_owned());
            let groups: Vec<String> = chosen.chain(others.cloned()).collect();
            helm.set_groups(&id, &groups).await
        }
        Err(error) => Err(error),
    };
    finish(&visit, &agent, changed, "groups", &sent).await
}

async fn reset_password(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let agent = agent(&visit, &id).await?;
    let password = sent.text("password");
    if password.chars().count() < SHORTEST_PASSWORD {
        let problem =
            format!("A password has at least {SHORTEST_PASSWORD} characters. Nothing was changed.");
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return refuse(&visit, &agent, &sent, status, problem);
    }
    let temporary = sent.has("temporary");
    let helm = helm(&app, &visit)?;
    let changed = helm.reset_password(&id, password, temporary).await;
    finish(&visit, &agent, changed, "password", &sent).await
}

async fn confirm_delete(
    Admin(visit): Admin,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    done::read(&uri)?;
    let agent = agent(&visit, &id).await?;
    page(
        StatusCode::OK,
        &DeleteView::new(&visit.at, &agent, visit.csrf.token()),
    )
}

async fn delete_agent(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let agent = agent(&visit, &id).await?;
    match helm(&app, &visit)?.delete(&id).await {
        Ok(()) => {
            follow(&visit).await;
            Ok(redirect(&visit.at, LIST, "deleted"))
        }
        Err(error) => {
            let view = DeleteView::new(&visit.at, &agent, visit.csrf.token());
            page(error.status(), &view.refused(error.to_string()))
        }
    }
}
