//! The tables of reports and comparisons, as people read them on the page and on a terminal.

use std::iter;

use serde_json::Value;

use super::{
    flaws::{Flaw, Weight},
    report::ImportReport,
    verify::Comparison,
};
use crate::money::Money;

/// The most characters of a value that a table shows.
const LONGEST: usize = 60;

const FLAWS_DONE: [&str; 6] = [
    "Table",
    "Flaw",
    "Weight",
    "Rows",
    "Such as",
    "What was done",
];
const FLAWS_FOUND: [&str; 6] = [
    "Table",
    "Flaw",
    "Weight",
    "Rows",
    "Such as",
    "What would be done",
];

/// A table with its rows as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTable {
    /// What it shows.
    pub caption: &'static str,
    /// Its columns.
    pub heads: &'static [&'static str],
    /// The first column, from 0, that holds numbers, as all after it do.
    pub numbers: usize,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
    /// What to say when there are none.
    pub empty: &'static str,
}

impl ReportTable {
    /// Rows by table.
    pub fn tables(report: &ImportReport) -> Self {
        let read = report.tables.iter().filter(|(_, table)| table.read > 0);
        let rows = read.map(|(name, table)| {
            vec![
                name.clone(),
                table.read.to_string(),
                table.imported.to_string(),
                table.merged.to_string(),
                table.skipped.values().sum::<u64>().to_string(),
            ]
        });
        Self {
            caption: "Rows by table",
            heads: &["Table", "Read", "Imported", "Merged", "Left out"],
            numbers: 1,
            rows: rows.collect(),
            empty: "No table was read.",
        }
    }

    /// Flaws by table; `is_written` when the rows were imported, not only read.
    pub fn flaws(report: &ImportReport, is_written: bool) -> Self {
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
                cut(&found.samples.join(", ")),
                flaw.what().to_owned(),
            ])
        });
        Self {
            caption: "Flaws of the old database",
            heads: if is_written {
                &FLAWS_DONE
            } else {
                &FLAWS_FOUND
            },
            numbers: usize::MAX,
            rows: rows.collect(),
            empty: "No flaw was found.",
        }
    }

    /// The two sides by table.
    pub fn comparison(compared: Option<&Comparison>) -> Self {
        let mut rows: Vec<Vec<String>> = Vec::new();
        if let Some(compared) = compared {
            let bills = compared.bills;
            let row = |name: &str, counts: [u64; 5]| {
                let counts = counts.iter().map(u64::to_string);
                let cells = iter::once(name.to_owned()).chain(counts);
                cells.collect::<Vec<String>>()
            };
            rows.extend(compared.tables.iter().map(|(name, table)| {
                let counts = [
                    table.expected,
                    table.found,
                    table.differing,
                    table.only_here.count,
                    table.added.count,
                ];
                row(name, counts)
            }));
            rows.push(row("bills", [bills, bills, compared.differing_bills, 0, 0]));
        }
        Self {
            caption: "The two sides by table",
            heads: &[
                "Table",
                "Expected",
                "Found",
                "Differing fields",
                "Only here",
                "Added since",
            ],
            numbers: 1,
            rows,
            empty: "The two sides were not compared yet.",
        }
    }

    /// What differs, as far as samples are kept.
    pub fn differences(compared: Option<&Comparison>) -> Self {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for (name, table) in compared.iter().flat_map(|compared| &compared.tables) {
            rows.extend(table.differences.iter().map(|one| {
                let (old, new) = (shown(&one.old), shown(&one.new));
                vec![name.clone(), one.key.clone(), one.field.clone(), old, new]
            }));
            let only_here = table.only_here.samples.iter();
            rows.extend(only_here.map(|key| {
                let (old, new) = (shown(&Value::Null), shown(&"there".into()));
                vec![name.clone(), key.clone(), "record".to_owned(), old, new]
            }));
        }
        let bills = compared
            .iter()
            .flat_map(|compared| &compared.bill_differences);
        rows.extend(bills.map(|bill| {
            vec![
                "bills".to_owned(),
                bill.account_number.clone(),
                "total".to_owned(),
                money(bill.old_cents),
                money(bill.new_cents),
            ]
        }));
        Self {
            caption: "Differences",
            heads: &["Table", "Row", "Field", "Old", "New"],
            numbers: usize::MAX,
            rows,
            empty: "Nothing differs.",
        }
    }

    /// Records that a sync or a person has made since.
    pub fn added(compared: Option<&Comparison>) -> Self {
        let tables = compared.iter().flat_map(|compared| &compared.tables);
        let added = tables.filter(|(_, table)| table.added.count > 0);
        let rows = added.map(|(name, table)| {
            vec![
                name.clone(),
                table.added.count.to_string(),
                cut(&table.added.samples.join(", ")),
            ]
        });
        Self {
            caption: "Records added since the import",
            heads: &["Table", "Records", "Such as"],
            numbers: usize::MAX,
            rows: rows.collect(),
            empty: "No record was added since the import.",
        }
    }
}

/// A value, cut to what a table can show.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(LONGEST).collect()
}

/// A text that is cut where it is too long.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(LONGEST - 3).collect();
    format!("{beginning}...")
}

fn money(cents: i64) -> String {
    Money::from_ten_thousandths(cents.saturating_mul(100)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Bill, BillDifference, Extra, TableComparison};

    #[test]
    fn samples_are_cut_to_what_a_table_shows() {
        assert_eq!(cut("1, 2"), "1, 2");
        let cut = cut(&"ä".repeat(LONGEST + 1));
        assert!(
            cut.ends_with("ä...") && cut.chars().count() == LONGEST,
            "{cut}"
        );
    }

    #[test]
    fn differences_name_records_and_amounts() {
        let only_here = Extra {
            count: 1,
            samples: vec!["22".to_owned()],
        };
        let table = TableComparison {
            only_here,
            ..TableComparison::default()
        };
        let bill = BillDifference {
            account_number: "100001".to_owned(),
            old_cents: 123,
            new_cents: -5,
            old: Bill::default(),
            new: Bill::default(),
        };
        let compared = Comparison {
            tables: vec![("assets".to_owned(), table)],
            bills: 1,
            differing_bills: 1,
            bill_differences: vec![bill],
        };
        let shown = ReportTable::differences(Some(&compared));
        assert_eq!(
            shown.rows,
            [
                ["assets", "22", "record", "null", "there"],
                ["bills", "100001", "total", "1.23", "-0.05"],
            ]
        );
        let shown = ReportTable::comparison(Some(&compared));
        assert_eq!(shown.rows[0], ["assets", "0", "0", "0", "1", "0"]);
        assert_eq!(ReportTable::added(Some(&compared)).rows.len(), 0);
    }
}
