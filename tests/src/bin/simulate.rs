//! Runs a command with simulated vendors: their addresses and keys are in its environment.
//!
//! `cargo run -p codex-tests --bin simulate -- [--size S] COMMAND...`

use anyhow::Context as _;
use clap::Parser;
use codex_tests::sim::{SharedWorld, Size, World, datto, freshservice, keycloak};

/// Runs a command with simulated Freshservice and Datto accounts and a Keycloak realm.
#[derive(Debug, Parser)]
struct Simulate {
    /// tiny, small, S, M or L
    #[arg(long, default_value = "S")]
    size: Size,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Simulate::parse();
    let world = SharedWorld::new(World::generate(options.size, 7));
    let fresh =
        freshservice::Freshservice::start(world.clone(), freshservice::Options::default()).await?;
    let rmm = datto::Datto::start(world.clone(), datto::Options::default()).await?;
    let users = keycloak::Keycloak::start(world, keycloak::Options::default()).await?;
    let (program, arguments) = options.command.split_first().context("no command")?;
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env("FRESHSERVICE_URL", fresh.url())
        .env("FRESHSERVICE_KEY", freshservice::API_KEY)
        .env("DATTO_URL", rmm.url())
        .env("DATTO_KEY", datto::API_KEY)
        .env("DATTO_SECRET", datto::API_SECRET)
        .env("KEYCLOAK_SERVER_URL", users.url())
        .env("KEYCLOAK_REALM", keycloak::REALM)
        .env("KEYCLOAK_CLIENT_ID", keycloak::CLIENT_ID)
        .env("KEYCLOAK_CLIENT_SECRET", keycloak::CLIENT_SECRET)
        .env("KEYCLOAK_ADMIN_USER", keycloak::ADMIN_USER)
        .env("KEYCLOAK_ADMIN_PASS", keycloak::ADMIN_PASSWORD)
        .status()
        .await
        .with_context(|| format!("cannot run {program}"))?;
    std::process::exit(status.code().unwrap_or(1));
}
