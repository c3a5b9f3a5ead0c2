//! The list of agents, with the PSA's agents below.

use askama::Template;
use chrono::{DateTime, Utc};
use codex_core::{
    Scope,
    agents::{Agent, query::LISTING},
    list::Page,
    plural::count_of,
    psa_agents::{PsaAgent, wire::PsaAgentOut},
};

use super::{LIST, notice, path_of};
use crate::{
    http::forwarded::Forwarded,
    pages::{
        address::ListAddress,
        csrf,
        fields::{capitalized, moment, values},
        shell::Shell,
        table::{Cell, Head, ListView, TableView, cells, sorted_heads},
    },
};

/// Columns of the table. The first names the row.
const COLUMNS: [&str; 6] = [
    "username",
    "email",
    "first_name",
    "last_name",
    "enabled",
    "theme_preference",
];
/// The most agents of the PSA on the page.
const MOST: usize = 200;

/// The list as a page.
#[derive(Debug, Template)]
#[template(path = "agents/list.html")]
pub(in crate::pages) struct AgentListView {
    shell: Shell,
    list: ListView,
    psa: TableView,
    /// What is left out of the PSA's agents.
    more: Option<String>,
    synced: String,
    create: String,
    sync: String,
    csrf_field: &'static str,
    csrf: String,
}

impl AgentListView {
    /// A page of the list.
    pub fn new(
        at: &Forwarded,
        scope: &Scope,
        asked: &ListAddress,
        page: &Page<Agent>,
        psa: &[PsaAgent],
        synced: Option<DateTime<Utc>>,
        csrf: String,
    ) -> Self {
        let is_narrowed = asked.is_narrowed() || asked.is_behind();
        let table = TableView {
            caption: "Agents of HiveMatrix".to_owned(),
            heads: sorted_heads(at, scope, &LISTING, asked, &COLUMNS),
            rows: page.items.iter().map(|one| row(at, scope, one)).collect(),
            empty: if is_narrowed {
                "No agent fits the search and the filters."
            } else {
                "There are no agents yet. They come with the first sync of Keycloak."
            }
            .to_owned(),
        };
        let count = match page.total {
            Some(total) => format!("{} in all", count_of(total, "agent")),
            None => format!("{} on this page", count_of(page.items.len(), "agent")),
        };
        let left = psa.len().saturating_sub(MOST);
        Self {
            shell: Shell::new(at, "Agents").saying(notice(asked.done.as_deref())),
            list: ListView::new(at, scope, &LISTING, asked, page.next.as_ref(), count, table),
            psa: psa_table(psa),
            more: (left > 0)
                .then(|| format!("{} more under /api/psa/agents", count_of(left, "agent"))),
            synced: match synced {
                Some(at) => format!("Keycloak was last read at {}.", moment(at)),
                None => "Keycloak has not been read yet.".to_owned(),
            },
            create: at.link("/agents/new"),
            sync: at.link(&format!("{LIST}/sync")),
            csrf_field: csrf::FIELD,
            csrf,
        }
    }
}

fn row(at: &Forwarded, scope: &Scope, agent: &Agent) -> Vec<Cell> {
    let mut row = cells(LISTING.fields, scope, &COLUMNS, &values(&agent.fields));
    if let Some(name) = row.first_mut() {
        name.href = Some(at.link(&path_of(agent)));
    }
    if let Some(enabled) = row.iter_mut().find(|cell| cell.field == "enabled") {
        let is_enabled = agent.fields.enabled.unwrap_or(true);
        if is_enabled { "yes" } else { "no" }.clone_into(&mut enabled.text);
        enabled.badge = Some(if is_enabled {
            "badge--success"
        } else {
            "badge--warning"
        });
    }
    row
}

fn psa_table(agents: &[PsaAgent]) -> TableView {
    let head = |label: &str| Head {
        label: label.to_owned(),
        href: None,
        aria_sort: None,
    };
    let row = |agent: &PsaAgent| {
        let out = PsaAgentOut::from(agent);
        let texts = [
            out.name,
            out.email.unwrap_or_default(),
            out.job_title.unwrap_or_default(),
            if out.active { "yes" } else { "no" }.to_owned(),
            capitalized(&out.source),
        ];
        let cell = |text| Cell {
            text,
            ..Cell::default()
        };
        Vec::from(texts.map(cell))
    };
    TableView {
        caption: "Agents of the PSA".to_owned(),
        heads: ["Name", "E-mail", "Job title", "Active", "PSA"]
            .map(head)
            .into(),
        rows: agents.iter().take(MOST).map(row).collect(),
        empty: "There are no PSA agents yet. They come with the first sync of the PSA.".to_owned(),
    }
}
