//! What the daemon counts, as Prometheus reads it.

use std::{sync::LazyLock, time::Duration};

use codex_core::panics;
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
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
    metrics::describe_counter!(REQUESTS, "Requests by method, route and status");
    metrics::describe_histogram!(SECONDS, metrics::Unit::Seconds, "Time to answer, by route");
    metrics::describe_counter!(FOREIGN, "Requests with a service token for another service");
    metrics::describe_counter!(panics::COUNTER, "Panics that were contained, by place");
    metrics::describe_counter!(UNSENT, "Log lines that Helm did not take");
    metrics::describe_counter!(REFUSED, "Connections closed because all others were busy");
    handle
});

/// How long times are held one by one.
const UPKEEP: Duration = Duration::from_secs(5);
const REQUESTS: &str = "codex_http_requests_total";
const SECONDS: &str = "codex_http_request_seconds";
const FOREIGN: &str = "codex_foreign_service_tokens_total";
const UNSENT: &str = "codex_log_lines_unsent_total";
const REFUSED: &str = "codex_http_connections_refused_total";

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

/// Everything that was counted, as text.
pub fn text() -> String {
    RECORDER.run_upkeep();
    RECORDER.render()
}
