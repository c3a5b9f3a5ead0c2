//! Runs a command with simulated vendors: their addresses and keys are in its environment.
//!
//! `cargo run -p codex-tests --bin simulate -- [--size S] COMMAND...`

use anyhow::Context as _;
use clap::Parser;
use codex_tests::sim::{SharedWorld, Size, World, datto, freshservice};

/// Runs a command with simulated Freshservice and Datto accounts.
#[derive(Debug, Parser)]
struct Simulate {
    /// tiny, S, M or L
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
    let rmm = datto::Datto::start(world, datto::Options::default()).await?;
    let (program, arguments) = options.command.split_first().context("no command")?;
    let status = tokio::process::Command::new(program)
        .args(arguments)
        .env("FRESHSERVICE_URL", fresh.url())
        .env("FRESHSERVICE_KEY", freshservice::API_KEY)
        .env("DATTO_URL", rmm.url())
        .env("DATTO_KEY", datto::API_KEY)
        .env("DATTO_SECRET", datto::API_SECRET)
        .status()
        .await
        .with_context(|| format!("cannot run {program}"))?;
    std::process::exit(status.code().unwrap_or(1));
}
