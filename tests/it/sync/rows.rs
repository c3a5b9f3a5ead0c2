//! Which rows are written: counted by the databases themselves.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::Duration;
use codex_core::sync::SyncKind;
use codex_tests::{harness::bench::TestBench, on_each_engine};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

/// Tables of the work itself, which every run writes, and the counts of what was written.
const OF_RUNS: [&str; 5] = [
    "sync_jobs",
    "sync_leases",
    "sync_cursors",
    "upstream_budgets",
    "revisions",
];

/// Has every row that is written to any table counted from here on.
async fn count_rows(url: &str) -> anyhow::Result<()> {
    if url.starts_with("sqlite") {
        let mut connection = SqliteConnection::connect(url).await?;
        connection
            .execute("create table written (name text not null)")
            .await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "select name from sqlite_master where type = 'table' and sql not like '%virtual%' \
             and name not like 'sqlite%' and name not like '_sqlx%' and name not like 'search%' \
             and name <> 'written'",
        )
        .fetch_all(&mut connection)
        .await?;
        anyhow::ensure!(tables.len() > 20, "{tables:?}");
        for table in tables {
            for kind in ["insert", "update", "delete"] {
                let trigger = format!(
                    "create trigger count_{table}_{kind} after {kind} on {table} \
                     begin insert into written values ('{table}'); end"
                );
                connection.execute(AssertSqlSafe(trigger)).await?;
            }
        }
        connection.close().await?;
    } else {
        let mut connection = PgConnection::connect(url).await?;
        let count = "create table written (name text not null); \
            create function count_row() returns trigger language plpgsql as \
            $$ begin insert into written values (tg_table_name); return null; end $$";
        connection.execute(count).await?;
        let tables: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.tables where table_schema = 'public' \
             and table_type = 'BASE TABLE' and table_name not like '\\_sqlx%' and table_name <> 'written'",
        )
        .fetch_all(&mut connection)
        .await?;
        anyhow::ensure!(tables.len() > 20, "{tables:?}");
        for table in tables {
            let trigger = format!(
                "create trigger count_rows after insert or update or delete on {table} \
                 for each row execute function count_row()"
            );
            connection.execute(AssertSqlSafe(trigger)).await?;
        }
        connection.close().await?;
    }
    Ok(())
}

/// Rows written since the last time, by table.
async fn written(bench: &TestBench) -> anyhow::Result<BTreeMap<String, i64>> {
    let count = "select name, count(*) from written group by name";
    let rows: Vec<(String, i64)> = bench.db().query(count).all().await?;
    let mut tx = bench.db().begin().await?;
    tx.query("delete from written").execute().await?;
    tx.commit().await?;
    Ok(rows
        .into_iter()
        .filter(|(name, _)| !OF_RUNS.contains(&name.as_str()))
        .collect())
}

async fn sync_everything(bench: &TestBench) -> anyhow::Result<()> {
    for part in [
        SyncKind::Psa,
        SyncKind::Rmm,
        SyncKind::RmmAudits,
        SyncKind::Tickets,
        SyncKind::Agents,
    ] {
        bench.sync(part).await?;
    }
    Ok(())
}

on_each_engine! {
    async fn second_run_without_changes_writes_no_row(bench: TestBench) -> TestResult {
        sync_everything(&bench).await?;
        count_rows(&bench.database.url).await?;
        bench.clock.advance(Duration::minutes(10));
        sync_everything(&bench).await?;
        assert_eq!(written(&bench).await?, BTreeMap::new());
        // Only what has moved is written.
        {
            let mut world = bench.world.lock();
            let uid = world.devices[7].body["uid"].as_str().context("a uid")?.to_owned();
            let seen = world.now + Duration::minutes(3);
            let device = world.device_mut(&uid).context("a device")?;
            device.body.insert("lastSeen".into(), seen.timestamp_millis().into());
        }
        sync_everything(&bench).await?;
        let one = BTreeMap::from_iter([("asset_status".to_owned(), 1)]);
        assert_eq!(written(&bench).await?, one);
        // Not even the details of tickets that the vendor lists again.
        for number in [5, 6] {
            bench.codex.refresh_ticket(&codex_core::Scope::system(), number).await?;
        }
        assert_eq!(written(&bench).await?, BTreeMap::new());
        Ok(())
    }
}
