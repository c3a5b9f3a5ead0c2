//! The start page: links to every list.

use askama::Template;
use axum::{
    extract::{FromRequestParts as _, Request},
    http::StatusCode,
    response::Response,
};
use codex_core::list::PageRequest;

use super::{
    shell::{Shell, page},
    visit::Visit,
};
use crate::{
    app::App,
    http::{forwarded::Forwarded, problem::Problem},
};

/// A link to a list.
#[derive(Debug)]
struct Tile {
    title: &'static str,
    href: String,
    /// How many records the list has.
    count: Option<String>,
    about: &'static str,
}

/// The start page.
#[derive(Debug, Template)]
#[template(path = "dashboard/show.html")]
pub(super) struct DashboardView {
    shell: Shell,
    greeting: String,
    tiles: Vec<Tile>,
}

impl DashboardView {
    /// For a person with a name, who sees so many companies.
    fn new(at: &Forwarded, name: Option<&str>, companies: Option<i64>) -> Self {
        let greeting = name.filter(|name| !name.trim().is_empty());
        Self {
            shell: Shell::new(at, "Start"),
            greeting: greeting.map_or_else(|| "Codex".to_owned(), |name| format!("Hello, {name}")),
            tiles: vec![
                Tile {
                    title: "Companies",
                    href: at.link("/companies/"),
                    count: companies.map(|count| count.to_string()),
                    about: "Clients, their people, devices, locations, tickets and plans",
                },
                Tile {
                    title: "API",
                    href: at.link("/docs/"),
                    count: None,
                    about: "The REST interface: everything that Codex knows, for programs",
                },
            ],
        }
    }
}

/// The start page of the person who asks.
pub(crate) async fn show(app: &App, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, app).await?;
    let counted = PageRequest {
        limit: Some(1),
        total: true,
        ..PageRequest::default()
    };
    let companies = visit.call.codex.companies_page(visit.scope(), &counted);
    let companies = companies.await?.total;
    let name = visit.call.caller.name.as_deref();
    page(
        StatusCode::OK,
        &DashboardView::new(&visit.at, name, companies),
    )
}

#[cfg(test)]
impl DashboardView {
    /// What templates are tested with.
    pub(super) fn samples() -> Vec<(&'static str, Self)> {
        let at = Forwarded::of(&axum::http::HeaderMap::new());
        let hostile = super::tests::HOSTILE;
        vec![
            ("dashboard/empty", Self::new(&at, None, None)),
            ("dashboard/usual", Self::new(&at, Some("Ann"), Some(240))),
            ("dashboard/hostile", Self::new(&at, Some(hostile), Some(-1))),
        ]
    }
}
