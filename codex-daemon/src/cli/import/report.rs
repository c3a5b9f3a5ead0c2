//! Reports of an import as tables.

use std::collections::BTreeMap;

use codex_core::{
    import::{Comparison, ImportReport, ImportStatus, ReportTable, TableComparison},
    plural::count_of,
};

use crate::cli::{
    output,
    table::{Table, printable},
};

/// Rows by table, then the flaws; `is_written` when the rows were imported, not only read.
pub(super) fn tables(report: &ImportReport, is_written: bool) -> anyhow::Result<()> {
    table(&ReportTable::tables(report)).print()?;
    others([ReportTable::flaws(report, is_written)])
}

fn table(shown: &ReportTable) -> Table {
    let mut table = Table::of(shown.heads.iter().copied()).numbers_from(shown.numbers);
    for row in &shown.rows {
        table.push(row.iter().cloned());
    }
    table
}

/// Prints tables behind others, unless they are empty.
fn others(tables: impl IntoIterator<Item = ReportTable>) -> anyhow::Result<()> {
    let filled = tables.into_iter().filter(|shown| !shown.rows.is_empty());
    for shown in filled {
        output::line("")?;
        table(&shown).print()?;
    }
    Ok(())
}

/// The warnings that are not accepted, in one line.
pub(super) fn open(warnings: &BTreeMap<&'static str, u64>) -> String {
    let each = warnings
        .iter()
        .map(|(code, rows)| format!("{code} ({})", count_of(*rows, "row")));
    format!(
        "warnings that are not accepted; accept their codes with --accept-warnings FILE: {}",
        each.collect::<Vec<_>>().join(", ")
    )
}

/// A comparison by table, then what differs, and what was added since.
pub(super) fn comparison(comparison: &Comparison) -> anyhow::Result<()> {
    let compared = Some(comparison);
    table(&ReportTable::comparison(compared)).print()?;
    others([
        ReportTable::differences(compared),
        ReportTable::added(compared),
    ])
}

/// What differs, as far as samples are kept.
pub(super) fn differences(comparison: &Comparison) -> anyhow::Result<()> {
    others([ReportTable::differences(Some(comparison))])
}

/// A comparison in one line.
pub(super) fn summary(comparison: &Comparison) -> String {
    if comparison.is_clean() {
        return "nothing differs".to_owned();
    }
    let tables = comparison.tables.iter().map(|(_, table)| table);
    let missing: u64 = tables.clone().map(TableComparison::missing).sum();
    let only_here: u64 = tables.clone().map(|table| table.only_here.count).sum();
    let fields: u64 = tables.map(|table| table.differing).sum();
    [
        (missing, "missing record"),
        (only_here, "unexpected record"),
        (fields, "differing field"),
        (comparison.differing_bills, "differing bill"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| count_of(count, what))
    .collect::<Vec<_>>()
    .join(", ")
}

/// The state of an import.
pub(super) fn status(status: &ImportStatus) -> anyhow::Result<()> {
    let import = &status.import;
    output::line(format!(
        "\nImport of {} ({} generation): {}, begun {}.",
        printable(&import.source),
        import.layout,
        import.state.name(),
        import.started_at.to_rfc3339()
    ))?;
    if let Some(progress) = status.progress() {
        output::line(format!("Imported so far: {progress}."))?;
    }
    for (kind, count) in &status.without_source {
        output::line(format!(
            "{} of kind {kind} that no source has stated yet",
            count_of(*count, "record")
        ))?;
    }
    if let (Some(at), Some(comparison)) = (import.compared_at, &import.comparison) {
        let at = at.to_rfc3339();
        output::line(format!("Compared {at}: {}.", summary(comparison)))?;
    }
    Ok(())
}
