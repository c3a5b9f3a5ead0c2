//! Pages of administrators (contract 1.2.K, 5.2): how the daemon is, its settings, tests of connections, clearing data.

mod clear;
mod import;
mod legacy;
mod overview;
#[cfg(test)]
pub(super) mod samples;
mod settings;
mod test;

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{admin::ClearData, jobs::query::JobFilter};
use utoipa_axum::router::OpenApiRouter;

use self::{
    clear::ClearView,
    import::ImportView,
    overview::{Facts, OverviewView},
    settings::SettingsView,
    test::TestView,
};
use super::{
    Access, PageSet,
    done::{self, redirect},
    form::SentForm,
    shell::{Shell, page},
    visit::Admin,
};
use crate::{
    app::App,
    checks::Neighbour,
    config::{keys::SECTIONS, setting::Section},
    http::{extract::Path, forwarded::Forwarded, problem::Problem},
};

const HOME: &str = "/admin/";
/// Jobs on the overview.
const JOBS: u32 = 10;

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("admin"), routes).linked("Admin", "Administration", HOME, Access::Admins);

/// The page of the import.
pub(super) const IMPORT: PageSet =
    PageSet::of(None, import_routes).linked("Admin", "Import", "/admin/import", Access::Admins);

fn import_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route("/admin/import", get(show_import))
}

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/admin", get(to_overview))
        .route(HOME, get(show_overview))
        .route(
            "/admin/settings/{section}",
            get(show_settings).post(save_settings),
        )
        .route("/admin/test/{system}", post(test_connection))
        .route("/admin/clear/{data}", get(confirm_clear))
        .route("/admin/clear-data", post(clear_data))
        .merge(legacy::routes())
}

/// The notice of what was just done, from a word in the address.
fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "saved" => Some("The settings were saved."),
        "unused" => Some(
            "The settings were saved, and are not in force: other settings of the file cannot be used. \
             `codexd config --check` names them.",
        ),
        "unchanged" => Some("Nothing was changed."),
        "cleared" => Some("The records were cleared. The next sync reads the vendors again."),
        _ => None,
    }
}

/// The frame of a page below the overview.
fn crumb(at: &Forwarded, title: &str) -> Shell {
    Shell::new(at, title).under("Administration", at.link(HOME))
}

/// The section of a path.
fn section(name: &str) -> Result<&'static Section, Problem> {
    let found = SECTIONS.iter().find(|section| section.name == name);
    found.ok_or_else(|| Problem::not_found("There is no such section of the settings."))
}

async fn to_overview(at: Forwarded) -> Response {
    Redirect::permanent(&at.link(HOME)).into_response()
}

async fn show_overview(
    Admin(visit): Admin,
    State(app): State<App>,
    uri: Uri,
) -> Result<Response, Problem> {
    let done = done::read(&uri)?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let newest = JobFilter {
        limit: JOBS,
        ..JobFilter::default()
    };
    let sources = Neighbour::ALL.map(Neighbour::name);
    let facts = Facts {
        config: app.config(),
        counts: codex.record_counts(scope).await?,
        completed: codex.last_completed(scope, &sources).await?,
        planned: codex.schedules(scope).await?,
        jobs: codex.jobs(scope, &newest).await?,
        engine: codex.db().engine(),
        now: codex.now(),
    };
    let token = || visit.csrf.token();
    let view = OverviewView::new(&visit.at, &facts, notice(done.as_deref()), token);
    page(StatusCode::OK, &view)
}

async fn show_settings(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let (section, done) = (section(&name)?, done::read(&uri)?);
    let file = settings::read(&app.config().sources)?;
    let view = SettingsView::new(&visit.at, section, &file, &visit.csrf);
    page(StatusCode::OK, &view.saying(notice(done.as_deref())))
}

async fn save_settings(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(name): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let section = section(&name)?;
    let config = app.config();
    let file = settings::read(&config.sources)?;
    let path = format!("/admin/settings/{}", section.name);
    let refused = match settings::wanted(section, &file, &visit.csrf, &sent) {
        Ok(changes) if changes.is_empty() => return Ok(redirect(&visit.at, &path, "unchanged")),
        Ok(changes) => match settings::save(&app, &visit, &file, section.name, &changes)? {
            Ok(word) => return Ok(redirect(&visit.at, &path, word)),
            Err(refused) => refused,
        },
        Err(refused) => refused,
    };
    // The file may have changed: the form continues from what it holds now.
    let file = settings::read(&config.sources)?;
    let mut view = SettingsView::new(&visit.at, section, &file, &visit.csrf);
    let status = view.refuse(&sent, refused);
    page(status, &view)
}

async fn test_connection(
    Admin(visit): Admin,
    State(app): State<App>,
    Path(name): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let system = Neighbour::of_name(&name);
    let system = system.ok_or_else(|| Problem::not_found("There is no such system to test."))?;
    let codex = &visit.call.codex;
    let finding = system.check(codex, visit.scope(), &app.config()).await;
    let view = TestView::new(&visit.at, system, &finding, visit.csrf.token());
    page(StatusCode::OK, &view)
}

async fn show_import(Admin(visit): Admin, uri: Uri) -> Result<Response, Problem> {
    done::read(&uri)?;
    let status = visit.call.codex.import_status(visit.scope()).await?;
    page(StatusCode::OK, &ImportView::new(&visit.at, status.as_ref()))
}

fn read_data(name: &str) -> Result<ClearData, Problem> {
    name.parse().map_err(Problem::not_found)
}

async fn confirm_clear(
    Admin(visit): Admin,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    done::read(&uri)?;
    let data = read_data(&name)?;
    let found = visit.call.codex.clearable(visit.scope(), data).await?;
    let view = ClearView::new(&visit.at, data, &found, visit.csrf.token());
    page(StatusCode::OK, &view)
}

async fn clear_data(Admin(visit): Admin, sent: SentForm) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    // An unknown word clears nothing (contract 1.2.K), and says so.
    let data: ClearData = sent.text(clear::DATA).parse().map_err(|what: String| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("{}: {what}", clear::DATA),
        )
    })?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let refused = if sent.text(clear::PHRASE).trim() == clear::phrase(data) {
        match codex.clear_data(scope, &visit.call.author, data).await {
            Ok(_) => return Ok(redirect(&visit.at, HOME, "cleared")),
            Err(codex_core::Error::Conflict { message }) => (StatusCode::CONFLICT, message),
            Err(other) => return Err(other.into()),
        }
    } else {
        let message = format!("Type the words `{}` to clear.", clear::phrase(data));
        (StatusCode::UNPROCESSABLE_ENTITY, message)
    };
    let found = codex.clearable(scope, data).await?;
    let (status, why) = refused;
    let view = ClearView::new(&visit.at, data, &found, visit.csrf.token());
    page(status, &view.refused(sent.text(clear::PHRASE), why))
}
