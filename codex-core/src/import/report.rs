//! The report of an import: rows and flaws by table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::flaws::{Flaw, Weight};

/// The most rows that are named for a flaw.
const SAMPLES: usize = 5;

/// A flaw of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlawCount {
    /// How many rows have it.
    pub rows: u64,
    /// Keys of some of them.
    pub samples: Vec<String>,
}

/// The report of a table. Every row that was read is imported, merged or skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableReport {
    /// Rows read.
    pub read: u64,
    /// Rows that became records, or parts of records.
    pub imported: u64,
    /// Rows that were merged into another row.
    pub merged: u64,
    /// Rows left out, by the code of the flaw.
    pub skipped: BTreeMap<String, u64>,
    /// Flaws by code.
    pub flaws: BTreeMap<String, FlawCount>,
}

/// Reports by table, in the order of the import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// The generation of the schema.
    pub layout: String,
    /// By name of the table.
    pub tables: Vec<(String, TableReport)>,
}

impl TableReport {
    /// Notes a flaw of a row.
    pub(super) fn flaw(&mut self, flaw: Flaw, key: &str) {
        let found = self.flaws.entry(flaw.code().to_owned()).or_default();
        found.rows += 1;
        if found.samples.len() < SAMPLES {
            found.samples.push(key.chars().take(100).collect());
        }
    }

    /// Notes a row that is left out, and why.
    pub(super) fn skip(&mut self, flaw: Flaw, key: &str) {
        self.flaw(flaw, key);
        *self.skipped.entry(flaw.code().to_owned()).or_default() += 1;
    }

    /// Notes a row that is merged into another one.
    pub(super) fn merge(&mut self, flaw: Flaw, key: &str) {
        self.flaw(flaw, key);
        self.merged += 1;
    }

    /// Whether every row that was read is accounted for.
    pub fn balances(&self) -> bool {
        self.read == self.imported + self.merged + self.skipped.values().sum::<u64>()
    }

    /// Adds the report of another part of the table.
    pub(super) fn add(&mut self, other: Self) {
        self.read += other.read;
        self.imported += other.imported;
        self.merged += other.merged;
        for (code, rows) in other.skipped {
            *self.skipped.entry(code).or_default() += rows;
        }
        for (code, found) in other.flaws {
            let own = self.flaws.entry(code).or_default();
            own.rows += found.rows;
            own.samples.extend(found.samples);
            own.samples.truncate(SAMPLES);
        }
    }
}

impl ImportReport {
    /// The warnings that a person has to accept: codes with how many rows have them.
    pub fn warnings(&self) -> BTreeMap<&'static str, u64> {
        let mut warnings = BTreeMap::new();
        for (_, table) in &self.tables {
            for (code, found) in &table.flaws {
                if let Some(flaw) = Flaw::of_code(code)
                    && flaw.weight() == Weight::Warning
                {
                    *warnings.entry(flaw.code()).or_default() += found.rows;
                }
            }
        }
        warnings
    }

    /// Tables whose rows are not all accounted for.
    pub fn unbalanced(&self) -> Vec<&str> {
        let tables = self.tables.iter().filter(|(_, table)| !table.balances());
        tables.map(|(name, _)| name.as_str()).collect()
    }

    /// Rows read, of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, table)| table.read).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_balance_and_list_their_warnings() {
        let mut table = TableReport {
            read: 3,
            imported: 1,
            ..TableReport::default()
        };
        table.skip(Flaw::LinkOrphaned, "1/2");
        assert!(!table.balances());
        table.merge(Flaw::TicketRepeated, "7");
        table.flaw(Flaw::NameOfNone, "7");
        assert!(table.balances());
        let report = ImportReport {
            layout: "first".to_owned(),
            tables: vec![("links".to_owned(), table.clone())],
        };
        let warnings: Vec<_> = report.warnings().into_iter().collect();
        assert_eq!(warnings, [("link_orphaned", 1), ("ticket_repeated", 1)]);
        assert!(report.unbalanced().is_empty());
        let mut twice = table.clone();
        twice.add(table);
        assert_eq!((twice.read, twice.flaws["name_none"].rows), (6, 2));
    }
}
