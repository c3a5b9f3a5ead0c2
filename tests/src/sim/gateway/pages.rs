//! Pages and files of the gateway itself.

use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode},
};
use serde::Deserialize;

use super::{
    PREFIX, State,
    people::{PEOPLE, Person},
    session::Session,
};
use crate::sim::reply::raw;

/// A file with its headers, as a route answers it.
type File = ([(&'static str, &'static str); 1], &'static str);

const CSS: [(&str, &str); 1] = [("content-type", "text/css; charset=utf-8")];
const SCRIPT: [(&str, &str); 1] = [("content-type", "text/javascript; charset=utf-8")];

pub(super) const STYLE: File = (CSS, super::STYLE);
pub(super) const PANEL_STYLE: File = (CSS, include_str!("side_panel.css"));
pub(super) const PANEL_SCRIPT: File = (SCRIPT, include_str!("side_panel.js"));

/// `GET /`: who can log in, and who is.
pub(super) async fn start(state: &State, headers: &HeaderMap) -> Response<Body> {
    let session = state.session(headers).await;
    let notice = session.as_ref().map(here).unwrap_or_default();
    page("HiveMatrix Codex", &notice, "")
}

/// Where somebody was before the login ended.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /login`: the same, and back to where one was.
pub(super) fn login(Next { next }: &Next) -> Response<Body> {
    let notice = r#"<div class="alert alert--info"><p class="alert__message">You are not logged in, or your login has expired. Choose a role to go on.</p></div>"#;
    page("Log in", notice, next)
}

fn here(session: &Session) -> String {
    let Person { name, title, .. } = session.person;
    format!(
        r#"<div class="alert alert--success"><p class="alert__message">You are logged in as {name} ({title}). <a href="{PREFIX}/">Go on to Codex</a> or <a href="/logout">log out</a>.</p></div>"#
    )
}

fn page(heading: &str, notice: &str, next: &str) -> Response<Body> {
    let buttons: String = PEOPLE.iter().map(|person| button(person, next)).collect();
    let html = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{heading} · HiveMatrix</title>
  <link rel="stylesheet" href="/static/css/global.css?v=1">
</head>
<body>
<main>
  <header class="page-header"><div class="page-header__content">
    <h1 class="page-header__title">{heading}</h1>
    <p class="page-header__description">The data platform of a managed service provider. This gateway stands in for HiveMatrix Nexus: choose who you are.</p>
  </div></header>
  {notice}
  <div class="dashboard-grid dashboard-grid--two-col">{buttons}</div>
</main>
</body>
</html>
"#
    );
    raw(StatusCode::OK, "text/html; charset=utf-8", html)
}

fn button(person: &Person, next: &str) -> String {
    let Person {
        role,
        title,
        name,
        sees,
    } = person;
    let next = escaped(next);
    format!(
        r#"<form class="dashboard-card" method="post" action="/login"><div class="dashboard-card__content"><h2>{title}</h2><p class="u-text-secondary">{sees}</p><input type="hidden" name="role" value="{role}"><input type="hidden" name="next" value="{next}"><button class="btn btn--primary" type="submit">Log in as {name}</button></div></form>"#
    )
}

/// Text in the value of an attribute.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&quot;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
