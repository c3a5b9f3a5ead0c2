//! How well the daemon is: database, disk, Core (contract 1.2.A).
//!
//! Helm waits two seconds for the answer, so every check has a limit below that and all run at once.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use codex_core::{Codex, schedule::Entry};
use reqwest::{Client, StatusCode};
use tokio::sync::Mutex;

use crate::config::{self, BaseUrl, Config};

pub use codex_core::health::wire::{
    ChecksOut, DatabaseOut, DependenciesOut, DependencyOut, DiskOut, HealthOut, LateSourceOut,
    SourcesOut, Status,
};

/// The longest that a check may take.
const LIMIT: Duration = Duration::from_millis(1200);
/// The longest wait for an answer of Core, one's own question or another's: a little more than the question takes.
const WAIT_LIMIT: Duration = Duration::from_millis(1400);
/// How long an answer of Core is good for: a page of health checks must not become a load on Core.
const FRESH: Duration = Duration::from_secs(5);

/// By what disks and sources are judged.
#[derive(Debug)]
struct Judged {
    limits: config::Health,
    schedule: Vec<Entry>,
}

impl Judged {
    fn of(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            limits: config.health.clone(),
            schedule: config.scheduler.entries.clone(),
        })
    }
}

/// The checks, with the last answer of Core.
#[derive(Debug)]
pub struct Health {
    core: BaseUrl,
    judged: RwLock<Arc<Judged>>,
    http: Client,
    last: Mutex<Option<(Instant, DependencyOut)>>,
}

/// Whether a path is one of those that say how the daemon is: they are answered whatever else it has to do.
pub fn is_health(path: &str) -> bool {
    path.starts_with("/health") || path == "/api/health"
}

impl Health {
    /// Checks as `config` says.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        Ok(Self {
            core: config.auth.core_url.at("health"),
            judged: Judged::of(config).into(),
            http: Client::builder().timeout(LIMIT).no_proxy().build()?,
            last: Mutex::default(),
        })
    }

    /// The fullest of the disks that are watched.
    pub fn disk(&self) -> DiskOut {
        disk(&self.judged().limits)
    }

    /// Checks as another `config` says from now on; Core's address stays.
    pub fn reconfigure(&self, config: &Config) {
        *self.judged.write().unwrap_or_else(PoisonError::into_inner) = Judged::of(config);
    }

    fn judged(&self) -> Arc<Judged> {
        let judged = self.judged.read();
        judged.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs all checks.
    pub async fn check(&self, codex: &Codex) -> HealthOut {
        let judged = self.judged();
        let (database, core, sources) = tokio::join!(
            database(codex),
            self.core(),
            sources(codex, &judged.schedule)
        );
        let disk = disk(&judged.limits);
        let worst = database.status.max(disk.status);
        let dependency = core.status.min(Status::Degraded);
        let late = sources.as_ref().map_or(Status::Healthy, |s| s.status);
        HealthOut {
            service: "codex".to_owned(),
            status: worst.max(dependency).max(late),
            timestamp: codex.now(),
            checks: ChecksOut {
                database,
                disk,
                dependencies: DependenciesOut { core },
                sources,
            },
        }
    }

    /// How Core is. Whoever waits for the answer to another's question waits no longer than for one's own.
    async fn core(&self) -> DependencyOut {
        let answer = tokio::time::timeout(WAIT_LIMIT, self.kept_answer()).await;
        answer.unwrap_or_else(|_| DependencyOut {
            error: Some("timeout".to_owned()),
            ..unknown()
        })
    }

    /// One question at a time; those who wait get the same answer.
    async fn kept_answer(&self) -> DependencyOut {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.ask_core().await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    async fn ask_core(&self) -> DependencyOut {
        let start = Instant::now();
        let mut out = unknown();
        match self.http.get(self.core.url().clone()).send().await {
            Ok(response) if response.status() == StatusCode::OK => {
                out.status = Status::Healthy;
                out.response_time_ms = Some(milliseconds(start.elapsed()));
            }
            Ok(response) => out.http_status = Some(response.status().as_u16()),
            Err(error) if error.is_timeout() => out.error = Some("timeout".to_owned()),
            Err(error) if error.is_connect() => out.error = Some("connection_refused".to_owned()),
            Err(_) => out.error = Some("no valid answer".to_owned()),
        }
        out
    }
}

/// A Core of which nothing is known.
fn unknown() -> DependencyOut {
    DependencyOut {
        status: Status::Unhealthy,
        response_time_ms: None,
        http_status: None,
        error: None,
    }
}

/// The sources that have not completed for three of their intervals; `None` when there are none, or when they
/// are unknown because the database does not answer.
async fn sources(codex: &Codex, schedule: &[Entry]) -> Option<SourcesOut> {
    let late = tokio::time::timeout(LIMIT, codex.late_sources(schedule));
    let late = late.await.ok()?.ok()?;
    let late: Vec<_> = late
        .into_iter()
        .map(|late| LateSourceOut {
            schedule: late.schedule.to_owned(),
            source: late.source.to_owned(),
            last_completed_at: late.last_completed_at,
        })
        .collect();
    let status = Status::Degraded;
    (!late.is_empty()).then_some(SourcesOut { status, late })
}

/// Whether the database answers in time, and can be written.
pub async fn database(codex: &Codex) -> DatabaseOut {
    let mut out = DatabaseOut {
        status: Status::Unhealthy,
        latency_ms: None,
        engine: codex.db().engine().name().to_owned(),
        error: None,
    };
    match tokio::time::timeout(LIMIT, codex.ping()).await {
        Ok(Ok(health)) => {
            out.status = Status::Healthy;
            out.latency_ms = Some(milliseconds(health.latency));
        }
        Ok(Err(error)) => {
            tracing::error!(error = error.chain(), "The database does not answer");
            out.error = Some(error.to_string());
        }
        Err(_) => out.error = Some("timeout".to_owned()),
    }
    if out.status == Status::Healthy
        && let Some(failure) = write_failure(codex).await
    {
        out.status = Status::Unhealthy;
        out.error = Some(failure);
    }
    out
}

/// Why nothing can be written, if so. A probe that has to wait for its turn to write tells nothing.
async fn write_failure(codex: &Codex) -> Option<String> {
    let failure = tokio::time::timeout(LIMIT, codex.db().write_failure());
    match failure.await {
        Ok(failure) => failure.map(|failure| failure.to_string()),
        Err(_) => Some("writing takes too long".to_owned()),
    }
}

/// The fullest of the disks that are watched.
pub fn disk(limits: &config::Health) -> DiskOut {
    let disks = limits.folders.iter().map(|folder| disk_of(folder, limits));
    disks.reduce(worse).unwrap_or(UNKNOWN)
}

const UNKNOWN: DiskOut = DiskOut {
    status: Status::Healthy,
    usage_percent: None,
    free_gb: None,
    total_gb: None,
    error: None,
};

fn worse(one: DiskOut, other: DiskOut) -> DiskOut {
    let fuller = other.usage_percent.unwrap_or(0.0) > one.usage_percent.unwrap_or(0.0);
    if other.status > one.status || (other.status == one.status && fuller) {
        other
    } else {
        one
    }
}

/// The disk that a folder is on, or will be on when it is made.
fn disk_of(folder: &Path, limits: &config::Health) -> DiskOut {
    let existing = folder.ancestors().find(|folder| folder.exists());
    let existing = existing.filter(|folder| !folder.as_os_str().is_empty());
    match rustix::fs::statvfs(existing.unwrap_or(Path::new("."))) {
        Ok(disk) => {
            let usable = disk.f_blocks - disk.f_bfree + disk.f_bavail;
            let usage = 100.0 * (1.0 - ratio(disk.f_bavail, usable));
            let gib = |blocks: u64| rounded(ratio(blocks * disk.f_frsize, 1 << 30), 2);
            DiskOut {
                status: disk_status(usage, limits),
                usage_percent: Some(rounded(usage, 1)),
                free_gb: Some(gib(disk.f_bavail)),
                total_gb: Some(gib(disk.f_blocks)),
                error: None,
            }
        }
        Err(error) => DiskOut {
            status: Status::Unhealthy,
            usage_percent: None,
            free_gb: None,
            total_gb: None,
            error: Some(error.to_string()),
        },
    }
}

fn disk_status(usage_percent: f64, limits: &config::Health) -> Status {
    if usage_percent >= f64::from(limits.disk_unhealthy) {
        Status::Unhealthy
    } else if usage_percent >= f64::from(limits.disk_degraded) {
        Status::Degraded
    } else {
        Status::Healthy
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown with two decimals at most"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

fn rounded(number: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (number * scale).round() / scale
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disk_use_is_judged_as_in_the_contract() {
        let limits = config::Health {
            disk_degraded: 85,
            disk_unhealthy: 95,
            folders: vec!["no/such/folder/yet".into(), "/".into()],
        };
        assert_eq!(disk_status(84.9, &limits), Status::Healthy);
        assert_eq!(disk_status(85.0, &limits), Status::Degraded);
        assert_eq!(disk_status(95.0, &limits), Status::Unhealthy);
        let now = disk(&limits);
        assert!(
            now.total_gb.unwrap() > 0.0 && now.free_gb <= now.total_gb,
            "{now:?}"
        );
    }

    #[test]
    fn the_fullest_disk_counts() {
        let used = |status, usage| DiskOut {
            status,
            usage_percent: Some(usage),
            ..UNKNOWN
        };
        let half = || used(Status::Healthy, 50.0);
        for (disks, fullest) in [
            ([half(), used(Status::Healthy, 60.0)], 60.0),
            ([half(), used(Status::Healthy, 40.0)], 50.0),
            ([used(Status::Degraded, 86.0), half()], 86.0),
            ([half(), used(Status::Unhealthy, 96.0)], 96.0),
        ] {
            let found = disks.into_iter().reduce(worse).unwrap();
            assert_eq!(found.usage_percent, Some(fullest));
        }
    }
}
