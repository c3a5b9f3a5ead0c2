//! The dashboard: what a role needs first, counts, and charts.

mod charts;
mod links;
mod panels;
#[cfg(test)]
pub(super) mod samples;

use askama::Template;
use axum::{
    extract::{FromRequestParts as _, Request},
    http::StatusCode,
    response::Response,
};
use chrono::{DateTime, Utc};
use codex_core::{Role, Scope, dashboard::wire::DashboardOut, schedule::Planned, store::Engine};

use self::{links::Links, panels::Panel};
use super::{
    chart::Chart,
    shell::{Shell, page},
    visit::Visit,
};
use crate::{
    app::App,
    http::{forwarded::Forwarded, problem::Problem},
};

/// A number that leads to its list.
#[derive(Debug)]
struct Tile {
    title: &'static str,
    href: String,
    /// How many records the list has; `None` for a page without a number.
    count: Option<i64>,
    about: &'static str,
    /// Whether somebody should look: it is written in words too.
    is_urgent: bool,
}

impl Tile {
    fn new(title: &'static str, href: String, count: Option<i64>, about: &'static str) -> Self {
        Self {
            title,
            href,
            count,
            about,
            is_urgent: false,
        }
    }

    /// Something that should not be there, as long as there is none of it.
    fn urgent(self) -> Self {
        Self {
            is_urgent: self.count.is_some_and(|count| count > 0),
            ..self
        }
    }
}

/// What administrators see beside the numbers.
#[derive(Debug, Default)]
struct Operation {
    planned: Vec<Planned>,
    /// Facts of the program.
    facts: Vec<(&'static str, String)>,
}

/// The dashboard as a page.
#[derive(Debug, Template)]
#[template(path = "dashboard/show.html")]
pub(super) struct DashboardView {
    shell: Shell,
    greeting: String,
    /// Why there is little to see.
    note: Option<&'static str>,
    tiles: Vec<Tile>,
    panels: Vec<Panel>,
    charts: Vec<Chart>,
}

impl DashboardView {
    /// For a person with a name.
    fn new(
        at: &Forwarded,
        scope: &Scope,
        name: Option<&str>,
        numbers: &DashboardOut,
        (operation, now): (Operation, DateTime<Utc>),
    ) -> Self {
        let greeting = name.filter(|name| !name.trim().is_empty());
        let links = Links::new(at, &numbers.tickets.open_statuses, now);
        let is_stranger = scope.companies().is_some_and(<[_]>::is_empty);
        Self {
            shell: Shell::new(at, "Dashboard"),
            greeting: greeting
                .map_or_else(|| "Dashboard".to_owned(), |name| format!("Hello, {name}")),
            note: is_stranger.then_some(
                "No company is open to you yet. Ask your service provider to open yours.",
            ),
            tiles: tiles(&links, scope.role(), numbers),
            panels: panels(&links, scope.role(), numbers, operation),
            charts: charts(&links, scope.role(), numbers),
        }
    }
}

fn tiles(links: &Links<'_>, role: Role, numbers: &DashboardOut) -> Vec<Tile> {
    let counts = &numbers.counts;
    let mut tiles = urgent_tiles(links, role, numbers);
    tiles.extend([
        Tile::new(
            "Companies",
            links.path("/companies/"),
            Some(counts.companies),
            "Clients",
        ),
        Tile::new(
            "Contacts",
            links.path("/contacts/"),
            Some(counts.contacts),
            "People at companies",
        ),
        Tile::new(
            "Assets",
            links.path("/assets/"),
            Some(counts.assets),
            "Devices",
        ),
        Tile::new(
            "Open tickets",
            links.open_tickets(&[]),
            Some(counts.open_tickets),
            "Tickets that somebody works on",
        ),
    ]);
    if let Some(plans) = counts.billing_plans {
        let href = links.path("/billing-plans/");
        tiles.push(Tile::new(
            "Billing plans",
            href,
            Some(plans),
            "Prices and features",
        ));
    }
    if let Some(agents) = counts.agents {
        let href = links.path("/agents");
        tiles.push(Tile::new("Agents", href, Some(agents), "People who log in"));
        let href = links.path("/admin/");
        tiles.push(Tile::new(
            "Administration",
            href,
            None,
            "Vendors, schedule, data",
        ));
    }
    tiles
}

/// What a role should look at first.
fn urgent_tiles(links: &Links<'_>, role: Role, numbers: &DashboardOut) -> Vec<Tile> {
    let mut tiles = Vec::new();
    if let Some(own) = &numbers.own {
        let responder = own.responder_id.to_string();
        let mine = [("responder_id", responder.as_str())];
        let href = links.open_tickets(&mine);
        tiles.push(Tile::new(
            "My open tickets",
            href,
            Some(own.open),
            "Assigned to you",
        ));
        let overdue = Tile::new(
            "My overdue tickets",
            links.overdue(&mine),
            Some(own.overdue),
            "Their resolution was due",
        );
        tiles.push(overdue.urgent());
    }
    if role != Role::Billing {
        let overdue = Tile::new(
            "Overdue tickets",
            links.overdue(&[]),
            Some(numbers.tickets.overdue),
            "Open, and their resolution was due",
        );
        tiles.push(overdue.urgent());
        let count = Some(numbers.assets.went_offline_today);
        let href = links.went_offline();
        tiles.push(Tile::new(
            "Went offline today",
            href,
            count,
            "Last seen today (UTC)",
        ));
    }
    if let Some(pending) = numbers.pending.filter(|_| role != Role::Billing) {
        let waiting = [
            (
                "Held deletions",
                "/holds/",
                pending.held_deletions,
                "Wait for a decision",
            ),
            (
                "Duplicates",
                "/duplicates/",
                pending.duplicates,
                "Records that may be one",
            ),
            (
                "Refused changes",
                "/outbox/",
                pending.outbox_failed,
                "The vendor did not take them",
            ),
            (
                "Outbox",
                "/outbox/",
                pending.outbox_waiting,
                "Changes on their way",
            ),
        ];
        // What there is none of needs nobody.
        let waiting = waiting.into_iter().filter(|(_, _, count, _)| *count > 0);
        tiles.extend(waiting.map(|(title, path, count, about)| {
            let tile = Tile::new(title, links.path(path), Some(count), about);
            if title == "Outbox" {
                tile
            } else {
                tile.urgent()
            }
        }));
    }
    if let Some(contracts) = numbers.contracts.as_ref().filter(|_| role == Role::Billing) {
        let today = links.now.date_naive().to_string();
        let href = links.contracts(&today, &charts::ending_before(links));
        let count = Some(contracts.ending_soon);
        tiles.push(Tile::new("Contracts ending", href, count, "Within 90 days"));
        let href = links.having("/companies/", "billing_plan", None);
        let count = Some(contracts.without_plan);
        tiles.push(Tile::new(
            "Without a plan",
            href,
            count,
            "Companies without a billing plan",
        ));
    }
    tiles
}

fn panels(
    links: &Links<'_>,
    role: Role,
    numbers: &DashboardOut,
    operation: Operation,
) -> Vec<Panel> {
    let mut panels: Vec<Panel> = panels::own(links, numbers).into_iter().collect();
    match role {
        Role::Billing => panels.extend(panels::contracts(links, numbers)),
        Role::Admin => {
            panels.push(panels::newest(links, numbers));
            panels.push(panels::schedule(links, operation.planned));
            panels.push(panels::system(links, operation.facts));
        }
        _ => {
            panels.push(panels::newest(links, numbers));
            panels.push(panels::went_offline(links, numbers));
        }
    }
    panels
}

fn charts(links: &Links<'_>, role: Role, numbers: &DashboardOut) -> Vec<Chart> {
    let contracts = || {
        let contracts = numbers.contracts.as_ref();
        contracts.map(|contracts| charts::contracts(links, contracts))
    };
    if role == Role::Billing {
        let both = contracts().into_iter();
        return both.chain([charts::companies(links, numbers)]).collect();
    }
    let mut all = Vec::new();
    if let Some(syncs) = numbers.syncs.as_ref().filter(|_| role == Role::Admin) {
        all.push(charts::syncs(links, syncs));
    }
    all.push(charts::weeks(links, numbers));
    if role != Role::Admin {
        all.push(charts::priorities(links, numbers));
    }
    if role == Role::Technician {
        all.push(charts::companies(links, numbers));
        all.extend(charts::patches(links, numbers));
    }
    all.push(charts::states(links, numbers));
    all.push(charts::systems(links, numbers));
    if role == Role::Admin {
        all.extend(contracts());
    }
    all
}

/// What only administrators see: schedule, versions, space on disk.
async fn operation(app: &App, visit: &Visit) -> Result<Operation, Problem> {
    if visit.scope().role() != Role::Admin {
        return Ok(Operation::default());
    }
    let codex = &visit.call.codex;
    let engine = match codex.db().engine() {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    };
    let mut facts = vec![
        ("Codex", env!("CARGO_PKG_VERSION").to_owned()),
        ("Database", engine.to_owned()),
    ];
    let disk = app.health().disk();
    if let (Some(usage), Some(free)) = (disk.usage_percent, disk.free_gb) {
        facts.push(("Disk", format!("{usage} % used, {free} GiB free")));
    }
    Ok(Operation {
        planned: codex.schedules(visit.scope()).await?,
        facts,
    })
}

/// The dashboard of the person who asks.
pub(crate) async fn show(app: &App, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, app).await?;
    let (codex, caller) = (&visit.call.codex, &visit.call.caller);
    let numbers = codex
        .dashboard(visit.scope(), caller.email.as_deref())
        .await?;
    let operation = (operation(app, &visit).await?, codex.now());
    let name = caller.name.as_deref();
    let view = DashboardView::new(&visit.at, visit.scope(), name, &numbers, operation);
    page(StatusCode::OK, &view)
}
