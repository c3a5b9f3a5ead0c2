//! Spans go through a bounded queue, and a thread of its own sends them in batches. A span that finds the queue full is
//! dropped. So no request and no sync waits for the collector.
//!
//! Only spans are sent, not the log lines inside them, and their fields are names, numbers and ids: no bodies, no queries,
//! no tokens.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::Context as _;
use opentelemetry::{
    KeyValue,
    trace::{SpanKind, Status, TracerProvider as _},
};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter},
};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::config::Config;

/// The most spans that wait.
const QUEUE: usize = 4_096;
/// The most spans of a request.
const BATCH: usize = 512;
/// How long a span waits for others to be sent with.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to wait for an answer of the collector.
const WAIT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the end of the process waits for the last spans.
const LAST: Duration = Duration::from_millis(1_500);

const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const STATUS: &str = "http.response.status_code";

/// Spans on their way to a collector.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans to the collector of the settings from here on; `None` when there is none.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn start(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(collector) = &config.collector else {
            return Ok(None);
        };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(collector.at("v1/traces").url().as_str())
            .with_timeout(WAIT_TIMEOUT)
            .build()
            .context("[telemetry] endpoint: traces cannot be sent there")?;
        let exporter = Exporter {
            inner: exporter,
            is_failing: AtomicBool::new(false),
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(PAUSE)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder()
            .with_service_name(config.auth.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    /// What takes spans from the log.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let layer = tracing_opentelemetry::layer::<S>().with_tracer(self.0.tracer("codexd"));
        let layer = layer
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        layer.with_filter(filter_fn(|metadata| {
            metadata.is_span() && metadata.target().starts_with("codex_")
        }))
    }

    /// Sends what waits, and ends. Blocks for less than 2 seconds.
    pub fn end(self) {
        if self.0.shutdown_with_timeout(LAST).is_err() {
            tracing::warn!("The last traces could not be sent");
        }
    }
}

/// States on the span of a request what it was and how it ended.
pub(crate) fn answered(method: &str, route: &str, status: u16) {
    let span = Span::current();
    span.set_attribute(METHOD, method.to_owned());
    span.set_attribute(ROUTE, route.to_owned());
    span.set_attribute(STATUS, i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(""));
    }
}

/// Sends batches, and says once when the collector does not accept them.
#[derive(Debug)]
struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    is_failing: AtomicBool,
}

impl SpanExporter for Exporter {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(follow_conventions);
        let sent = self.inner.export(batch).await;
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !was_failing => {
                tracing::warn!(%error, "The collector does not accept traces; they are dropped");
            }
            Ok(()) if was_failing => tracing::info!("The collector accepts traces again"),
            _ => {}
        }
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Sets name and kind as OpenTelemetry's conventions want them. As fields of the spans they would be in every log line.
fn follow_conventions(span: &mut SpanData) {
    match &*span.name {
        "request" => {
            span.span_kind = SpanKind::Server;
            let text = |key: &str| {
                let mut all = span.attributes.iter();
                all.find(|one| one.key.as_str() == key)
                    .map(|one| one.value.to_string())
            };
            if let (Some(method), Some(route)) = (text(METHOD), text(ROUTE)) {
                span.name = format!("{method} {route}").into();
            }
        }
        "vendor_call" => span.span_kind = SpanKind::Client,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
        thread,
        time::Instant,
    };

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::config::Sources;

    fn traces(listener: &TcpListener) -> Traces {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let sources = Sources::new(folder.path()).set("telemetry.endpoint", &endpoint);
        let config = Config::load(&sources).unwrap();
        Traces::start(&config).unwrap().unwrap()
    }

    /// Answers a request like `GET /api/companies`.
    fn answer_one(traces: &Traces) {
        let subscriber = tracing_subscriber::registry().with(traces.layer());
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", correlation_id = "abc-123");
            let _inside = span.enter();
            tracing::info!("a line with hunter2");
            answered("GET", "/api/companies", 503);
        });
    }

    /// Reads a request with its body.
    fn request(mut stream: &TcpStream) -> Vec<u8> {
        let (mut read, mut part) = (Vec::new(), [0; 4_096]);
        loop {
            let count = stream.read(&mut part).unwrap();
            assert!(count > 0, "the request ends early");
            read.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
            let Some((head, _)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().trim().parse().unwrap();
            if read.len() >= head.len() + 4 + length {
                return read;
            }
        }
    }

    #[tokio::test]
    async fn spans_are_sent_at_the_end_without_log_lines() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let traces = traces(&listener);
        let collector = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let sent = request(&stream);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).unwrap();
            sent
        });
        answer_one(&traces);
        traces.end();
        let sent = String::from_utf8_lossy(&collector.join().unwrap()).into_owned();
        assert!(sent.starts_with("POST /v1/traces "), "{sent}");
        for part in ["GET /api/companies", "abc-123", ROUTE, "service.version"] {
            assert!(sent.contains(part), "{part}: {sent}");
        }
        assert!(!sent.contains("hunter2"), "{sent}");
    }

    #[tokio::test]
    async fn silent_collector_delays_the_end_by_less_than_two_seconds() {
        // It accepts connections, as the system does for it, and never answers.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let traces = traces(&listener);
        answer_one(&traces);
        let start = Instant::now();
        traces.end();
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn full_queue_drops_spans() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let traces = traces(&listener);
        let start = Instant::now();
        let subscriber = tracing_subscriber::registry().with(traces.layer());
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 * QUEUE {
                drop(tracing::info_span!("request"));
            }
        });
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
        traces.end();
    }
}
