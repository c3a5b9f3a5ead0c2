//! Which generation of the Flask service's schema a database has.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Error, Result};

/// Tables that every generation has, with the columns that a row cannot do without.
const COMMON: [(&str, &[&str]); 12] = [
    ("agents", &["keycloak_id", "username"]),
    ("asset_contact_link", &["asset_id", "contact_id"]),
    ("assets", &["id", "hostname", "company_account_number"]),
    ("billing_plans", &["id", "plan_name", "term_length"]),
    ("companies", &["account_number", "name"]),
    (
        "company_feature_overrides",
        &["id", "company_account_number", "feature_key", "value"],
    ),
    (
        "contact_company_link",
        &["contact_id", "company_account_number"],
    ),
    ("contacts", &["id", "name"]),
    (
        "feature_options",
        &["id", "feature_category", "option_value"],
    ),
    ("locations", &["id", "name", "company_account_number"]),
    ("sync_jobs", &["id", "script", "status", "started_at"]),
    ("ticket_details", &["company_account_number", "status"]),
];
/// What the first generation has alone.
const FIRST: [(&str, &str); 3] = [
    ("companies", "freshservice_id"),
    ("contacts", "freshservice_id"),
    ("ticket_details", "ticket_id"),
];
/// What the second generation has alone.
const SECOND: [(&str, &str); 2] = [
    ("companies", "external_id"),
    ("ticket_details", "external_id"),
];

/// A generation of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// One PSA and one RMM, whose names are in the columns.
    First,
    /// Providers, prices by terabyte, dynamic features.
    Second,
    /// The first, with what the second one's migration has added.
    Mixed,
}

impl Generation {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Mixed => "mixed",
        }
    }
}

/// The tables and columns of a database, and the generation that they make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The generation.
    pub generation: Generation,
    tables: BTreeMap<String, BTreeSet<String>>,
}

impl Layout {
    /// Finds the generation by the tables and columns that exist.
    ///
    /// # Errors
    /// [`Error::Unsupported`] naming what is missing of a database of the Flask service.
    pub fn of(tables: BTreeMap<String, BTreeSet<String>>) -> Result<Self> {
        let has = |table: &str, column: &str| {
            let columns = tables.get(table);
            columns.is_some_and(|columns| columns.contains(column))
        };
        let mut missing: Vec<String> = Vec::new();
        for (table, columns) in COMMON {
            if !tables.contains_key(table) {
                missing.push(table.to_owned());
                continue;
            }
            let absent = columns.iter().filter(|column| !has(table, column));
            missing.extend(absent.map(|column| format!("{table}.{column}")));
        }
        let is_first = FIRST.iter().any(|(table, column)| has(table, column));
        let is_second = SECOND.iter().all(|(table, column)| has(table, column));
        let generation = match (is_first, is_second) {
            (true, true) => Generation::Mixed,
            (true, false) => Generation::First,
            (false, true) => Generation::Second,
            (false, false) => {
                let expected = FIRST.iter().chain(&SECOND);
                missing.extend(expected.map(|(table, column)| format!("{table}.{column}")));
                Generation::Second
            }
        };
        // Tickets are known by one of two columns.
        if missing.is_empty() && !has("ticket_details", "ticket_id") && !has("ticket_details", "id")
        {
            missing.push("ticket_details.ticket_id or ticket_details.id".to_owned());
        }
        if missing.is_empty() {
            return Ok(Self { generation, tables });
        }
        let found = if tables.is_empty() {
            "it has no tables that this role can read".to_owned()
        } else {
            format!("missing: {}", missing.join(", "))
        };
        Err(Error::Unsupported(format!(
            "this is not a complete database of the Flask service; {found}"
        )))
    }

    /// Whether there is a table.
    pub fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Whether there is a column.
    pub fn has(&self, table: &str, column: &str) -> bool {
        let columns = self.tables.get(table);
        columns.is_some_and(|columns| columns.contains(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> BTreeMap<String, BTreeSet<String>> {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let tables = COMMON
            .iter()
            .map(|(table, names)| ((*table).to_owned(), columns(names)));
        tables.collect()
    }

    fn with(added: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<String>> {
        let mut tables = common();
        for (table, column) in added {
            let columns = tables.entry((*table).to_owned()).or_default();
            columns.insert((*column).to_owned());
        }
        tables
    }

    #[test]
    fn generations_are_known_by_their_columns() {
        let of = |tables| Layout::of(tables).map(|layout| layout.generation);
        assert_eq!(of(with(&FIRST)).unwrap(), Generation::First);
        let mut second = with(&SECOND);
        second
            .get_mut("ticket_details")
            .unwrap()
            .insert("id".into());
        assert_eq!(of(second).unwrap(), Generation::Second);
        let both: Vec<_> = FIRST.iter().chain(&SECOND).copied().collect();
        assert_eq!(of(with(&both)).unwrap(), Generation::Mixed);
    }

    #[test]
    fn missing_tables_and_columns_are_named() {
        let mut half = with(&FIRST);
        half.remove("contacts");
        half.get_mut("assets").unwrap().remove("hostname");
        let error = Layout::of(half).unwrap_err().to_string();
        assert!(
            error.contains("contacts") && error.contains("assets.hostname"),
            "{error}"
        );
        let unknown = Layout::of(common()).unwrap_err().to_string();
        assert!(unknown.contains("companies.external_id"), "{unknown}");
        assert!(Layout::of(BTreeMap::new()).is_err());
    }
}
