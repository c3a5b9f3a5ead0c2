//! Reports of an import as tables.

use std::collections::BTreeMap;

use codex_core::{
    import::{Comparison, Flaw, ImportReport, ImportStatus, Weight},
    plural::count_of,
};
use serde_json::Value;

use crate::cli::{
    output,
    table::{Table, printable},
};

/// Rows by table, then the flaws.
pub(super) fn tables(report: &ImportReport) -> anyhow::Result<()> {
    let head = ["table", "read", "imported", "merged", "left out"];
    let mut rows = Table::of(head).numbers_from(1);
    for (name, table) in report.tables.iter().filter(|(_, table)| table.read > 0) {
        rows.push([
            name.clone(),
            table.read.to_string(),
            table.imported.to_string(),
            table.merged.to_string(),
            table.skipped.values().sum::<u64>().to_string(),
        ]);
    }
    rows.print()?;
    let mut flaws = Table::of(["table", "flaw", "weight", "rows", "such as", "what"]);
    let mut count = 0;
    for (name, table) in &report.tables {
        for (code, found) in &table.flaws {
            let Some(flaw) = Flaw::of_code(code) else {
                continue;
            };
            let weight = match flaw.weight() {
                Weight::Repaired => "repaired",
                Weight::Warning => "warning",
            };
            count += 1;
            flaws.push([
                name.clone(),
                code.clone(),
                weight.to_owned(),
                found.rows.to_string(),
                found.samples.join(" "),
                flaw.what().to_owned(),
            ]);
        }
    }
    if count > 0 {
        output::line("")?;
        flaws.print()?;
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

/// A comparison by table, then what differs.
pub(super) fn comparison(comparison: &Comparison) -> anyhow::Result<()> {
    let head = ["table", "expected", "found", "differing fields"];
    let mut rows = Table::of(head).numbers_from(1);
    for (name, table) in &comparison.tables {
        rows.push([
            name.clone(),
            table.expected.to_string(),
            table.found.to_string(),
            table.differing.to_string(),
        ]);
    }
    rows.push([
        "bills".to_owned(),
        comparison.bills.to_string(),
        comparison.bills.to_string(),
        comparison.differing_bills.to_string(),
    ]);
    rows.print()?;
    differences(comparison)
}

/// What differs, as far as samples are kept.
pub(super) fn differences(comparison: &Comparison) -> anyhow::Result<()> {
    let mut rows = Table::of(["table", "row", "field", "old", "new"]);
    let mut count = 0;
    for (name, table) in &comparison.tables {
        for one in &table.differences {
            count += 1;
            rows.push([
                name.clone(),
                one.key.clone(),
                one.field.clone(),
                shown(&one.old),
                shown(&one.new),
            ]);
        }
    }
    for bill in &comparison.bill_differences {
        count += 1;
        rows.push([
            "bills".to_owned(),
            bill.account_number.clone(),
            "total".to_owned(),
            cents(bill.old_cents),
            cents(bill.new_cents),
        ]);
    }
    if count > 0 {
        output::line("")?;
        rows.print()?;
    }
    Ok(())
}

/// A comparison in one line.
pub(super) fn summary(comparison: &Comparison) -> String {
    if comparison.is_clean() {
        return "nothing differs".to_owned();
    }
    let tables = comparison.tables.iter().map(|(_, table)| table);
    let fields: u64 = tables.clone().map(|table| table.differing).sum();
    let missing: u64 = tables
        .map(|table| table.expected.saturating_sub(table.found))
        .sum();
    [
        (missing, "missing record"),
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

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    printable(&text.chars().take(60).collect::<String>())
}

fn cents(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}
