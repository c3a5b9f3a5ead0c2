//! The overview: what is stored, who is connected, what runs by itself, what ran last.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use codex_core::{
    address::segment,
    admin::{ClearData, RecordCounts},
    jobs::{Job, JobStatus},
    schedule::{Entry, Planned},
    store::Engine,
};

use crate::{
    checks::Neighbour,
    config::{Config, keys::SECTIONS},
    http::forwarded::Forwarded,
    pages::{
        csrf,
        fields::{age, capitalized, moment},
        shell::Shell,
        table::{Cell, Head, TableView},
    },
};

/// What the overview is made of.
#[derive(Debug)]
pub(super) struct Facts {
    pub config: Arc<Config>,
    pub counts: RecordCounts,
    /// When runs last completed, by source.
    pub completed: HashMap<String, DateTime<Utc>>,
    pub planned: Vec<Planned>,
    pub jobs: Vec<Job>,
    pub engine: Engine,
    pub now: DateTime<Utc>,
}

/// A number with what it counts.
#[derive(Debug)]
struct Count {
    label: &'static str,
    value: String,
    href: Option<String>,
}

/// A system around Codex.
#[derive(Debug)]
struct System {
    title: &'static str,
    is_configured: bool,
    last: String,
    settings: String,
    test: String,
    csrf: String,
}

/// A link with its text.
#[derive(Debug)]
struct Link {
    text: String,
    href: String,
}

/// The overview as a page.
#[derive(Debug, Template)]
#[template(path = "admin/overview.html")]
pub(in crate::pages) struct OverviewView {
    shell: Shell,
    csrf_field: &'static str,
    counts: Vec<Count>,
    engine: &'static str,
    systems: Vec<System>,
    schedules: TableView,
    jobs: TableView,
    sync: String,
    sections: Vec<Link>,
    clear: Vec<Link>,
}

impl OverviewView {
    /// The overview; `token` makes a token for each form.
    pub fn new(
        at: &Forwarded,
        facts: &Facts,
        notice: Option<&'static str>,
        token: impl Fn() -> String,
    ) -> Self {
        let link = |text: &str, path: String| Link {
            text: text.to_owned(),
            href: at.link(&path),
        };
        let sections = SECTIONS.iter();
        let clear = ClearData::ALL.iter().map(|data| data.name());
        Self {
            shell: Shell::new(at, "Administration").saying(notice),
            csrf_field: csrf::FIELD,
            counts: counts(at, &facts.counts),
            engine: match facts.engine {
                Engine::Sqlite => "SQLite",
                Engine::Postgres => "PostgreSQL",
            },
            systems: Neighbour::ALL
                .map(|one| system(at, facts, one, token()))
                .into(),
            schedules: schedules(facts),
            jobs: jobs(at, facts),
            sync: at.link("/sync/"),
            sections: sections
                .map(|one| link(one.name, format!("/admin/settings/{}", one.name)))
                .collect(),
            clear: clear
                .map(|name| link(&format!("Clear {name}"), format!("/admin/clear/{name}")))
                .collect(),
        }
    }
}

fn counts(at: &Forwarded, counts: &RecordCounts) -> Vec<Count> {
    let of = |part: i64, whole: i64| format!("{part} of {whole}");
    let count = |label, value: String, path: Option<&str>| Count {
        label,
        value,
        href: path.map(|path| at.link(path)),
    };
    vec![
        count(
            "Companies",
            counts.companies.to_string(),
            Some("/companies/"),
        ),
        count(
            "Active contacts",
            of(counts.active_contacts, counts.contacts),
            Some("/contacts/"),
        ),
        count(
            "Assets online",
            of(counts.online_assets, counts.assets),
            Some("/assets/"),
        ),
        count(
            "Agents enabled",
            of(counts.enabled_agents, counts.agents),
            Some("/agents"),
        ),
        count("Tickets", counts.tickets.to_string(), Some("/tickets/")),
    ]
}

fn system(at: &Forwarded, facts: &Facts, one: Neighbour, csrf: String) -> System {
    let last = facts.completed.get(one.name());
    System {
        title: one.title(),
        is_configured: one.is_configured(&facts.config),
        last: match (one, last) {
            (Neighbour::Core, _) => "is asked for its keys only".to_owned(),
            (_, Some(last)) => format!("{} ({})", age(*last, facts.now), moment(*last)),
            (_, None) => "never".to_owned(),
        },
        settings: at.link(&format!("/admin/settings/{}", one.name())),
        test: at.link(&format!("/admin/test/{}", one.name())),
        csrf,
    }
}

fn heads<const N: usize>(labels: [&str; N]) -> Vec<Head> {
    let head = |label: &str| Head {
        label: label.to_owned(),
        href: None,
        aria_sort: None,
    };
    labels.map(head).into()
}

fn row<const N: usize>(texts: [String; N]) -> Vec<Cell> {
    let cell = |text| Cell {
        text,
        ..Cell::default()
    };
    texts.map(cell).into()
}

fn schedules(facts: &Facts) -> TableView {
    let line = |entry: &Entry| {
        let planned = facts.planned.iter();
        let planned = planned.clone().find(|one| one.name == entry.name());
        let next = planned.filter(|planned| planned.cron == entry.cron());
        let next = next.map(|planned| planned.next_at);
        let next = next.or_else(|| entry.next(facts.now));
        let last = planned.and_then(|planned| planned.last_at);
        let local = |at: Option<DateTime<Utc>>| at.map(|at| entry.local(at));
        row([
            entry.kind().name().to_owned(),
            entry.cron(),
            local(last).unwrap_or_else(|| "never".to_owned()),
            local(next).unwrap_or_else(|| "never".to_owned()),
        ])
    };
    TableView {
        caption: "Schedules".to_owned(),
        heads: heads(["Sync", "Schedule", "Last started", "Next run"]),
        rows: facts.config.scheduler.entries.iter().map(line).collect(),
        empty: "Nothing runs by itself: no vendor is configured, or its schedules are off in [scheduler]."
            .to_owned(),
    }
}

fn jobs(at: &Forwarded, facts: &Facts) -> TableView {
    let line = |job: &Job| {
        let mut cells = row([
            name(job),
            capitalized(status(job.status).0),
            moment(job.started_at),
            duration(job.completed_at.unwrap_or(facts.now) - job.started_at),
            job.error.clone().unwrap_or_default(),
        ]);
        cells[0].href = Some(at.link(&format!("/sync/jobs/{}", segment(&job.id))));
        cells[1].badge = Some(status(job.status).1);
        cells
    };
    TableView {
        caption: "Last jobs".to_owned(),
        heads: heads(["Job", "State", "Started", "Duration", "Error"]),
        rows: facts.jobs.iter().map(line).collect(),
        empty: "No sync has run yet.".to_owned(),
    }
}

/// Such as `[Freshservice] tickets`.
fn name(job: &Job) -> String {
    let provider = job.provider.as_deref().unwrap_or(&job.script);
    let provider = provider.split('.').next().unwrap_or(provider);
    format!("[{}] {}", capitalized(provider), job.sync())
}

fn status(status: JobStatus) -> (&'static str, &'static str) {
    match status {
        JobStatus::Queued => ("queued", "badge--info"),
        JobStatus::Running => ("running", "badge--info"),
        JobStatus::Completed => ("completed", "badge--success"),
        JobStatus::Failed => ("failed", "badge--danger"),
        JobStatus::Cancelled => ("cancelled", "badge--warning"),
    }
}

/// Such as `7s`, `2m 5s`, `1h 0m` (contract 5.2).
fn duration(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        for (seconds, wanted) in [
            (-1, "0s"),
            (7, "7s"),
            (125, "2m 5s"),
            (3_600, "1h 0m"),
            (90_000, "25h 0m"),
        ] {
            assert_eq!(duration(TimeDelta::seconds(seconds)), wanted);
        }
    }
}
