//! The tables of a backup, and the statements that read and write their rows.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use futures::TryStreamExt as _;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use super::{BackupError, Result};
use crate::store::{Engine, Inner, Tx};

sql! {
    /// Tables with their columns, without those that are computed from others.
    COLUMNS = {
        sqlite: "select m.name, p.name, lower(p.type) from sqlite_master m join pragma_table_info(m.name) p \
            where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\' \
            and m.name not like '\\_sqlx%' escape '\\' and m.name not like 'search\\_%' escape '\\' \
            order by m.name, p.cid",
        pg: "select c.table_name::text, c.column_name::text, c.data_type::text \
            from information_schema.columns c join information_schema.tables t \
            on t.table_schema = c.table_schema and t.table_name = c.table_name \
            where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.is_generated = 'NEVER' \
            and c.table_name not like '\\_sqlx%' and c.table_name not like 'search\\_%' \
            order by c.table_name::text collate \"C\", c.ordinal_position",
    };
    /// Foreign keys, each with the definition that creates it again.
    REFERENCES = {
        sqlite: "select '', '', '' where false",
        pg: "select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) from pg_constraint \
            where contype = 'f' and connamespace = to_regnamespace(current_schema()::text)",
    };
    /// Columns that are numbered by a sequence.
    NUMBERED = {
        sqlite: "select '', '' where false",
        pg: "select table_name::text, column_name::text from information_schema.columns \
            where table_schema = current_schema() and is_identity = 'YES'",
    };
}

/// How a column's values become JSON and come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    /// Numbers and texts: as they are.
    Plain,
    /// `SQLite` has numbers for them.
    Boolean,
    /// Bytes, as hexadecimal digits.
    Bytes,
    /// Times of `PostgreSQL`; `SQLite` has their text.
    Time,
    /// JSON of `PostgreSQL`; `SQLite` has its text.
    Json,
}

/// A column.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    sql_type: String,
    value_type: ValueType,
}

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<Column>,
}

impl Table {
    /// Every table by name.
    pub(super) async fn all(tx: &mut Tx) -> Result<Vec<Self>> {
        let rows: Vec<(String, String, String)> = tx.query(COLUMNS).all().await?;
        let mut tables: Vec<Self> = Vec::new();
        for (table, name, sql_type) in rows {
            let value_type = match (tx.engine(), sql_type.as_str()) {
                (_, "bigint" | "text" | "integer") => ValueType::Plain,
                (_, "boolean") => ValueType::Boolean,
                (Engine::Sqlite, "blob") | (Engine::Postgres, "bytea") => ValueType::Bytes,
                (Engine::Postgres, "timestamp with time zone") => ValueType::Time,
                (Engine::Postgres, "jsonb") => ValueType::Json,
                _ => {
                    return Err(BackupError::Refused(format!(
                        "column `{name}` of table `{table}` is of type {sql_type}, which no table of Codex has"
                    )));
                }
            };
            let column = Column {
                name,
                sql_type,
                value_type,
            };
            match tables.last_mut() {
                Some(last) if last.name == table => last.columns.push(column),
                _ => tables.push(Self {
                    name: table,
                    columns: vec![column],
                }),
            }
        }
        Ok(tables)
    }

    pub(super) fn column_names(&self) -> Vec<String> {
        let names = self.columns.iter().map(|column| column.name.clone());
        names.collect()
    }

    /// The same table with these columns in this order.
    pub(super) fn with_columns(&self, names: &[String]) -> Result<Self> {
        let find = |name: &String| {
            let found = self.columns.iter().find(|column| column.name == *name);
            found.cloned().ok_or_else(|| {
                let table = &self.name;
                BackupError::Damaged(format!("table `{table}` has no column `{name}`"))
            })
        };
        let columns: Result<Vec<Column>> = names.iter().map(find).collect();
        Ok(Self {
            name: self.name.clone(),
            columns: columns?,
        })
    }

    pub(super) async fn is_empty(&self, tx: &mut Tx) -> Result<bool> {
        let one = format!("select 1 from {} limit 1", quoted(&self.name));
        let sql = AssertSqlSafe(one);
        let row = match &mut tx.inner {
            Inner::Sqlite(tx) => {
                let query = sqlx::query::<sqlx::Sqlite>(sql);
                query.fetch_optional(&mut **tx).await?.is_some()
            }
            Inner::Pg(tx) => {
                let query = sqlx::query::<sqlx::Postgres>(sql);
                query.fetch_optional(&mut **tx).await?.is_some()
            }
        };
        Ok(!row)
    }

    /// Reads all rows, each as a JSON array in one spelling for both engines.
    pub(super) async fn each_row(
        &self,
        tx: &mut Tx,
        mut each: impl FnMut(String) -> Result<()>,
    ) -> Result<()> {
        let sql = AssertSqlSafe(self.select(tx.engine()));
        match &mut tx.inner {
            Inner::Sqlite(tx) => {
                let query = sqlx::query_scalar::<sqlx::Sqlite, String>(sql);
                let mut rows = query.fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    each(self.canonical(&row)?)?;
                }
            }
            Inner::Pg(tx) => {
                let query = sqlx::query_scalar::<sqlx::Postgres, String>(sql);
                let mut rows = query.fetch(&mut **tx);
                while let Some(row) = rows.try_next().await? {
                    each(self.canonical(&row)?)?;
                }
            }
        }
        Ok(())
    }

    /// Writes rows: a JSON array of the arrays of [`Table::each_row`].
    pub(super) async fn insert(&self, tx: &mut Tx, rows: String) -> Result<()> {
        let sql = AssertSqlSafe(self.insertion(tx.engine()));
        match &mut tx.inner {
            Inner::Sqlite(tx) => {
                let query = sqlx::query::<sqlx::Sqlite>(sql).bind(rows);
                query.execute(&mut **tx).await?;
            }
            Inner::Pg(tx) => {
                let query = sqlx::query::<sqlx::Postgres>(sql).bind(rows);
                query.execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    fn select(&self, engine: Engine) -> String {
        let values = self.columns.iter().map(|column| {
            let name = quoted(&column.name);
            match (engine, column.value_type) {
                (Engine::Sqlite, ValueType::Boolean) => {
                    format!("case {name} when 0 then json('false') when 1 then json('true') end")
                }
                (Engine::Sqlite, ValueType::Bytes) => {
                    format!("case when {name} is not null then hex({name}) end")
                }
                (Engine::Postgres, ValueType::Bytes) => format!("upper(encode({name}, 'hex'))"),
                (Engine::Postgres, ValueType::Time) => format!(
                    "to_char({name} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
                ),
                (Engine::Postgres, ValueType::Json) => format!("{name}::text"),
                _ => name,
            }
        });
        let values = values.collect::<Vec<_>>().join(", ");
        let table = quoted(&self.name);
        match engine {
            Engine::Sqlite => format!("select json_array({values}) from {table}"),
            Engine::Postgres => format!("select json_build_array({values})::text from {table}"),
        }
    }

    fn insertion(&self, engine: Engine) -> String {
        let (mut names, mut values) = (String::new(), String::new());
        for (index, column) in self.columns.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(names, "{comma}{}", quoted(&column.name)).ok();
            let bytes = column.value_type == ValueType::Bytes;
            let sql_type = &column.sql_type;
            match (engine, bytes) {
                (Engine::Sqlite, false) => write!(values, "{comma}value ->> {index}"),
                (Engine::Sqlite, true) => write!(values, "{comma}unhex(value ->> {index})"),
                (Engine::Postgres, false) => write!(values, "{comma}(v ->> {index})::{sql_type}"),
                (Engine::Postgres, true) => write!(values, "{comma}decode(v ->> {index}, 'hex')"),
            }
            .ok();
        }
        let table = quoted(&self.name);
        let from = match engine {
            Engine::Sqlite => "json_each($1)",
            Engine::Postgres => "jsonb_array_elements($1::jsonb) as rows (v)",
        };
        format!("insert into {table} ({names}) select {values} from {from}")
    }

    /// A row in the spelling of `SQLite`.
    fn canonical(&self, row: &str) -> Result<String> {
        let wrong = |what: &dyn std::fmt::Display| {
            let table = &self.name;
            BackupError::Refused(format!("a row of table `{table}` cannot be read: {what}"))
        };
        let mut values: Vec<Value> = serde_json::from_str(row).map_err(|error| wrong(&error))?;
        for (value, column) in values.iter_mut().zip(&self.columns) {
            let Value::String(text) = value else { continue };
            match column.value_type {
                ValueType::Time => {
                    let time = DateTime::parse_from_rfc3339(text).map_err(|error| wrong(&error))?;
                    *text = time.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, false);
                }
                ValueType::Json => {
                    let json: Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
                    *text = json.to_string();
                }
                ValueType::Plain | ValueType::Boolean | ValueType::Bytes => {}
            }
        }
        serde_json::to_string(&values).map_err(|error| wrong(&error))
    }
}

/// A quoted name for a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
