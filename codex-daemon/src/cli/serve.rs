//! `codexd serve`

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use anyhow::{Context as _, bail};
use codex_core::panics;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{UsageError, output};
use crate::{
    app::{self, App},
    config::{Server, Sources},
    http::{
        problem::chain,
        server::{self, BindError},
    },
    logging,
    systemd::Systemd,
    telemetry::{self, Traces},
};

/// How often the settings' file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How long to wait for the answer of the process that uses the port.
const ASK: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  codexd serve
  codexd serve --port 0                  any free port; the address is printed
  codexd serve --set logging.json=true   log lines as JSON on a terminal too

SIGTERM or Ctrl-C stops accepting at once and lets requests in flight end. SIGHUP reads the settings again, as a change of
their file does. Under systemd the daemon reports when it is ready and that it is alive (Type=notify, WatchdogSec=).";

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
    /// Accept tokens of the local issuer on an address that others can reach
    #[arg(long)]
    insecure: bool,
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
        let watched = sources.clone();
        let config = super::load(&sources)?;
        let is_local = config.auth.local_issuer.is_some();
        if is_local && !config.server.bind.is_loopback() && !self.insecure {
            return Err(UsageError::error(format!(
                "[auth] local_issuer is on, and {} can be reached by others: whoever reads \
                 instance/local-issuer.pem could be anybody; bind to 127.0.0.1, turn it off, or add --insecure",
                config.server.bind
            )));
        }
        let traces = Traces::start(&config)?;
        let log_lines = logging::start(&config.logging, traces.as_ref());
        let log_lines = log_lines.map(|lines| lines.start(&config));
        if traces.is_some() && !telemetry::IS_BUILT {
            tracing::warn!(
                "[telemetry] endpoint is set, but this codexd sends no traces: it was built without the feature `otel`"
            );
        }
        if is_local {
            tracing::warn!("Tokens of `codexd token` are accepted ([auth] local_issuer is on)");
        }
        let systemd = Systemd::of(&watched.env);
        let starting = systemd.starting();
        // Before systemd may send SIGHUP: without a handler it would end the process.
        let mut hangup = signal(SignalKind::hangup())?;
        let mut stopped = pin!(super::stop_signal()?);
        // The port first: whether it is free is known at once, the database may take a while.
        let listener = server::bind(&config.server).await;
        if matches!(listener, Err(BindError::InUse { .. })) && is_codex(&config.server).await {
            bail!(
                "Codex is already running on {} port {}; stop it, or choose another port with --port or [server] port",
                config.server.bind,
                config.server.port
            );
        }
        let listener = listener?;
        let codex = tokio::select! {
            codex = super::database::open(&config, true) => codex?,
            _ = &mut stopped => return Ok(()),
        };
        if let Some(reason) = codex.unfinished_import().await? {
            codex.close().await;
            bail!("{reason}");
        }
        let schedule = config.scheduler.clone();
        let mut running = app::start_on(listener, config, codex.clone())?;
        let scheduler = {
            let codex = codex.clone();
            let work = async move {
                codex
                    .keep_schedule(schedule.entries, schedule.at_once)
                    .await;
            };
            panics::spawn("scheduler", work)
        };
        let sender = {
            let codex = codex.clone();
            panics::spawn("outbox", async move { codex.keep_outbox().await })
        };
        let dead_jobs = {
            let codex = codex.clone();
            panics::spawn("dead jobs", async move { codex.end_dead_jobs().await })
        };
        let watch = {
            let (app, stop) = (running.app(), CancellationToken::new());
            let work = async move {
                let work = || watch(watched.clone(), app.clone());
                panics::keep_going("settings", &stop, work).await;
            };
            AbortOnDropHandle::new(panics::spawn("settings", work))
        };
        // The daemon serves, whoever reads this.
        output::line(format_args!("codexd listens on {}", running.url())).ok();
        tracing::info!(address = %running.addr(), "codexd listens on {}", running.url());
        drop(starting);
        let serving = format!("READY=1\nSTATUS=Serving on {}", running.url());
        systemd.send(&serving);
        let alive = systemd.alive();
        let app = running.app();
        let broken = loop {
            tokio::select! {
                _ = &mut stopped => break false,
                () = running.broken() => break true,
                Some(()) = hangup.recv() => {
                    systemd.send("RELOADING=1");
                    reload(app.as_ref());
                    systemd.send(&serving);
                }
            }
        };
        tracing::info!("Stopping");
        systemd.send("STOPPING=1");
        drop(watch);
        running.shutdown().await;
        let ending = async {
            codex.close().await;
            scheduler.await?.context("the scheduler failed")?;
            sender.await?.context("the outbox failed")?;
            dead_jobs.await?.context("the watch over jobs failed")
        };
        // Work that does not end in time ends with the process, and its lease expires.
        if let Ok(ended) = tokio::time::timeout(super::STOP, ending).await {
            ended?;
        } else {
            tracing::warn!("Background work did not end in time and was stopped");
        }
        drop(alive);
        if let Some(log_lines) = log_lines {
            log_lines.end().await;
        }
        if let Some(traces) = traces {
            traces.end();
        }
        // Whoever started codexd starts it again.
        anyhow::ensure!(!broken, "the server ended by itself; the log says why");
        Ok(())
    }
}

/// Whether another Codex uses the port.
async fn is_codex(server: &Server) -> bool {
    let address = match server.bind {
        any if any.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        ip => ip,
    };
    let url = format!(
        "http://{}/health/live",
        SocketAddr::new(address, server.port)
    );
    let asked = async {
        let client = reqwest::Client::builder().no_proxy().timeout(ASK).build()?;
        let answer = client.get(url).send().await?;
        answer.json::<serde_json::Value>().await
    };
    asked.await.is_ok_and(|alive| alive["service"] == "codex")
}

/// Reads the settings again as soon as their file changes; see [`App::reload`].
async fn watch(sources: Sources, app: Option<App>) {
    let changed = || {
        let file = std::fs::metadata(sources.conf());
        file.and_then(|file| file.modified()).ok()
    };
    let mut known = changed();
    loop {
        tokio::time::sleep(LOOK).await;
        let now = changed();
        // Editors move a file away before they write it anew.
        if now == known || now.is_none() {
            continue;
        }
        known = now;
        reload(app.as_ref());
    }
}

fn reload(app: Option<&App>) {
    if let Some(Err(error)) = app.map(App::reload) {
        let error = chain(&error);
        tracing::warn!(error, "The settings have changed and cannot be used");
    }
}
