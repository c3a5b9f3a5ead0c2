//! Log lines to Helm, which keeps the log of all modules (consumers 9).
//!
//! Lines go through a bounded queue and are sent in batches. A line that Helm does not accept is written to standard
//! error. So no line is lost, and no caller waits for Helm.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use codex_client::Services;
use codex_core::panics::{self, Panicked};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, metrics};

/// The most lines that wait.
const QUEUE: usize = 10_000;
/// The most lines of a request. Helm accepts 10,000.
const BATCH: usize = 500;
/// How long a line waits for others to be sent with.
const PAUSE: Duration = Duration::from_secs(2);
/// How long to wait for an answer of Helm.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after Helm did not accept lines.
const QUIET: Duration = Duration::from_secs(30);
/// How long the end of the process waits for the last lines.
const LAST: Duration = Duration::from_secs(2);
/// The most characters of a message that Helm keeps.
const MESSAGE: usize = 10_000;
/// The most characters of an id that Helm keeps.
const TRACE_ID: usize = 36;
const HELM: &str = "helm";
const INGEST: &str = "/api/logs/ingest";

/// The end of the queue where lines go in.
#[derive(Debug, Clone)]
pub(super) struct Queue(Sender<Vec<u8>>);

/// Lines on their way to Helm.
#[derive(Debug)]
pub struct Lines {
    queue: Receiver<Vec<u8>>,
    batch: Vec<Vec<u8>>,
    /// The end of the pause after a failure.
    quiet_until: Option<Instant>,
}

/// The task that sends lines.
#[derive(Debug)]
pub struct Sending {
    task: JoinHandle<Result<(), Panicked>>,
    stop: CancellationToken,
}

/// A queue: the end where lines go in, and the one where they come out.
pub(super) fn queue() -> (Queue, Lines) {
    let (sender, queue) = mpsc::channel(QUEUE);
    let lines = Lines {
        queue,
        batch: Vec::new(),
        quiet_until: None,
    };
    (Queue(sender), lines)
}

/// A line per call, as the formatter writes them.
impl io::Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(line.to_vec()).is_err() {
            unsent(&[line]);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Sends lines to the Helm of the settings from here on.
    pub fn start(self, config: &Config) -> Sending {
        let helm = config.helm.url().as_str().to_owned();
        let services = Services::new(
            [(HELM.to_owned(), helm)],
            config.auth.core_url.url().as_str(),
            &config.auth.service_name,
        );
        let service = config.auth.service_name.clone();
        let stop = CancellationToken::new();
        Sending {
            task: panics::spawn("log lines", self.send(services, service, stop.clone())),
            stop,
        }
    }

    async fn send(mut self, services: Services, service: String, stop: CancellationToken) {
        while self.next_batch(&stop).await {
            self.deliver(&services, &service).await;
        }
        while self.queue.recv_many(&mut self.batch, BATCH).await > 0 {
            self.deliver(&services, &service).await;
        }
    }

    /// Waits for lines; `false` at the end.
    async fn next_batch(&mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            count = self.queue.recv_many(&mut self.batch, BATCH) => if count == 0 { return false },
            () = stop.cancelled() => {
                self.queue.close();
                return false;
            }
        }
        let more = async {
            while self.batch.len() < BATCH {
                let room = BATCH - self.batch.len();
                if self.queue.recv_many(&mut self.batch, room).await == 0 {
                    return;
                }
            }
        };
        tokio::select! {
            _ = timeout(PAUSE, more) => {}
            () = stop.cancelled() => {}
        }
        true
    }

    async fn deliver(&mut self, services: &Services, service: &str) {
        if self.quiet_until.is_some_and(|until| Instant::now() < until) {
            self.give_up();
            return;
        }
        let logs: Vec<Value> = self.batch.iter().filter_map(|line| entry(line)).collect();
        let body = json!({"service_name": service, "logs": logs});
        let call = services.call_service_with(Method::POST, HELM, INGEST, Some(&body));
        let error = match timeout(WAIT_TIMEOUT, call).await {
            Ok(Ok(_)) => {
                self.batch.clear();
                if self.quiet_until.take().is_some() {
                    tracing::info!("Helm accepts log lines again");
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if self.quiet_until.is_none() {
            tracing::warn!(
                error,
                "Helm does not accept log lines; they go to standard error"
            );
        }
        self.quiet_until = Some(Instant::now() + QUIET);
        self.give_up();
    }

    fn give_up(&mut self) {
        unsent(&self.batch);
        self.batch.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.queue.close();
        while let Ok(line) = self.queue.try_recv() {
            self.batch.push(line);
        }
        self.give_up();
    }
}

impl Sending {
    /// Sends what waits, and ends. Takes at most 2 seconds.
    pub async fn end(mut self) {
        self.stop.cancel();
        // A request may hang that was begun before: what is left then is written when the task is dropped.
        if timeout(LAST, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = self.task.await;
        }
    }
}

/// Writes lines to standard error.
fn unsent(lines: &[impl AsRef<[u8]>]) {
    if lines.is_empty() {
        return;
    }
    metrics::lines_unsent(lines.len() as u64);
    let mut out = io::stderr().lock();
    for line in lines {
        // If standard error is closed, there is nowhere left to report it.
        let _ = out.write_all(line.as_ref());
    }
}

/// A line in the form that Helm reads; `None` when it is not a JSON object.
fn entry(line: &[u8]) -> Option<Value> {
    let mut fields: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let mut text = |name: &str, most: usize| {
        let text = match fields.remove(name)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Some(text.chars().take(most).collect::<String>())
    };
    let level = text("level", TRACE_ID)?;
    let message = text("message", MESSAGE).unwrap_or_default();
    // The column of Helm has no time zone and holds UTC.
    let timestamp = text("timestamp", TRACE_ID)?
        .trim_end_matches('Z')
        .to_owned();
    let trace_id = text("correlation_id", TRACE_ID);
    Some(json!({
        "level": level,
        "message": message,
        "timestamp": timestamp,
        "trace_id": trace_id,
        "process_id": std::process::id(),
        "context": fields,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_form_of_helm() {
        let line = json!({"timestamp": "2026-05-01T10:00:00.000001Z", "level": "WARNING", "logger": "codex_core",
            "message": "\u{e4}".repeat(MESSAGE + 1), "correlation_id": "c".repeat(40), "duration_ms": 3});
        let entry = entry(line.to_string().as_bytes()).unwrap();
        assert_eq!(entry["level"], "WARNING");
        assert_eq!(entry["timestamp"], "2026-05-01T10:00:00.000001");
        assert_eq!(entry["message"].as_str().unwrap().chars().count(), MESSAGE);
        assert_eq!(entry["trace_id"], "c".repeat(TRACE_ID));
        assert_eq!(
            entry["context"],
            json!({"logger": "codex_core", "duration_ms": 3})
        );
        assert_eq!(super::entry(b"codexd listens"), None);
    }

    #[test]
    fn a_full_queue_blocks_nobody() {
        let (mut queue, mut lines) = queue();
        for _ in 0..QUEUE + 5 {
            queue.write_all(b"{}\n").unwrap();
        }
        assert_eq!(lines.queue.len(), QUEUE);
        while lines.queue.try_recv().is_ok() {}
    }
}
