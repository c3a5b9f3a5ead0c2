//! Log lines: JSON in the form of today's modules (contract 4.2), or text; to standard error or to Helm.

mod helm;

use std::{
    fmt,
    io::{self, IsTerminal as _},
};

use codex_core::clock::{Clock as _, SystemClock};
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

pub use helm::Lines;

use crate::{config::Logging, telemetry::Traces};

/// Libraries below this say what is of use to their authors.
const LIBRARIES: &str = "warn,codex_core={level},codex_daemon={level}";

/// Whether a stream gets colours: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(crate) fn has_colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Logs from here on, panics too: to standard error, or into the queue for Helm that is returned. Spans go to `traces`,
/// too. Has no effect a second time.
pub fn start(logging: &Logging, traces: Option<&Traces>) -> Option<Lines> {
    let filter = EnvFilter::new(LIBRARIES.replace("{level}", logging.level.as_str()));
    let terminal = io::stderr().is_terminal();
    let is_for_helm = logging.helm.unwrap_or(logging.is_helm_set && !terminal);
    let (queue, lines) = helm::queue();
    let to_helm = is_for_helm.then(|| json_layer(move || queue.clone()));
    // Helm reads standard error of the modules that it started, so a line goes to one of both. A person at a terminal
    // sees all.
    let to_stderr = (!is_for_helm || terminal).then(|| {
        if logging.json.unwrap_or(!terminal) {
            json_layer(io::stderr).boxed()
        } else {
            let text = tracing_subscriber::fmt::layer().with_writer(io::stderr);
            // Those of a closed standard error would be a panic.
            let text = text.log_internal_errors(false);
            text.with_ansi(has_colours(terminal)).boxed()
        }
    });
    let subscriber = tracing_subscriber::registry();
    match subscriber
        .with(to_stderr)
        .with(to_helm)
        .with(traces.map(Traces::layer))
        .with(filter)
        .try_init()
    {
        Ok(()) => codex_core::panics::log_panics(),
        Err(error) => {
            tracing::debug!(%error, "Logging was started before");
            return None;
        }
    }
    is_for_helm.then_some(lines)
}

/// Writes [`JsonLines`].
fn json_layer<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer();
    let layer = layer.fmt_fields(JsonFields::new()).event_format(JsonLines);
    let layer = layer.log_internal_errors(false);
    layer.with_writer(writer)
}

/// One flat JSON object per line: fields of the event beside those of the spans around it.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                && let Ok(Value::Object(fields)) = serde_json::from_str(fields)
            {
                line.0.extend(fields);
            }
        }
        event.record(&mut line);
        let meta = event.metadata();
        let now = SystemClock.now();
        line.put(
            "timestamp",
            now.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        );
        line.put("level", level(*meta.level()));
        line.put("logger", meta.target());
        line.put("module", meta.module_path().unwrap_or_default());
        line.put("line", meta.line());
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

/// Python's names, which Helm filters by.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn log_line_is_a_flat_object_with_the_correlation_id() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", correlation_id = "abc");
            let _inside = span.enter();
            tracing::warn!(duration_ms = 3_u64, "said \"so\"");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["correlation_id"], "abc");
        assert_eq!(line["message"], "said \"so\"");
        assert_eq!(line["level"], "WARNING");
        assert_eq!(line["duration_ms"], 3);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }
}
