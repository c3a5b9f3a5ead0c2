//! What a person prefers: theme, colours and the page to begin with.

use askama::Template;
use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use codex_core::{
    Error,
    agents::{
        AgentFields, COLOR_THEMES, THEMES,
        wire::{SettingsIn, SettingsOut},
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::{
    Access, PageSet, csrf,
    fields::capitalized,
    form::SentForm,
    shell::{Shell, page},
    visit::{Visit, applied},
};
use crate::{
    app::App,
    http::{extract::without_nul, forwarded::Forwarded, problem::Problem},
};

const PATH: &str = "/settings";
/// Pages that Nexus opens at its start; it knows no others (consumers 3).
const HOME_PAGES: [&str; 5] = ["helm", "codex", "beacon", "ledger", "brainhair"];
/// Members of the form, by the names of the settings.
const THEME: &str = "theme_preference";
const COLORS: &str = "preferred_color_theme";
const HOME: &str = "home_page_preference";

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("settings"), routes).linked("Settings", "Settings", PATH, Access::Everyone);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().route(PATH, get(show).post(update))
}

/// A value that can be chosen.
#[derive(Debug)]
struct Choice {
    id: String,
    value: &'static str,
    label: String,
    is_chosen: bool,
}

/// The choices of a setting; a stored value that is not among them is not shown as chosen.
fn choices(name: &str, values: &[&'static str], chosen: &str) -> Vec<Choice> {
    let choices = values.iter().copied().map(|value| Choice {
        id: format!("{name}-{value}"),
        value,
        label: capitalized(value),
        is_chosen: value == chosen,
    });
    choices.collect()
}

/// Whose settings they are.
#[derive(Debug, Default)]
struct Person {
    username: Option<String>,
    email: Option<String>,
    /// `None` for an unknown user.
    settings: Option<SettingsOut>,
}

/// The settings as a page.
#[derive(Debug, Template)]
#[template(path = "settings/show.html")]
pub(super) struct SettingsView {
    shell: Shell,
    action: String,
    csrf_field: &'static str,
    csrf: String,
    username: String,
    email: String,
    is_known: bool,
    themes: Vec<Choice>,
    colors: Vec<Choice>,
    homes: Vec<Choice>,
    /// A start page that is set elsewhere, and stays unless another is chosen.
    other_home: Option<String>,
    /// What is wrong with what was sent.
    problem: Option<String>,
}

impl SettingsView {
    fn new(at: &Forwarded, person: Person, done: Option<&str>, csrf: String) -> Self {
        let notice = match done {
            Some("saved") => Some(
                "Your settings were saved. Nexus keeps a theme for up to five minutes; then every page shows yours.",
            ),
            _ => None,
        };
        let is_known = person.settings.is_some();
        let settings = person
            .settings
            .unwrap_or_else(|| SettingsOut::from(&AgentFields::default()));
        let home = settings.home_page_preference;
        let is_other = is_known && !HOME_PAGES.contains(&home.as_str());
        let unknown = || "unknown".to_owned();
        Self {
            shell: Shell::new(at, "Settings").saying(notice),
            action: at.link(PATH),
            csrf_field: csrf::FIELD,
            csrf,
            username: person.username.unwrap_or_else(unknown),
            email: person.email.unwrap_or_else(unknown),
            is_known,
            themes: choices(THEME, &THEMES, &settings.theme_preference),
            colors: choices(COLORS, &COLOR_THEMES, &settings.preferred_color_theme),
            homes: choices(HOME, &HOME_PAGES, &home),
            other_home: is_other.then_some(home),
            problem: None,
        }
    }
}

/// The word in the address that says what was just done.
fn done(uri: &Uri) -> Result<Option<String>, Problem> {
    let mut done = None;
    let query = uri.query().unwrap_or_default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        without_nul(&name, &value)?;
        if name != "done" {
            return Err(Problem::bad_request(format!("unknown parameter `{name}`")));
        }
        done = Some(value.into_owned());
    }
    Ok(done)
}

/// The person of a visit, as Codex knows them.
async fn person(visit: &Visit) -> Result<Person, Problem> {
    let caller = &visit.call.caller;
    let email = caller.email.as_deref();
    let agent = visit.call.codex.own_agent(&caller.sub, email).await?;
    let Some(agent) = agent else {
        return Ok(Person {
            username: caller.preferred_username.clone(),
            email: caller.email.clone(),
            settings: None,
        });
    };
    Ok(Person {
        settings: Some((&agent.fields).into()),
        username: Some(agent.fields.username),
        email: agent.fields.email.or_else(|| caller.email.clone()),
    })
}

async fn show(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let done = done(&uri)?;
    let person = person(&visit).await?;
    let token = visit.csrf.token();
    let view = SettingsView::new(&visit.at, person, done.as_deref(), token);
    page(StatusCode::OK, &view)
}

async fn update(visit: Visit, form: SentForm) -> Result<Response, Problem> {
    visit.check(form.token())?;
    let stated = |name: &str| Some(form.text(name).to_owned()).filter(|text| !text.is_empty());
    let sent = SettingsIn {
        home_page_preference: stated(HOME),
        preferred_color_theme: stated(COLORS),
        theme_preference: stated(THEME),
        ..SettingsIn::default()
    };
    match save(&visit, &sent).await {
        Ok(()) => Ok(Redirect::to(&visit.at.link(&format!("{PATH}?done=saved"))).into_response()),
        Err(Error::Invalid { field, message }) => {
            let person = person(&visit).await?;
            let token = visit.csrf.token();
            let mut view = SettingsView::new(&visit.at, person, None, token);
            view.problem = Some(format!("{field}: {message}"));
            page(StatusCode::UNPROCESSABLE_ENTITY, &view)
        }
        Err(error) => Err(error.into()),
    }
}

/// Stores what was stated.
async fn save(visit: &Visit, settings: &SettingsIn) -> codex_core::Result<()> {
    let (call, caller) = (&visit.call, &visit.call.caller);
    let email = caller.email.as_deref();
    let saved = call
        .codex
        .set_own_settings(&call.author, &caller.sub, email, settings);
    match saved.await?.map(applied).transpose()? {
        Some(_) => Ok(()),
        None => Err(Error::invalid(
            "settings",
            "cannot be kept yet: Codex learns of you with the next sync of agents",
        )),
    }
}

#[cfg(test)]
impl SettingsView {
    /// What templates are tested with.
    pub(super) fn samples() -> Vec<(&'static str, Self)> {
        let at = Forwarded::of(&axum::http::HeaderMap::new());
        let of = |text: &str, home: &str| Person {
            username: Some(text.to_owned()),
            email: Some(text.to_owned()),
            settings: Some(SettingsOut {
                home_page_preference: home.to_owned(),
                knowledgetree_view_preference: "grid".to_owned(),
                preferred_color_theme: "bee".to_owned(),
                theme_preference: "dark".to_owned(),
            }),
        };
        let token = || "word.proof".to_owned();
        let hostile = crate::pages::tests::HOSTILE;
        let mut refused = Self::new(&at, of(hostile, hostile), None, token());
        refused.problem = Some(hostile.to_owned());
        vec![
            (
                "settings/empty",
                Self::new(&at, Person::default(), None, token()),
            ),
            (
                "settings/usual",
                Self::new(&at, of("ann", "codex"), Some("saved"), token()),
            ),
            ("settings/hostile", refused),
        ]
    }
}
