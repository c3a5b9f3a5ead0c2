//! Measures the daemon as a process of its own against simulators without limits or latency.
//!
//! `cargo build --release -p codex-daemon -p codex-tests && target/release/measure --size M [--database-url URL]`

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Parser;
use codex_client::{Client, CompanyIn, JobOut, JobStatus, SyncKind, TokenSource};
use codex_core::store::Db;
use codex_tests::{
    harness::process::{rss, settings, start},
    sim::{SharedWorld, Size, World, core::Core, datto, freshservice},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Measures first and second syncs, edits meanwhile, start and memory.
#[derive(Debug, Parser)]
struct Measure {
    /// tiny, S, M or L
    #[arg(long, default_value = "M")]
    size: Size,
    /// An empty database; a `SQLite` file in a temporary folder when absent
    #[arg(long)]
    database_url: Option<String>,
    /// How long each answer of a vendor takes
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Tickets only
    #[arg(long)]
    tickets: bool,
    /// The daemon; the one beside this program when absent
    #[arg(long)]
    codexd: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Measure::parse();
    let folder = tempfile::tempdir()?;
    let database = options
        .database_url
        .clone()
        .unwrap_or_else(|| format!("sqlite://{}", folder.path().join("codex.db").display()));
    let beside = std::env::current_exe()?.with_file_name("codexd");
    let codexd = options.codexd.clone().unwrap_or(beside);
    let world = SharedWorld::new(World::generate(options.size, 7));
    let fresh_options = freshservice::Options {
        limits: false,
        latency: Duration::from_millis(options.latency_ms),
        ..Default::default()
    };
    let datto_options = datto::Options {
        limits: false,
        latency: Duration::from_millis(options.latency_ms),
        ..Default::default()
    };
    let fresh = freshservice::Freshservice::start(world.clone(), fresh_options).await?;
    let rmm = datto::Datto::start(world.clone(), datto_options).await?;
    let core = Core::start().await?;
    let settings = settings(&database, &core, &fresh, &rmm);

    println!(
        "size {:?}, {}",
        options.size,
        database.split("://").next().unwrap_or("?")
    );
    let mut first = start(&codexd, folder.path(), &settings).await?;
    first.child.kill().await?;
    let daemon = start(&codexd, folder.path(), &settings).await?;
    println!(
        "ready on an existing database after {} ms, idle RSS {} MB",
        daemon.ready.as_millis(),
        rss(&daemon, "VmRSS")?
    );

    let client = Client::new(&daemon.url, TokenSource::core(core.url(), "helm")?)?;
    let second = start(&codexd, folder.path(), &settings).await?;
    let beside = Client::new(&second.url, TokenSource::core(core.url(), "helm")?)?;
    for round in ["first", "second", "after 200 changes:"] {
        let rows = log_and_claims(&database).await?;
        for (script, name) in [
            (SyncKind::Psa, "Freshservice"),
            (SyncKind::Datto, "Datto"),
            (SyncKind::Tickets, "tickets"),
        ] {
            if options.tickets && script != SyncKind::Tickets {
                continue;
            }
            fresh.reset_calls();
            rmm.reset_calls();
            let begun = Instant::now();
            let stop = CancellationToken::new();
            let mut edits = Vec::new();
            if round == "first" && script == SyncKind::Datto {
                for (place, client) in [("this", &client), ("another", &beside)] {
                    let (client, stop) = (client.clone(), stop.clone());
                    edits.push((place, tokio::spawn(edit_until(client, stop))));
                }
            }
            let job = run_sync(&client, script).await?;
            stop.cancel();
            let seconds = begun.elapsed().as_secs_f64();
            println!(
                "{round} {name}: {seconds:.1} s, {} calls, peak RSS {} MB",
                fresh.calls("") + rmm.calls(""),
                rss(&daemon, "VmHWM")?
            );
            for (place, edits) in edits {
                let (count, p50, p99) = edits.await??;
                println!(
                    "    {count} PUTs to {place} process meanwhile: p50 {p50} ms, p99 {p99} ms"
                );
            }
            anyhow::ensure!(job.status == JobStatus::Completed, "{:?}", job.error);
        }
        println!(
            "    claims and log rows written: {}",
            log_and_claims(&database).await? - rows
        );
        let mut world = world.lock();
        world.tick(chrono::Duration::minutes(30));
        if round == "second" {
            let changed =
                (1..=200).filter_map(|n| world.set_ticket(n * 7, &json!({"priority": 4})));
            println!("{} tickets change", changed.count());
        }
    }
    println!("RSS afterwards {} MB", rss(&daemon, "VmRSS")?);
    let mut daemon = daemon;
    daemon.child.kill().await?;
    Ok(())
}

async fn run_sync(client: &Client, script: SyncKind) -> anyhow::Result<JobOut> {
    let started = client.sync().start(script).await?;
    Ok(client
        .sync()
        .wait(&started.job_id, Duration::from_secs(7_200))
        .await?)
}

/// Edits a company every 20 ms until it is stopped: count, p50 and p99 in ms.
async fn edit_until(
    client: Client,
    stop: CancellationToken,
) -> anyhow::Result<(usize, u128, u128)> {
    let mut took = Vec::new();
    while !stop.is_cancelled() {
        let edit = CompanyIn {
            description: format!("edit {}", took.len()).into(),
            ..CompanyIn::default()
        };
        let begun = Instant::now();
        client.companies().update("100001", &edit).await?;
        took.push(begun.elapsed().as_millis());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    Ok((took.len(), at(50), at(99)))
}

async fn log_and_claims(database: &str) -> anyhow::Result<i64> {
    let db = Db::open(database).await?;
    let sql = "select (select count(*) from change_log) + (select count(*) from claims)";
    let rows = db.query(sql).scalar().await?;
    db.close().await;
    rows.context("a count")
}
