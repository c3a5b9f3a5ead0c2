//! codexd as a program, for measuring.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::app::vendor_settings;
use crate::sim::{core::Core, datto::Datto, freshservice::Freshservice};

/// codexd as a process of its own; killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub url: String,
    /// How long it took to listen.
    pub ready: Duration,
}

/// The settings of a daemon that syncs from simulators without limits, and only on request.
pub fn settings(database: &str, core: &Core, fresh: &Freshservice, rmm: &Datto) -> Vec<String> {
    let vendors = vendor_settings(fresh, rmm).map(|(name, value)| format!("{name}={value}"));
    let own = [
        format!("database.connection_string={database}"),
        format!("core.url={}", core.url()),
        "scheduler.sync_tickets_enabled=false".to_owned(),
    ];
    vendors.into_iter().chain(own).collect()
}

/// Starts codexd on a free port, and waits until it listens.
///
/// # Errors
/// When it cannot be started or ends early.
pub async fn start(
    codexd: &std::path::Path,
    folder: &std::path::Path,
    settings: &[String],
) -> anyhow::Result<Daemon> {
    let mut command = Command::new(codexd);
    command.args(["serve", "--port", "0"]).current_dir(folder);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    for setting in settings {
        command.args(["--set", setting]);
    }
    let begun = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", codexd.display()))?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let wait = async {
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.strip_prefix("codexd listens on ") {
                return Ok(url.to_owned());
            }
        }
        anyhow::bail!("codexd ended before it listened")
    };
    let url = tokio::time::timeout(Duration::from_secs(60), wait).await??;
    let ready = begun.elapsed();
    // Its further output must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(Daemon { child, url, ready })
}

/// Memory of the daemon in MB, as the kernel counts it.
///
/// # Errors
/// When it has ended.
pub fn rss(daemon: &Daemon, what: &str) -> anyhow::Result<u64> {
    let pid = daemon.child.id().context("codexd has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with(what))
        .context("no such line")?;
    let kilobytes: u64 = line
        .split_whitespace()
        .nth(1)
        .context("no number")?
        .parse()?;
    Ok(kilobytes / 1024)
}
