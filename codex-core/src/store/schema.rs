//! Whether the schema is the one that this program knows.

use super::{Db, Engine, Sql};
use crate::{Error, Result};

sql! {
    /// Whether any migration was ever run.
    BEGUN = {
        sqlite: "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'",
        pg: "select cast(count(*) as bigint) from pg_catalog.pg_class \
             where oid = to_regclass('_sqlx_migrations')",
    };
    /// Whether there is a table of companies though no migration was run. One statement, because another process may
    /// migrate meanwhile.
    FOREIGN = {
        sqlite: "select count(*) from sqlite_master where type = 'table' and name = 'companies' \
            and not exists (select 1 from sqlite_master where type = 'table' and name = '_sqlx_migrations')",
        pg: "select cast(count(*) as bigint) from pg_catalog.pg_class t \
             where t.relname = 'companies' and t.relkind = 'r' \
             and t.relnamespace = to_regnamespace(current_schema()::text) \
             and not exists (select 1 from pg_catalog.pg_class m \
             where m.relname = '_sqlx_migrations' and m.relnamespace = t.relnamespace)",
    };
    /// Version of the engine.
    VERSION = {
        sqlite: "select sqlite_version()",
        pg: "select current_setting('server_version')",
    };
}

/// Migrations that were run.
const APPLIED: &str = "select version from _sqlx_migrations where success order by version";

const FOREIGN_DATABASE: &str = "this is the database of the Flask service (or another program); name an empty one with \
    `codexd init`, then import this one with `codexd import`";

/// How a database's schema differs from the program's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// Migrations that were not run yet.
    pub missing: Vec<i64>,
    /// Migrations of a newer program.
    pub unknown: Vec<i64>,
    /// Whether the database is one of another program, such as the Flask service.
    pub is_foreign: bool,
}

impl SchemaState {
    /// # Errors
    /// [`Error::Unsupported`] when the schema is of a newer program: this one would not keep what that has added.
    /// [`Error::Invalid`] when the database is one of another program.
    pub fn refuse_unknown(&self) -> Result<()> {
        if self.is_foreign {
            return Err(Error::invalid("database", FOREIGN_DATABASE));
        }
        match self.unknown.last() {
            Some(newest) => Err(Error::Unsupported(format!(
                "the database has the schema of a newer codexd (migration {newest}); install that version"
            ))),
            None => Ok(()),
        }
    }
}

impl Db {
    /// Compares the migrations that were run with those that the program has. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Db`] when the database cannot be read.
    pub async fn schema_state(&self) -> Result<SchemaState> {
        let foreign: Option<i64> = self.query(FOREIGN).scalar().await?;
        let applied = self.applied_migrations().await?;
        let known: Vec<i64> = Self::migrations(self.engine())
            .map(|migration| migration.version)
            .collect();
        let without = |all: &[i64], others: &[i64]| {
            let mut rest = all.to_vec();
            rest.retain(|version| !others.contains(version));
            rest
        };
        Ok(SchemaState {
            missing: without(&known, &applied),
            unknown: without(&applied, &known),
            is_foreign: foreign == Some(1),
        })
    }

    /// Name and version of the engine, such as `PostgreSQL 15.4`.
    ///
    /// # Errors
    /// [`Error::Db`] when the database cannot be read.
    pub async fn engine_version(&self) -> Result<String> {
        let version: Option<String> = self.query(VERSION).scalar().await?;
        let name = match self.engine() {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        };
        Ok(format!("{name} {}", version.unwrap_or_default()))
    }

    /// The migrations that were run, in their order.
    ///
    /// # Errors
    /// [`Error::Db`] when the database cannot be read.
    pub async fn applied_migrations(&self) -> Result<Vec<i64>> {
        let begun: Option<i64> = self.query(BEGUN).scalar().await?;
        if begun == Some(1) {
            self.query(Sql::Same(APPLIED)).scalars().await
        } else {
            Ok(Vec::new())
        }
    }
}
