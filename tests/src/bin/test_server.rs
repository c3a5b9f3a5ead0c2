//! Runs a command beside a daemon with data: `CODEX_URL` is where it is, `CODEX_TOKEN` an administrator's token, and
//! `CORE_SERVICE_URL` the Core whose tokens it verifies.
//!
//! `cargo run -p codex-tests --bin test_server -- schemathesis run openapi/codex.json --url "$CODEX_URL"`

use std::process::ExitCode;

use anyhow::Context as _;
use codex_client::{Client, TokenSource};
use codex_tests::{
    harness::{app::TestApp, database},
    sim::world,
};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().context("which command?")?;
    let database = database::TestDatabase::on(database::sqlite()?).await?;
    let app = TestApp::with(database, &[("server.calls_per_minute", "0")]).await?;
    app.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets", "/sync/agents"])
        .await?;
    let token = app.core.user_token("admin", "admin@msp.example");
    let client = Client::new(&app.url(), TokenSource::fixed(token.clone()))?;
    client.billing().import(&world::plans()).await?;
    let status = tokio::process::Command::new(program)
        .args(words)
        .env("CODEX_URL", app.url())
        .env("CODEX_TOKEN", token)
        .env("CORE_SERVICE_URL", app.core.url())
        .status()
        .await?;
    Ok(ExitCode::from(
        u8::try_from(status.code().unwrap_or(1)).unwrap_or(1),
    ))
}
