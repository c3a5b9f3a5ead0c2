//! Reading the Flask service's tables: by pages of their keys, each column from wherever the generation has it.

use super::schema::Layout;
use crate::{
    Result,
    store::{
        Engine,
        snapshot::{Key, Snapshot},
    },
};

/// Rows of a page, and of the transaction that writes it.
pub(super) const PAGE: usize = 250;

/// What a column of a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyType {
    Int,
    Text,
}

/// A table of the Flask service, as one of its generations has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct OldTable {
    pub name: &'static str,
    pub key: &'static [(&'static str, KeyType)],
    /// Each column by its name in the newest generation, then the names that it has or had elsewhere: the first that
    /// is there and not null counts.
    pub columns: &'static [&'static [&'static str]],
}

/// A row as texts.
#[derive(Debug, Clone)]
pub(super) struct OldRow {
    pub key: Vec<Key>,
    columns: &'static [&'static [&'static str]],
    values: Vec<Option<String>>,
}

impl OldRow {
    /// The text of a column; `None` for null, an empty text, and a column that the generation does not have.
    pub fn get(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|names| names[0] == column);
        debug_assert!(place.is_some(), "{column} is read of no table");
        let value = self.values.get(place?)?.as_deref()?;
        (!value.trim().is_empty()).then_some(value)
    }

    /// Its key for people.
    pub fn name(&self) -> String {
        let parts = self.key.iter().map(|part| match part {
            Key::Int(number) => number.to_string(),
            Key::Text(text) => text.clone(),
        });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// A database of the Flask service.
#[derive(Debug)]
pub(super) struct Source {
    snapshot: Snapshot,
    pub layout: Layout,
    /// Whether a `SQLite` file remembers the ids that it gave.
    has_sequences: bool,
}

impl Source {
    /// Opens a snapshot and finds its generation.
    pub async fn open(url: &str) -> Result<Self> {
        let mut snapshot = Snapshot::open(url).await?;
        let tables = snapshot.columns().await?;
        let has_sequences = tables.contains_key("sqlite_sequence");
        Ok(Self {
            layout: Layout::of(tables)?,
            snapshot,
            has_sequences,
        })
    }

    /// A table that the role may change.
    pub async fn writable_table(&mut self) -> Result<Option<String>> {
        self.snapshot.writable_table().await
    }

    /// The highest id that a table has given.
    pub async fn last_id(&mut self, table: &'static str) -> Result<i64> {
        self.snapshot.last_id(table, self.has_sequences).await
    }

    /// How many rows a table has; none when there is no such table.
    pub async fn count(&mut self, table: &'static str) -> Result<u64> {
        if !self.layout.has_table(table) {
            return Ok(0);
        }
        self.number(format!("select cast(count(*) as text) from \"{table}\""))
            .await
    }

    /// How many rows of a table have no key.
    pub async fn without_key(&mut self, table: &OldTable) -> Result<u64> {
        if !self.layout.has_table(table.name) {
            return Ok(0);
        }
        let conditions: Vec<String> = table
            .key
            .iter()
            .map(|(column, _)| format!("\"{column}\" is null"))
            .collect();
        self.number(format!(
            "select cast(count(*) as text) from \"{}\" where {}",
            table.name,
            conditions.join(" or ")
        ))
        .await
    }

    async fn number(&mut self, sql: String) -> Result<u64> {
        let rows = self.snapshot.texts(sql, &[]).await?;
        let count = rows.into_iter().flatten().flatten().next();
        Ok(count
            .and_then(|count| count.parse().ok())
            .unwrap_or_default())
    }

    /// The next rows of a table behind a key.
    pub async fn page(&mut self, table: &OldTable, after: Option<&[Key]>) -> Result<Vec<OldRow>> {
        if !self.layout.has_table(table.name) {
            return Ok(Vec::new());
        }
        let keys = table.key.iter();
        let keys: Vec<String> = keys.map(|key| self.ordered(table.name, *key)).collect();
        let mut sql = self.select(table);
        let mut binds = Vec::new();
        if let Some(after) = after {
            let places: Vec<String> = (1..=after.len()).map(|place| format!("${place}")).collect();
            sql += &[
                " where (",
                &keys.join(", "),
                ") > (",
                &places.join(", "),
                ")",
            ]
            .concat();
            binds.extend(after.iter().cloned());
        } else {
            let known = table
                .key
                .iter()
                .map(|(column, _)| format!("\"{column}\" is not null"));
            sql += &[" where ", &known.collect::<Vec<_>>().join(" and ")].concat();
        }
        let limit = PAGE.to_string();
        sql += &[" order by ", &keys.join(", "), " limit ", &limit].concat();
        self.rows(table, sql, &binds).await
    }

    /// The rows of a table whose first key is in a range.
    pub async fn between(
        &mut self,
        table: &OldTable,
        first: i64,
        last: i64,
    ) -> Result<Vec<OldRow>> {
        if !self.layout.has_table(table.name) {
            return Ok(Vec::new());
        }
        let column = table.key.first().map_or("id", |(column, _)| column);
        let sql = format!(
            "{} where \"{column}\" between $1 and $2",
            self.select(table)
        );
        self.rows(table, sql, &[Key::Int(first), Key::Int(last)])
            .await
    }

    /// Values that several rows of a table have in common, each with the highest number of a column among those
    /// rows; the columns are texts in lists of alternatives.
    pub async fn repeated(
        &mut self,
        table: &'static str,
        columns: &[&[&'static str]],
        last: &'static str,
    ) -> Result<Vec<(String, i64)>> {
        if !self.layout.has_table(table) || !self.layout.has(table, last) {
            return Ok(Vec::new());
        }
        let values: Vec<String> = columns
            .iter()
            .map(|names| self.value(table, names))
            .collect();
        let list = values.join(", ");
        let known: Vec<String> = values
            .iter()
            .map(|value| format!("{value} is not null"))
            .collect();
        let sql = format!(
            "select {list}, cast(max(\"{last}\") as text) from \"{table}\" where {} group by {list} having count(*) > 1",
            known.join(" and ")
        );
        let rows = self.snapshot.texts(sql, &[]).await?;
        let repeated = rows.into_iter().filter_map(|mut row| {
            let last = row.pop()??.parse().ok()?;
            let parts: Vec<String> = row.into_iter().flatten().collect();
            Some((parts.join("/"), last))
        });
        Ok(repeated.collect())
    }

    /// The different values of some columns.
    pub async fn distinct(
        &mut self,
        table: &'static str,
        columns: &[&[&'static str]],
    ) -> Result<Vec<Vec<Option<String>>>> {
        if !self.layout.has_table(table) {
            return Ok(Vec::new());
        }
        let values: Vec<String> = columns
            .iter()
            .map(|names| self.value(table, names))
            .collect();
        let sql = format!("select distinct {} from \"{table}\"", values.join(", "));
        self.snapshot.texts(sql, &[]).await
    }

    async fn rows(&mut self, table: &OldTable, sql: String, binds: &[Key]) -> Result<Vec<OldRow>> {
        let rows = self.snapshot.texts(sql, binds).await?;
        let keys = table.key.len();
        let rows = rows.into_iter().map(|mut values| {
            let rest = values.split_off(keys.min(values.len()));
            let parts = table.key.iter().zip(values).map(|((_, of), part)| {
                let part = part.unwrap_or_default();
                match (of, part.parse()) {
                    (KeyType::Int, Ok(number)) => Key::Int(number),
                    _ => Key::Text(part),
                }
            });
            OldRow {
                key: parts.collect(),
                columns: table.columns,
                values: rest,
            }
        });
        Ok(rows.collect())
    }

    fn select(&self, table: &OldTable) -> String {
        let keys = table
            .key
            .iter()
            .map(|(column, _)| format!("cast(\"{column}\" as text)"));
        let values = table
            .columns
            .iter()
            .map(|names| self.value(table.name, names));
        let all: Vec<String> = keys.chain(values).collect();
        format!("select {} from \"{}\"", all.join(", "), table.name)
    }

    /// A column as text, from the names under which the generation has it.
    fn value(&self, table: &str, names: &[&'static str]) -> String {
        let own = names.iter().filter(|name| self.layout.has(table, name));
        let own: Vec<String> = own
            .map(|name| format!("cast(\"{name}\" as text)"))
            .collect();
        match own.as_slice() {
            [] => "cast(null as text)".to_owned(),
            [one] => one.clone(),
            several => format!("coalesce({})", several.join(", ")),
        }
    }

    /// A key as it is compared: texts by their bytes, as `SQLite` does.
    /// With its table: PostgreSQL takes a bare name behind `order by` for the column of the answer, which is a text.
    fn ordered(&self, table: &str, (column, of): (&'static str, KeyType)) -> String {
        if of == KeyType::Text && self.snapshot.engine() == Engine::Postgres {
            format!("\"{table}\".\"{column}\" collate \"C\"")
        } else {
            format!("\"{table}\".\"{column}\"")
        }
    }
}
