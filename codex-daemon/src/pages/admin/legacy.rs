//! The forms of today's admin page under their own addresses and names (contract 1.2.K): an empty input keeps a value.

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
    routing::post,
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    HOME,
    settings::{self, Refusal},
};
use crate::{
    app::App,
    config::{
        edit::{Change, fault},
        keys,
    },
    http::problem::Problem,
    pages::{
        form::SentForm,
        visit::{Admin, Visit},
    },
};

/// PSAs that can be chosen.
pub(super) const PSAS: [&str; 2] = ["freshservice", "superops"];
/// RMMs that can be chosen.
pub(super) const RMMS: [&str; 2] = ["datto", "superops"];
/// A section that is kept for other programs: no setting of Codex.
const SUPEROPS: &str = "psa.superops";

/// An input of a form, and the setting that it is.
struct Input {
    name: &'static str,
    key: &'static str,
    /// Whether an empty input blanks the setting.
    blanks: bool,
    /// The only values; none means any.
    values: &'static [&'static str],
}

const fn input(name: &'static str, key: &'static str) -> Input {
    Input {
        name,
        key,
        blanks: false,
        values: &[],
    }
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/admin/update-freshservice", post(update_freshservice))
        .route("/admin/update-datto", post(update_datto))
        .route("/admin/update-superops", post(update_superops))
        .route("/admin/update-psa-provider", post(update_psa))
        .route("/admin/update-rmm-provider", post(update_rmm))
}

async fn update_freshservice(
    Admin(visit): Admin,
    State(app): State<App>,
    sent: SentForm,
) -> Result<Response, Problem> {
    let web = Input {
        blanks: true,
        ..input("fs_web_domain", "web_domain")
    };
    let inputs = [
        input("fs_domain", "domain"),
        input("fs_api_key", "api_key"),
        web,
    ];
    update(&visit, &app, &sent, "freshservice", &inputs)
}

async fn update_datto(
    Admin(visit): Admin,
    State(app): State<App>,
    sent: SentForm,
) -> Result<Response, Problem> {
    let inputs = [
        input("datto_endpoint", "api_endpoint"),
        input("datto_public_key", "public_key"),
        input("datto_secret_key", "secret_key"),
    ];
    update(&visit, &app, &sent, "datto", &inputs)
}

async fn update_superops(
    Admin(visit): Admin,
    State(app): State<App>,
    sent: SentForm,
) -> Result<Response, Problem> {
    let inputs = [
        input("superops_api_url", "api_url"),
        input("superops_api_key", "api_key"),
    ];
    update(&visit, &app, &sent, SUPEROPS, &inputs)
}

async fn update_psa(
    Admin(visit): Admin,
    State(app): State<App>,
    sent: SentForm,
) -> Result<Response, Problem> {
    let provider = Input {
        values: &PSAS,
        ..input("default_provider", "default_provider")
    };
    update(&visit, &app, &sent, "psa", &[provider])
}

async fn update_rmm(
    Admin(visit): Admin,
    State(app): State<App>,
    sent: SentForm,
) -> Result<Response, Problem> {
    let provider = Input {
        values: &RMMS,
        ..input("default_provider", "default_provider")
    };
    update(&visit, &app, &sent, "rmm", &[provider])
}

/// Saves the inputs of a form and leads to the overview.
fn update(
    visit: &Visit,
    app: &App,
    sent: &SentForm,
    section: &'static str,
    inputs: &[Input],
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let file = settings::read(&app.config().sources)?;
    let mut changes = Vec::new();
    for input in inputs {
        let text = sent.text(input.name).trim();
        if text.is_empty() && !(input.blanks && sent.has(input.name)) {
            continue;
        }
        let refused = |what: String| refused(&format!("{}: {what}", input.name));
        if !input.values.is_empty() && !input.values.contains(&text) {
            let known = input.values.join(" or ");
            return Err(refused(format!("`{text}` is not {known}")));
        }
        let Some(setting) = keys::find(section, input.key) else {
            if text.contains(['\n', '\r']) {
                return Err(refused("must be one line".to_owned()));
            }
            changes.push(Change {
                section: section.to_owned(),
                key: input.key.to_owned(),
                value: Some(text.to_owned()),
            });
            continue;
        };
        if let Some(source) = file.fixed(setting) {
            return Err(refused(format!(
                "cannot be changed here: it is set by {source}"
            )));
        }
        if let Some(what) = fault(setting, text) {
            return Err(refused(what));
        }
        changes.extend(file.changes(setting, text));
    }
    if changes.is_empty() {
        return Ok(found(visit, "unchanged"));
    }
    match settings::save(app, visit, &file, section, &changes)? {
        Ok(word) => Ok(found(visit, word)),
        Err(Refusal::Stale) => {
            let detail = "The settings file was changed at the same moment. Send the form again.";
            Err(Problem::new(StatusCode::CONFLICT, detail))
        }
        Err(Refusal::Faults(faults)) => {
            let faults: Vec<String> = faults
                .iter()
                .map(|(key, what)| format!("{key}: {what}"))
                .collect();
            Err(refused(&faults.join("; ")))
        }
    }
}

fn refused(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// The status of the contract: 302.
fn found(visit: &Visit, word: &str) -> Response {
    let target = visit.at.link(&format!("{HOME}?done={word}"));
    (StatusCode::FOUND, [(LOCATION, target)]).into_response()
}
