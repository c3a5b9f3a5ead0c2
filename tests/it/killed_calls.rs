//! kill -9 of a real codexd in the middle of calls with a key.

use std::{net::TcpListener, time::Duration};

use codex_core::store::Db;
use codex_tests::{
    harness::{
        child::{become_codexd, codexd},
        database::{TestDatabase, setting},
    },
    on_each_engine,
    sim::core::Core,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::process::Child;

/// Kills, unless CODEX_TEST_KILLS says more.
const KILLS: u64 = 5;
/// Rows of a call: four transactions.
const ROWS: usize = 1_000;
const CHILD: &str = "killed_calls::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

struct Daemon {
    child: Child,
    url: String,
    token: String,
    http: Client,
}

impl Daemon {
    async fn start(database: &TestDatabase, core: &Core) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = [
            format!("database.connection_string={}", database.url),
            format!("core.url={}", core.url()),
            format!("server.port={port}"),
        ];
        let mut args = vec!["serve".to_owned()];
        for setting in settings {
            args.extend(["--set".to_owned(), setting]);
        }
        let child = codexd(CHILD, database.folder(), &args)?;
        let url = format!("http://127.0.0.1:{port}");
        let http = Client::builder().timeout(Duration::from_secs(60)).build()?;
        let token = core.key.user("admin", "a@msp.example")?;
        for _ in 0..600 {
            let alive = http.get(format!("{url}/health/live")).send().await;
            if alive.is_ok() {
                return Ok(Self {
                    child,
                    url,
                    token,
                    http,
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the daemon does not listen")
    }

    async fn post(&self, round: u64) -> anyhow::Result<Response> {
        let row = |n| json!({"name": format!("Company {round}-{n}")});
        let rows: Vec<Value> = (0..ROWS).map(row).collect();
        let call = self.http.post(format!("{}/api/companies/bulk", self.url));
        let call = call.bearer_auth(&self.token);
        let call = call.header("idempotency-key", format!("call {round}"));
        Ok(call.json(&rows).send().await?)
    }
}

on_each_engine! {
    async fn killed_call_runs_once_when_it_is_repeated(database: TestDatabase) -> TestResult {
        let core = Core::start().await?;
        let seed = setting("CODEX_TEST_SEED").and_then(|s| s.parse().ok()).unwrap_or(7);
        let kills = setting("CODEX_TEST_KILLS").and_then(|k| k.parse().ok()).unwrap_or(KILLS);
        let (mut random, mut cut) = (StdRng::seed_from_u64(seed), 0);
        for round in 0..kills {
            let mut daemon = Daemon::start(&database, &core).await?;
            let wait_timeout = Duration::from_millis(random.random_range(20..1_000));
            let answered = tokio::time::timeout(wait_timeout, daemon.post(round)).await.is_ok();
            daemon.child.kill().await?;

            let daemon = Daemon::start(&database, &core).await?;
            let db = Db::open(&database.url).await?;
            let count = async || -> anyhow::Result<usize> {
                let sql = "select count(*) from companies";
                Ok(usize::try_from(db.query(sql).scalar::<i64>().await?.unwrap_or_default())?)
            };
            let all = ROWS * usize::try_from(round + 1)?;
            cut += u32::from(count().await? < all);
            let again = daemon.post(round).await?;
            assert_eq!(again.status(), 200, "round {round}");
            assert!(!answered || again.headers().contains_key("idempotency-replayed"));
            let reported: Value = again.json().await?;
            assert_eq!((&reported["created"], &reported["failed"]), (&json!(ROWS), &json!(0)), "round {round}");
            assert_eq!(count().await?, all, "round {round}");
            let third = daemon.post(round).await?;
            assert!(third.headers().contains_key("idempotency-replayed"));
            assert_eq!(third.json::<Value>().await?, reported);
        }
        println!("seed {seed}: {cut} of {kills} calls were cut");
        Ok(())
    }
}
