//! The state and the report of the import of the Flask service's database.

use askama::Template;
use codex_core::import::{Import, ImportReport, ImportState, ImportStatus, ReportTable};

use crate::{
    http::forwarded::Forwarded,
    pages::{
        chart::{SmallCell, SmallTable},
        shell::Shell,
    },
};

/// A fact about the import.
#[derive(Debug)]
struct Fact {
    label: &'static str,
    value: String,
}

/// The import as a page.
#[derive(Debug, Template)]
#[template(path = "admin/import.html")]
pub(in crate::pages) struct ImportView {
    shell: Shell,
    /// Its state, with the class of its badge; `None` without an import.
    state: Option<(&'static str, &'static str)>,
    /// What to do next.
    next: &'static str,
    facts: Vec<Fact>,
    tables: SmallTable,
    flaws: SmallTable,
    comparison: SmallTable,
    differences: SmallTable,
    added: SmallTable,
}

impl ImportView {
    /// For the import of this database, if there is one.
    pub fn new(at: &Forwarded, status: Option<&ImportStatus>) -> Self {
        let shell = Shell::new(at, "Import");
        let none = ImportReport::default();
        let report = status.map_or(&none, |status| &status.report);
        let compared = status.and_then(|status| status.import.comparison.as_ref());
        Self {
            shell,
            state: status.map(|status| badge(status.import.state)),
            next: status.map_or(
                "Nothing was imported into this database. `codexd import check` reads an old database and writes nothing.",
                |status| next(status.import.state),
            ),
            facts: status.map(facts).unwrap_or_default(),
            tables: small(ReportTable::tables(report)),
            flaws: small(ReportTable::flaws(report, true)),
            comparison: small(ReportTable::comparison(compared)),
            differences: small(ReportTable::differences(compared)),
            added: small(ReportTable::added(compared)),
        }
    }
}

fn badge(state: ImportState) -> (&'static str, &'static str) {
    let class = match state {
        ImportState::Running | ImportState::Imported => "badge--info",
        ImportState::Differs => "badge--warning",
        ImportState::Verified => "badge--success",
    };
    (state.name(), class)
}

fn next(state: ImportState) -> &'static str {
    match state {
        ImportState::Running => "`codexd import run` continues it.",
        ImportState::Imported => "`codexd import verify` compares the two sides.",
        ImportState::Differs => {
            "The two sides differ. `codexd import verify --accept-differences` accepts the differences."
        }
        ImportState::Verified => {
            "The next sync matches the imported records with their sources. `codexd import back` writes the changes since the import to CSV files."
        }
    }
}

fn facts(status: &ImportStatus) -> Vec<Fact> {
    let Import {
        source,
        layout,
        time_zone,
        started_at,
        finished_at,
        compared_at,
        ..
    } = &status.import;
    let time = |at: &chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M UTC").to_string();
    let fact = |label, value: String| Fact { label, value };
    let mut facts = vec![
        fact("Old database", source.clone()),
        fact("Schema", format!("{layout} generation")),
        fact("Rows read", status.report.rows().to_string()),
        fact("Begun", time(started_at)),
    ];
    facts.extend(status.progress().map(|progress| fact("Progress", progress)));
    facts.extend(time_zone.clone().map(|zone| fact("Old time zone", zone)));
    facts.extend(finished_at.as_ref().map(|at| fact("Finished", time(at))));
    facts.extend(compared_at.as_ref().map(|at| fact("Compared", time(at))));
    let waiting = status.without_source.iter().map(|(kind, count)| {
        let what = format!("{} {}", count, kind.replace('_', " "));
        fact("Not stated by a source yet", what)
    });
    facts.extend(waiting);
    facts
}

fn small(shown: ReportTable) -> SmallTable {
    let rows = shown.rows.into_iter();
    SmallTable {
        caption: shown.caption.to_owned(),
        heads: shown.heads.iter().map(|head| (*head).to_owned()).collect(),
        rows: rows
            .map(|row| row.into_iter().map(SmallCell::new).collect())
            .collect(),
        empty: shown.empty,
    }
}
