//! The tables of a generation, or of a mixture of both.

use codex_core::import::Generation;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::columns::{
    Of::{self, Both, First, Second},
    TABLES,
};

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub name: &'static str,
    /// Its type with its constraints.
    kind: &'static str,
    /// Whether the migration of the second generation has added it.
    pub is_added: bool,
}

impl Column {
    /// The most characters that its type allows.
    pub fn longest(&self) -> Option<usize> {
        let rest = self.kind.strip_prefix("varchar(")?;
        rest.split(')').next()?.parse().ok()
    }

    /// What the migration adds has neither a key nor a constraint.
    fn sql(&self) -> String {
        let kind = if self.is_added {
            let kind = self.kind.split(" primary key").next().unwrap_or_default();
            kind.split(" not null").next().unwrap_or_default()
        } else {
            self.kind
        };
        format!("{} {kind}", self.name)
    }
}

/// A table.
#[derive(Debug, Clone)]
struct TableOf {
    name: &'static str,
    key: Option<&'static str>,
    columns: Vec<Column>,
}

/// The tables of a database.
#[derive(Debug, Clone)]
pub(super) struct Schema(Vec<TableOf>);

impl Schema {
    /// The tables of a generation; of a mixture with a seed, each later table and column is there or not.
    pub fn new(generation: Generation, seed: Option<u64>) -> Self {
        let mut random = seed.map(SmallRng::seed_from_u64);
        let mut is_there = |of: Of| match (generation, of) {
            (_, Both)
            | (Generation::First | Generation::Mixed, First)
            | (Generation::Second, Second) => true,
            (Generation::First, Second) | (Generation::Second, First) => false,
            (Generation::Mixed, Second) => random.as_mut().is_none_or(|r| r.random_bool(0.6)),
        };
        let mut tables = Vec::new();
        for (name, of, key, declared) in TABLES {
            if !is_there(of) {
                continue;
            }
            let mut columns: Vec<Column> = Vec::new();
            for &(name, kind, of) in declared {
                let is_known = columns.iter().any(|column| column.name == name);
                if !is_known && is_there(of) {
                    columns.push(Column {
                        name,
                        kind,
                        is_added: generation == Generation::Mixed && of == Second,
                    });
                }
            }
            tables.push(TableOf { name, key, columns });
        }
        Self(tables)
    }

    /// Names of the tables.
    pub fn tables(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|table| table.name)
    }

    /// The columns of a table; none without it.
    pub fn columns(&self, table: &str) -> &[Column] {
        let found = self.0.iter().find(|one| one.name == table);
        found
            .map(|found| found.columns.as_slice())
            .unwrap_or_default()
    }

    pub fn has_table(&self, table: &str) -> bool {
        self.0.iter().any(|one| one.name == table)
    }

    pub fn has(&self, table: &str, column: &str) -> bool {
        self.columns(table).iter().any(|one| one.name == column)
    }

    /// The statements that make the tables.
    pub fn sql(&self) -> String {
        let tables = self.0.iter().map(|table| {
            let mut parts: Vec<String> = table.columns.iter().map(Column::sql).collect();
            parts.extend(table.key.map(|key| format!("primary key ({key})")));
            format!("create table {} ({});", table.name, parts.join(", "))
        });
        tables.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixture_keeps_what_the_first_generation_had() {
        let first = Schema::new(Generation::First, None);
        let whole = Schema::new(Generation::Mixed, None);
        for seed in 0..20 {
            let mixed = Schema::new(Generation::Mixed, Some(seed));
            for table in first.tables() {
                for column in first.columns(table) {
                    assert!(mixed.has(table, column.name), "{table}.{}", column.name);
                }
            }
            assert!(mixed.tables().all(|table| whole.has_table(table)));
        }
        let one = Schema::new(Generation::Mixed, Some(1)).sql();
        assert_ne!(one, Schema::new(Generation::Mixed, Some(2)).sql());
        assert_eq!(one, Schema::new(Generation::Mixed, Some(1)).sql());
    }

    #[test]
    fn an_added_column_has_no_constraints() {
        let mixed = Schema::new(Generation::Mixed, None);
        let sql = mixed.sql();
        assert!(sql.contains("create table ticket_details (ticket_id bigint primary key, id integer, external_id bigint,"));
        let second = Schema::new(Generation::Second, None);
        assert_eq!(second.columns("assets")[1].longest(), Some(150));
        assert!(!second.has("contacts", "freshservice_id"));
    }
}
