//! What the daemon measures, as Prometheus reads it.
//!
//! [`METRICS`] declares every metric once: the text of `/metrics`, docs/metrics.md and the test of the dashboard are
//! made of it. Counters are counted where something happens; gauges are looked up when somebody reads them.

use std::{sync::LazyLock, time::Duration};

use codex_core::{Scope, jobs::RUN_COUNTER, panics};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::{app::App, health::Status};

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// Rises until the process ends.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Counts values by size.
    Histogram,
}

impl MetricType {
    /// Its word in the text of Prometheus.
    #[cfg(test)]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric: its name ends in its unit, and that of a counter in `_total`.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricType,
    /// Its labels.
    #[cfg_attr(not(test), expect(dead_code, reason = "for docs/metrics.md"))]
    pub labels: &'static [&'static str],
    /// What it counts or measures.
    pub help: &'static str,
}

const fn metric(
    kind: MetricType,
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        help,
    }
}

const REQUESTS: &str = "codex_http_requests_total";
const SECONDS: &str = "codex_http_request_seconds";
const FOREIGN: &str = "codex_foreign_service_tokens_total";
const UNSENT: &str = "codex_log_lines_unsent_total";
const REFUSED: &str = "codex_http_connections_refused_total";
const BUILD: &str = "codex_build_info";
const HEALTHY: &str = "codex_healthy";
const DATABASE_UP: &str = "codex_database_up";
const DATABASE_PING: &str = "codex_database_ping_seconds";
const CORE_UP: &str = "codex_core_up";
const DISK: &str = "codex_disk_used_ratio";
const LATE: &str = "codex_late_syncs";
const OUTBOX: &str = "codex_outbox_pending";
const HOLDS: &str = "codex_held_deletions";
const DUPLICATES: &str = "codex_duplicate_candidates";
const MEMORY: &str = "process_resident_memory_bytes";
const STARTED: &str = "process_start_time_seconds";

/// Every metric.
pub const METRICS: [Metric; 19] = {
    use MetricType::{Counter, Gauge, Histogram};
    [
        metric(
            Counter,
            REQUESTS,
            &["method", "route", "status"],
            "Requests that were answered",
        ),
        metric(Histogram, SECONDS, &["route"], "Time to answer a request"),
        metric(
            Counter,
            REFUSED,
            &[],
            "Connections closed because all others were busy",
        ),
        metric(
            Counter,
            FOREIGN,
            &["caller"],
            "Requests with a service token for another service",
        ),
        metric(
            Counter,
            panics::COUNTER,
            &["place"],
            "Panics that were contained",
        ),
        metric(Counter, UNSENT, &[], "Log lines that Helm did not take"),
        metric(
            Counter,
            RUN_COUNTER,
            &["source", "status"],
            "Syncs that have ended in this process",
        ),
        metric(Gauge, BUILD, &["version"], "1, with the version of codexd"),
        metric(
            Gauge,
            HEALTHY,
            &[],
            "1 while GET /health answers 200, otherwise 0",
        ),
        metric(
            Gauge,
            DATABASE_UP,
            &[],
            "1 while the database answers and can be written, otherwise 0",
        ),
        metric(
            Gauge,
            DATABASE_PING,
            &[],
            "Time of one statement, when it was last asked",
        ),
        metric(
            Gauge,
            CORE_UP,
            &[],
            "1 while HiveMatrix Core answers, otherwise 0",
        ),
        metric(
            Gauge,
            DISK,
            &[],
            "Part of the fullest watched disk that is in use, from 0 to 1",
        ),
        metric(
            Gauge,
            LATE,
            &[],
            "Scheduled syncs that have not completed for three of their intervals",
        ),
        metric(
            Gauge,
            OUTBOX,
            &[],
            "Changes of tickets that have not reached the PSA",
        ),
        metric(Gauge, HOLDS, &[], "Deletions that wait for a decision"),
        metric(
            Gauge,
            DUPLICATES,
            &[],
            "Duplicate candidates that wait for a decision",
        ),
        metric(Gauge, MEMORY, &[], "Memory of the process that is in RAM"),
        metric(
            Gauge,
            STARTED,
            &[],
            "When the process was started, in seconds since 1970",
        ),
    ]
};

/// One recorder for the process: a second daemon in one process, as in tests, counts into the same.
static RECORDER: LazyLock<PrometheusHandle> = LazyLock::new(|| {
    let seconds = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 30.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(SECONDS.into()), &seconds)
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder: PrometheusRecorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("Another recorder of metrics is at work: /metrics stays empty");
    }
    for metric in METRICS {
        let (name, help) = (metric.name, metric.help);
        match metric.kind {
            MetricType::Counter => metrics::describe_counter!(name, help),
            MetricType::Gauge => metrics::describe_gauge!(name, help),
            MetricType::Histogram => metrics::describe_histogram!(name, help),
        }
    }
    handle
});

/// How long times are held one by one.
const UPKEEP: Duration = Duration::from_secs(5);

/// Takes up counting: what other crates count before is lost.
pub fn start() {
    LazyLock::force(&RECORDER);
}

/// Counts an answer; `route` is a template, never a path.
pub fn answered(method: &str, route: &str, status: u16, seconds: f64) {
    start();
    // Anybody may send any method; the counters must not grow with them.
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"].contains(&method);
    let labels = [
        ("method", if known { method } else { "OTHER" }.to_owned()),
        ("route", route.to_owned()),
        ("status", status.to_string()),
    ];
    metrics::counter!(REQUESTS, &labels).increment(1);
    metrics::histogram!(SECONDS, "route" => route.to_owned()).record(seconds);
}

/// Counts a service token that was made for another service.
pub fn foreign_token(caller: &str) {
    start();
    metrics::counter!(FOREIGN, "caller" => caller.to_owned()).increment(1);
}

/// Counts a connection for which there was no place.
pub fn connection_refused() {
    start();
    metrics::counter!(REFUSED).increment(1);
}

/// Counts log lines that Helm did not take.
pub fn lines_unsent(lines: u64) {
    start();
    metrics::counter!(UNSENT).increment(lines);
}

/// Adds what was timed to its histogram again and again: until then every single time is held, and there may be
/// nobody who asks for the text.
pub async fn tidy() {
    loop {
        tokio::time::sleep(UPKEEP).await;
        RECORDER.run_upkeep();
    }
}

/// Looks up what is measured and not counted, with the limits of the health checks.
pub async fn look(app: &App) {
    start();
    let health = app.health().check(app.codex()).await;
    let is = |healthy: bool| if healthy { 1.0 } else { 0.0 };
    let gauge = |name: &'static str, value: f64| metrics::gauge!(name).set(value);
    metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    gauge(HEALTHY, is(health.status == Status::Healthy));
    let checks = &health.checks;
    gauge(DATABASE_UP, is(checks.database.status == Status::Healthy));
    if let Some(milliseconds) = checks.database.latency_ms {
        gauge(DATABASE_PING, seconds(Duration::from_millis(milliseconds)));
    }
    gauge(
        CORE_UP,
        is(checks.dependencies.core.status == Status::Healthy),
    );
    if let Some(percent) = checks.disk.usage_percent {
        gauge(DISK, percent / 100.0);
    }
    let late = checks
        .sources
        .as_ref()
        .map_or(0, |sources| sources.late.len());
    gauge(LATE, number(late));
    let scope = Scope::system();
    let waiting = app.codex().waiting_work(&scope);
    if let Ok(Ok(waiting)) = tokio::time::timeout(Duration::from_secs(1), waiting).await {
        gauge(OUTBOX, number(waiting.outbox));
        gauge(HOLDS, number(waiting.holds));
        gauge(DUPLICATES, number(waiting.duplicates));
    }
    if let Some(bytes) = resident_bytes() {
        gauge(MEMORY, number(bytes));
    }
    gauge(STARTED, number(app.codex().opened_at().timestamp()));
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// A count, as Prometheus has numbers.
fn number(count: impl TryInto<u64>) -> f64 {
    let count: u64 = count.try_into().unwrap_or_default();
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts, bytes and seconds stay below 2^53"
    )]
    let number = count as f64;
    number
}

/// Memory of this process that is in RAM, as the kernel counts it; `None` where there is no `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Everything that was counted and looked up, as text.
pub fn text() -> String {
    RECORDER.run_upkeep();
    RECORDER.render()
}
