//! `codexd serve`

use std::net::IpAddr;

use anyhow::Context as _;

use crate::{
    app,
    config::{Config, Sources, masked_url},
    logging, server,
};

const EXAMPLES: &str = "\
Examples:
  codexd serve
  codexd serve --port 0                  any free port; the address is printed
  codexd serve --set logging.json=false  log lines for people

SIGTERM or Ctrl-C stops accepting at once and lets requests in flight end.";

/// Serve the API until stopped
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Address to listen on
    #[arg(long, value_name = "IP")]
    bind: Option<IpAddr>,
    /// Port to listen on; 0 takes any free one
    #[arg(long)]
    port: Option<u16>,
}

impl Serve {
    pub(super) async fn run(self, mut sources: Sources) -> anyhow::Result<()> {
        let flag = |name: &str, value: String| (name.to_owned(), value);
        sources
            .flags
            .extend(self.bind.map(|ip| flag("server.bind", ip.to_string())));
        sources
            .flags
            .extend(self.port.map(|port| flag("server.port", port.to_string())));
        let config = Config::load(&sources).context("the configuration cannot be used")?;
        logging::start(&config.logging);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        // The port first: whether it is free is known at once, the database may take a while.
        let listener = server::bind(&config.server).await?;
        let codex = app::open(&config, true)
            .await
            .with_context(|| refused(&config))?;
        let schedule = config.scheduler.clone();
        let running = app::start_on(listener, config, codex.clone())?;
        let scheduler = {
            let codex = codex.clone();
            let work = async move {
                codex
                    .keep_schedule(schedule.entries, schedule.at_once)
                    .await;
            };
            tokio::spawn(work)
        };
        let sender = {
            let codex = codex.clone();
            tokio::spawn(async move { codex.keep_outbox().await })
        };
        println!("codexd listens on {}", running.url());
        tracing::info!(address = %running.addr(), "codexd listens on {}", running.url());
        super::stop_signal().await?;
        tracing::info!("Stopping");
        running.shutdown().await;
        codex.close().await;
        scheduler.await.context("the scheduler ended in disorder")?;
        sender.await.context("the outbox ended in disorder")?;
        Ok(())
    }
}

/// What to look at when the database cannot be opened.
pub(super) fn refused(config: &Config) -> String {
    use secrecy::ExposeSecret as _;
    let url = masked_url(config.database.url.expose_secret());
    format!("cannot open {url} ([database] connection_string; `codexd init` sets it)")
}
