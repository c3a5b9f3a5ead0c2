//! The state and the report of the import of the Flask service's database.

use askama::Template;
use codex_core::{
    import::{Comparison, Flaw, Import, ImportReport, ImportState, ImportStatus, Weight},
    plural::count_of,
};

use crate::{
    http::forwarded::Forwarded,
    pages::{
        chart::{SmallCell, SmallTable},
        fields::short_value,
        shell::Shell,
    },
};

/// The most characters of a value that a table shows.
const LONGEST: usize = 60;

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
            tables: tables(report),
            flaws: flaws(report),
            comparison: comparison(compared),
            differences: differences(compared),
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
            "The two sides differ. `codexd import verify --accept` accepts the differences."
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

fn small(caption: &str, heads: &[&str], rows: Vec<Vec<String>>, empty: &'static str) -> SmallTable {
    SmallTable {
        caption: caption.to_owned(),
        heads: heads.iter().map(|head| (*head).to_owned()).collect(),
        rows: rows
            .into_iter()
            .map(|row| row.into_iter().map(SmallCell::new).collect())
            .collect(),
        empty,
    }
}

fn tables(report: &ImportReport) -> SmallTable {
    let rows = report.tables.iter().filter(|(_, table)| table.read > 0);
    let rows = rows.map(|(name, table)| {
        vec![
            name.clone(),
            table.read.to_string(),
            table.imported.to_string(),
            table.merged.to_string(),
            table.skipped.values().sum::<u64>().to_string(),
        ]
    });
    small(
        "Rows by table",
        &["Table", "Read", "Imported", "Merged", "Left out"],
        rows.collect(),
        "No table was read.",
    )
}

fn flaws(report: &ImportReport) -> SmallTable {
    let found = report.tables.iter().flat_map(|(name, table)| {
        let flaws = table.flaws.iter();
        flaws.map(move |(code, found)| (name, code, found))
    });
    let rows = found.filter_map(|(name, code, found)| {
        let flaw = Flaw::of_code(code)?;
        let weight = match flaw.weight() {
            Weight::Repaired => "repaired",
            Weight::Warning => "warning",
        };
        Some(vec![
            name.clone(),
            code.clone(),
            weight.to_owned(),
            found.rows.to_string(),
            found.samples.join(", "),
            flaw.what().to_owned(),
        ])
    });
    small(
        "Flaws of the old database",
        &[
            "Table",
            "Flaw",
            "Weight",
            "Rows",
            "Such as",
            "What was done",
        ],
        rows.collect(),
        "No flaw was found.",
    )
}

fn comparison(compared: Option<&Comparison>) -> SmallTable {
    let mut rows: Vec<Vec<String>> = Vec::new();
    if let Some(compared) = compared {
        rows.extend(compared.tables.iter().map(|(name, table)| {
            vec![
                name.clone(),
                table.expected.to_string(),
                table.found.to_string(),
                table.differing.to_string(),
            ]
        }));
        rows.push(vec![
            "bills".to_owned(),
            compared.bills.to_string(),
            compared.bills.to_string(),
            compared.differing_bills.to_string(),
        ]);
    }
    small(
        "The two sides by table",
        &["Table", "Expected", "Found", "Differing"],
        rows,
        "The two sides were not compared yet.",
    )
}

fn differences(compared: Option<&Comparison>) -> SmallTable {
    let mut rows: Vec<Vec<String>> = Vec::new();
    if let Some(compared) = compared {
        for (name, table) in &compared.tables {
            rows.extend(table.differences.iter().map(|one| {
                vec![
                    name.clone(),
                    one.key.clone(),
                    one.field.clone(),
                    short_value(&one.old, LONGEST),
                    short_value(&one.new, LONGEST),
                ]
            }));
        }
        rows.extend(compared.bill_differences.iter().map(|bill| {
            vec![
                "bills".to_owned(),
                bill.account_number.clone(),
                "total".to_owned(),
                count_of(bill.old_cents, "cent"),
                count_of(bill.new_cents, "cent"),
            ]
        }));
    }
    small(
        "Differences",
        &["Table", "Row", "Field", "Old", "New"],
        rows,
        "Nothing differs.",
    )
}
