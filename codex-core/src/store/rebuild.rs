//! Dropping and creating all tables.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::{Db, Engine, Pools};
use crate::Result;

/// What migrations create, in the order of dropping: views and functions use tables.
const KINDS: [&str; 3] = ["view", "function", "table"];

impl Db {
    /// Drops what the migrations have created, in one transaction, and runs them again: all data is lost. Tables that
    /// others keep in the same database stay.
    ///
    /// # Errors
    /// [`crate::Error::Db`]. When it comes after the drop, [`Db::migrate`] completes the schema.
    pub async fn rebuild(&self) -> Result<()> {
        let drops = drops(self.engine());
        match &self.pools {
            Pools::Sqlite { writer, .. } => {
                // Otherwise each drop would check foreign keys.
                let text = format!(
                    "pragma foreign_keys = off; begin immediate; {drops}; commit; pragma foreign_keys = on"
                );
                let mut connection = writer.acquire().await?;
                let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection);
                if let Err(error) = done.await {
                    // It may be in a transaction, and without foreign keys.
                    drop(connection.detach());
                    return Err(error.into());
                }
            }
            // Statements that are sent together are one transaction.
            Pools::Pg(pool) => {
                sqlx::raw_sql(AssertSqlSafe(drops)).execute(pool).await?;
            }
        }
        self.migrate().await
    }
}

/// The statements that drop everything.
fn drops(engine: Engine) -> String {
    let texts = Db::migrations(engine).map(|migration| created(migration.sql));
    let mut names: BTreeSet<(usize, String)> = texts.flatten().collect();
    names.insert((KINDS.len() - 1, "_sqlx_migrations".to_owned()));
    let cascade = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " cascade",
    };
    let drops = names
        .into_iter()
        .map(|(kind, name)| format!("drop {} if exists {name}{cascade}", KINDS[kind]));
    drops.collect::<Vec<_>>().join("; ")
}

/// What a migration creates: the kind, by its place in [`KINDS`], and the name.
fn created(text: &str) -> Vec<(usize, String)> {
    let text = text.to_lowercase();
    let is_mark = |c: char| !c.is_alphanumeric() && c != '_';
    let words: Vec<&str> = text
        .split(is_mark)
        .filter(|word| !word.is_empty())
        .filter(|word| !["virtual", "if", "not", "exists"].contains(word))
        .collect();
    let found = words.windows(3).filter_map(|words| {
        let kind = KINDS.iter().position(|kind| *kind == words[1])?;
        (words[0] == "create").then(|| (kind, words[2].to_owned()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_tables_views_and_functions_are_found() {
        let text = "create table if not exists a (x text);\nCREATE VIRTUAL TABLE b using fts5(x);\n\
            create view c as select 1; create function d(text) returns text; create index e on a (x)";
        let names: Vec<String> = created(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    #[tokio::test]
    async fn rebuild_drops_our_tables_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let db = Db::open(file.to_str().unwrap()).await.unwrap();
        db.migrate().await.unwrap();
        let id = async || -> Option<String> {
            let id = db.query("select id from codex_database").scalar();
            id.await.unwrap()
        };
        let before = id().await;
        let mut tx = db.begin().await.unwrap();
        let theirs = "create table theirs (x text)";
        tx.query(theirs).execute().await.unwrap();
        let cursor = "insert into sync_cursors (source, name, at) values ('x', 'y', 'z')";
        tx.query(cursor).execute().await.unwrap();
        tx.commit().await.unwrap();
        db.rebuild().await.unwrap();
        assert_ne!(id().await, before);
        let count: Option<i64> = db
            .query("select count(*) from sync_cursors")
            .scalar()
            .await
            .unwrap();
        assert_eq!(count, Some(0));
        let count: Option<i64> = db
            .query("select count(*) from theirs")
            .scalar()
            .await
            .unwrap();
        assert_eq!(count, Some(0));
        let state = db.schema_state().await.unwrap();
        assert!(state.missing.is_empty(), "{state:?}");
    }
}
