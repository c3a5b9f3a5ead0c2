//! `cargo demo`: simulated vendors and Core, a gateway that plays Nexus, the real daemon, the real syncs over HTTP.

mod plausible;
mod show;
mod stage;
mod table;

use clap::Parser;
use codex_tests::sim::Size;
use tokio::signal::unix::{SignalKind, signal};

use stage::Stage;

const EXAMPLES: &str = "\
Ports: 8000 the gateway (open this one), 5010 Codex, 5000 Core. One that is taken is replaced by a free one; the output
says which. Everything listens on 127.0.0.1, and all data is in a temporary folder that is removed at the end.

Examples:
  cargo demo                          serve until Ctrl-C
  cargo demo --size M                 500 companies and 40,000 devices
  cargo demo --once                   sync, print the summary, end: exit code 1 when something is missing
  cargo demo --database-url postgresql://codex@localhost/codex";

/// Shows Codex at work on simulated vendors: no account anywhere is needed
#[derive(Debug, Parser)]
#[command(name = "cargo demo", bin_name = "cargo demo", after_help = EXAMPLES)]
struct Demo {
    /// How large the made-up MSP is: tiny, small, S, M or L
    #[arg(long, default_value = "S")]
    size: Size,
    /// End when the syncs are done instead of serving until Ctrl-C
    #[arg(long)]
    once: bool,
    /// Another database than SQLite in a temporary folder, such as postgresql://user@host/name
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let demo = Demo::parse();
    let stage = tokio::select! {
        stage = Stage::start(demo.size, demo.database_url) => stage?,
        stopped = stopped() => return stopped,
    };
    let shown = tokio::select! {
        shown = show::show(&stage, demo.once) => shown,
        stopped = stopped() => {
            println!("\nStopping.");
            stopped
        }
    };
    stage.stop().await;
    shown
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
