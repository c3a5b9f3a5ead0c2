//! The two engines agree, and every statement is one that they understand.

use std::collections::BTreeMap;

use codex_core::{
    Codex, Scope,
    assets::AssetIn,
    codex_statements,
    contacts::ContactIn,
    records::Author,
    store::{Db, Engine, Sql},
};
use codex_tests::{
    harness::{
        TestResult,
        database::{self, TestDatabase},
    },
    on_each_engine,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

on_each_engine! {
    /// An unknown column, table or function fails when a statement is prepared.
    async fn every_statement_can_be_prepared(database: TestDatabase) -> TestResult {
        let statements = codex_statements();
        assert!(statements.len() > 20);
        for (name, sql) in statements {
            let prepared = prepare(&database.url, sql).await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
        assert!(prepare(&database.url, Sql::Same("select no_such_column from companies")).await.is_err());
        Ok(())
    }

    async fn missing_database_says_how_to_create_it(database: TestDatabase) -> TestResult {
        if !database.url.starts_with("postgres") {
            return Ok(());
        }
        let url = format!("{}_gone", database.url);
        let error = Db::open(&url).await.unwrap_err().to_string();
        assert!(error.contains("create it with `createdb --owner="), "{error}");
        Ok(())
    }

    async fn errors_are_in_the_words_of_the_database(database: TestDatabase) -> TestResult {
        let db = Db::open(&database.url).await?;
        let wrong = db.query("select no_such_column").execute().await;
        let text = wrong.unwrap_err().chain();
        assert!(text.contains("no_such_column") && !text.contains("at line"), "{text}");
        Ok(())
    }

    async fn migrating_twice_changes_nothing(database: TestDatabase) -> TestResult {
        let db = Db::open(&database.url).await?;
        db.migrate().await?;
        db.migrate().await?;
        let companies: i64 = db.query("select count(*) from companies").scalar().await?.unwrap();
        assert_eq!(companies, 0);
        Ok(())
    }

    async fn stored_keys_are_rebuilt_once_for_newer_rules(database: TestDatabase) -> TestResult {
        let codex = Codex::open(&database.url).await?;
        let (scope, author) = (Scope::system(), Author::new("system", codex.now()));
        let person = ContactIn { name: "Łucja".into(), email: "MÜLLER@x.test".into(), ..ContactIn::default() };
        codex.create_contact(&scope, &author, &person).await?.applied().unwrap();
        let device = AssetIn {
            hostname: "PC".into(), serial_number: " SN1".into(), mac_address: "3C-52-82-00-00-01".into(),
            ..AssetIn::default()
        };
        codex.create_asset(&scope, &author, &device).await?.applied().unwrap();
        let mut tx = codex.db().begin().await?;
        for sql in [
            // As an older program has left them.
            "update contacts set name_fold = 'łucja', email_key = null",
            "update assets set serial_key = null, mac_key = null",
            "delete from search_names where rowid % 16 = 2",
            "insert into search_names (rowid, text) select id * 16 + 2, 'łucja' from contacts",
            "insert into tickets (id, created_at, updated_at, number, tags, newest_at, subject_fold) \
             select 1, created_at, updated_at, 1, '[]', updated_at, '' from contacts",
            "insert into conversations (ticket_id, source, private, to_emails, attachments, body) \
             values (1, 'manual', false, '[]', '[]', '“Quokka”')",
            "insert into ticket_details (ticket_id, description_text) values (1, 'A wombat')",
            "update key_rules set version = 0",
        ] {
            tx.query(sql).execute().await?;
        }
        tx.commit().await?;
        let found = async |codex: &Codex, term: &str| anyhow::Ok(codex.search(&scope, term, &[], 10).await?.count);
        assert_eq!(found(&codex, "lucja").await?, 0);
        codex.close().await;
        let codex = Codex::open(&database.url).await?;
        for term in ["lucja", "quokka", "wombat"] {
            assert_eq!(found(&codex, term).await?, 1, "{term}");
        }
        let keys = "select c.name_fold || '|' || c.email_key || '|' || a.serial_key || '|' || a.mac_key \
            from contacts c join assets a on true";
        let keys: Option<String> = codex.db().query(keys).scalar().await?;
        assert_eq!(keys.as_deref(), Some("lucja|müller@x.test|sn1|3c5282000001"));
        codex.close().await;
        // Not again.
        let codex = Codex::open(&database.url).await?;
        let mut tx = codex.db().begin().await?;
        tx.query("update contacts set name_fold = 'stays'").execute().await?;
        tx.commit().await?;
        codex.close().await;
        let codex = Codex::open(&database.url).await?;
        let stays: Option<String> = codex.db().query("select name_fold from contacts").scalar().await?;
        assert_eq!(stays.as_deref(), Some("stays"));
        Ok(())
    }

    async fn lists_of_similar_length_share_one_statement(database: TestDatabase) -> TestResult {
        let db = Db::open(&database.url).await?;
        let of = |count: i64| {
            let mut q = db.query("select count(*) from (select 1 as n union all select 2 union all select 3 \
                union all select 1025) numbers where n in ");
            q.push_list(1..=count);
            q
        };
        let text = |count| format!("{:?}", of(count));
        assert_eq!(text(3), text(4));
        assert_ne!(text(4), text(5));
        assert_ne!(text(1_025), text(1_026), "long ones are as they are");
        for (count, found) in [(0, 0), (1, 1), (2, 2), (3, 3), (5, 3), (1_024, 3), (1_025, 4)] {
            assert_eq!(of(count).scalar::<i64>().await?, Some(found), "{count}");
        }
        Ok(())
    }

    /// `PostgreSQL` refuses a statement that would update one row twice.
    async fn upsert_with_a_repeated_key_keeps_the_last(database: TestDatabase) -> TestResult {
        let db = Db::open(&database.url).await?;
        for labels in [[(1, "a"), (1, "b"), (2, "c")], [(2, "x"), (1, "y"), (2, "z")]] {
            let mut tx = db.begin().await?;
            let mut q = tx.query("insert into ticket_statuses (source, status_id, label) ");
            q.push_upsert_rows(labels, |(id, _)| *id, |row, (id, label)| {
                row.bind("test").bind(i64::from(id)).bind(label);
            });
            q.push(" on conflict (source, status_id) do update set label = excluded.label");
            assert_eq!(q.execute().await?, 2);
            tx.commit().await?;
        }
        let labels: Vec<String> = db.query("select label from ticket_statuses order by status_id").scalars().await?;
        assert_eq!(labels, ["y", "z"]);
        Ok(())
    }

}

/// An empty database of each engine.
async fn empty_databases() -> anyhow::Result<Vec<TestDatabase>> {
    let postgres = database::empty_postgres().await?;
    Ok(std::iter::once(database::sqlite()?)
        .chain(postgres)
        .collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_migrate_at_once_wait_for_each_other() -> TestResult {
    for database in empty_databases().await? {
        // The first connection makes the file.
        let mut all = Vec::new();
        for _ in 0..4 {
            all.push(Db::open(&database.url).await?);
        }
        let at_once = all.iter().cloned().map(|db| {
            let migrate = async move { db.migrate().await };
            tokio::spawn(migrate)
        });
        let at_once: Vec<_> = at_once.collect();
        for one in at_once {
            one.await??;
        }
        let state = all[0].schema_state().await?;
        assert!(
            state.missing.is_empty() && state.unknown.is_empty(),
            "{state:?}"
        );
        for db in all {
            db.close().await;
        }
    }
    Ok(())
}

/// The second of two pending migrations fails: the first one does not stay either.
#[tokio::test]
async fn failed_migration_leaves_the_schema_as_it_was() -> TestResult {
    for database in empty_databases().await? {
        let db = Db::open(&database.url).await?;
        let mut tx = db.begin().await?;
        tx.query("create table saved_views (in_the_way text)")
            .execute()
            .await?;
        tx.commit().await?;
        let error = db.migrate().await.unwrap_err();
        assert!(error.chain().contains("saved_views"), "{}", error.chain());
        let state = db.schema_state().await?;
        let all = Db::migrations(db.engine()).count();
        assert_eq!(state.missing.len(), all, "{state:?}");
        let mut tx = db.begin().await?;
        tx.query("drop table saved_views").execute().await?;
        tx.commit().await?;
        db.migrate().await?;
        db.close().await;
    }
    Ok(())
}

async fn prepare(url: &str, sql: Sql) -> anyhow::Result<()> {
    if url.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(url).await?;
        (&mut connection)
            .prepare(sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(
                sql.text(Engine::Sqlite),
            )))
            .await?;
    } else {
        let mut connection = PgConnection::connect(url).await?;
        (&mut connection)
            .prepare(sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(
                sql.text(Engine::Postgres),
            )))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn default_page_cost_of_postgresql_is_lowered() -> TestResult {
    let Some(database) = codex_tests::harness::database::postgres().await? else {
        return Ok(());
    };
    let name = database.url.rsplit('/').next().unwrap();
    for (said, held) in [("4", "1.1"), ("2.5", "2.5")] {
        let say = format!("alter database {name} set random_page_cost = {said}");
        let mut server = PgConnection::connect(&database.url).await?;
        server.execute(AssertSqlSafe(say)).await?;
        let db = Db::open(&database.url).await?;
        let cost = db.query("select current_setting('random_page_cost')");
        assert_eq!(cost.scalar::<String>().await?.as_deref(), Some(held));
        db.close().await;
    }
    Ok(())
}

/// A table of a large database takes minutes to be written anew.
#[tokio::test]
async fn postgresql_migration_may_outlast_a_call() -> TestResult {
    let Some(database) = codex_tests::harness::database::postgres().await? else {
        return Ok(());
    };
    let mut server = PgConnection::connect(&database.url).await?;
    for sql in [
        "alter table idempotency_keys drop column location",
        "delete from _sqlx_migrations where version = 35",
        "create function patient() returns event_trigger language plpgsql as $$ begin \
         if current_setting('statement_timeout') <> '0' then raise exception 'impatient'; end if; end $$",
        "create event trigger patient on ddl_command_start execute function patient()",
    ] {
        server.execute(sql).await?;
    }
    let db = Db::open(&database.url).await?;
    db.migrate().await?;
    let wait_timeout = db.query("select current_setting('statement_timeout')");
    assert_eq!(
        wait_timeout.scalar::<String>().await?.as_deref(),
        Some("1min")
    );
    db.close().await;
    Ok(())
}

/// Table, then column, then whether it may be null.
type Schema = BTreeMap<String, BTreeMap<String, bool>>;

// Full text is where the engines differ: `SQLite` has tables of its own for it, `PostgreSQL` has indexes.
#[tokio::test]
async fn both_schemas_have_the_same_tables_columns_and_nullability() -> TestResult {
    let sqlite = TestDatabase::on(codex_tests::harness::database::sqlite()?).await?;
    let Some(postgres) = codex_tests::harness::database::postgres().await? else {
        return Ok(());
    };
    let sqlite = schema(
        &sqlite.url,
        "select m.name, p.name, p.\"notnull\" = 0 from sqlite_master m join pragma_table_info(m.name) p \
         where m.type in ('table', 'view') and m.name not like 'sqlite_%' and m.name not like '_sqlx%' \
         and m.name not like 'search\\_%' escape '\\'",
    )
    .await?;
    let postgres = schema(
        &postgres.url,
        "select table_name::text, column_name::text, is_nullable = 'YES' from information_schema.columns \
         where table_schema = 'public' and table_name not like '\\_sqlx%' \
         and table_name not like 'search\\_%' and is_generated = 'NEVER'",
    )
    .await?;
    assert!(sqlite.len() > 15);
    assert_eq!(
        sqlite.keys().collect::<Vec<_>>(),
        postgres.keys().collect::<Vec<_>>()
    );
    for (table, columns) in &sqlite {
        // A view's columns may be null for all that SQLite and PostgreSQL say.
        if table != "contact_company" {
            assert_eq!(columns, &postgres[table], "{table}");
        }
    }
    Ok(())
}

async fn schema(url: &str, sql: &'static str) -> anyhow::Result<Schema> {
    let rows: Vec<(String, String, bool)> = Db::open(url).await?.query(sql).all().await?;
    let mut schema = Schema::new();
    for (table, column, nullable) in rows {
        schema.entry(table).or_default().insert(column, nullable);
    }
    Ok(schema)
}

#[test]
fn both_folders_hold_the_same_migrations() {
    let names = |engine| {
        Db::migrations(engine)
            .map(|migration| (migration.version, migration.name))
            .collect::<Vec<_>>()
    };
    assert!(!names(Engine::Sqlite).is_empty());
    assert_eq!(names(Engine::Sqlite), names(Engine::Postgres));
}

/// As the unit test of lists does on `SQLite`.
#[tokio::test]
async fn asset_identifier_lookups_use_an_index_on_postgresql() -> TestResult {
    let Some(database) = database::postgres().await? else {
        return Ok(());
    };
    let database = TestDatabase::on(database).await?;
    let db = Db::open(&database.url).await?;
    let mut tx = db.begin().await?;
    // A small table is read from end to end whatever indexes it has.
    tx.query("set local enable_seqscan = off").execute().await?;
    for (sql, index) in [
        (
            "explain select id from assets where lower(serial_number collate \"C\") = 'x'",
            "assets_serial_lower",
        ),
        (
            "explain select id from assets where replace(replace(replace(replace(lower(mac_address), \
             ':', ''), '-', ''), '.', ''), ' ', '') = 'x'",
            "assets_mac_digits",
        ),
    ] {
        let plan: Vec<String> = tx.query(sql).scalars().await?;
        assert!(plan.join("; ").contains(index), "{plan:?}");
    }
    tx.rollback().await?;
    db.close().await;
    Ok(())
}
