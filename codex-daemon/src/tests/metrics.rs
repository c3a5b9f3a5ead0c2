//! Names of metrics, and who reads them.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::Daemon;
use crate::metrics::{METRICS, MetricType};

/// The rules of <https://prometheus.io/docs/practices/naming/>.
#[test]
fn names_of_metrics_follow_the_conventions() {
    for metric in METRICS {
        let (name, kind) = (metric.name, metric.kind);
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(is_plain(name), "{name}");
        assert!(
            name.starts_with("codex_") || name.starts_with("process_"),
            "{name}"
        );
        assert_eq!(
            name.ends_with("_total"),
            kind == MetricType::Counter,
            "{name}"
        );
        let has_unit = name.ends_with("_seconds") || name.ends_with("_bytes");
        assert!(kind != MetricType::Histogram || has_unit, "{name}");
        for unit in ["_ms", "_milliseconds", "_percent", "_mb", "_kb"] {
            assert!(!name.ends_with(unit), "{name}");
        }
        assert!(
            metric
                .labels
                .iter()
                .all(|label| is_plain(label)
                    && !["le", "quantile", "job", "instance"].contains(label)),
            "{name}"
        );
        assert!(
            !metric.help.ends_with('.') && !metric.help.is_empty(),
            "{name}"
        );
    }
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
}

#[tokio::test]
async fn metrics_have_help_and_type() {
    let daemon = Daemon::start(&[]).await;
    daemon.get("/health/live").await;
    let text = daemon.get("/metrics").await.text().await.unwrap();
    for metric in METRICS {
        let (name, kind) = (metric.name, metric.kind.name());
        let begins = |line: &&str| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ', '_']))
        };
        let values: Vec<&str> = text.lines().filter(begins).collect();
        // Counters of what has not happened are not there.
        if metric.kind == MetricType::Gauge && name != "codex_disk_used_ratio" {
            assert!(!values.is_empty(), "{name} not in {text}");
        }
        if !values.is_empty() {
            let help = format!("# HELP {name} {}", metric.help);
            assert!(text.contains(&help), "{help} not in {text}");
            let kind = format!("# TYPE {name} {kind}");
            assert!(text.contains(&kind), "{kind} not in {text}");
        }
    }
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        let is_declared = METRICS.iter().any(|metric| metric.name == name);
        assert!(is_declared, "{name} is not declared");
    }
}

/// The names of metrics in a query.
fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("codex_") || word.starts_with("process_"))
}

/// Every text under a key, however deep.
fn texts<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if name == key => found.push(text),
                    value => texts(value, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, key, found)),
        _ => {}
    }
}

#[test]
fn dashboard_asks_for_metrics_that_exist() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/grafana.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    assert!(queries.len() >= 10, "{queries:?}");
    let mut asked = BTreeSet::new();
    for query in queries {
        let mut count = 0;
        for name in names(query) {
            count += 1;
            let metric = METRICS.iter().find(|metric| {
                let rest = name.strip_prefix(metric.name);
                match metric.kind {
                    MetricType::Histogram => {
                        rest.is_some_and(|rest| ["_bucket", "_sum", "_count"].contains(&rest))
                    }
                    _ => rest == Some(""),
                }
            });
            let metric = metric.unwrap_or_else(|| panic!("`{name}` of `{query}` does not exist"));
            asked.insert(metric.name);
        }
        assert!(count > 0, "{query}");
    }
    let unasked = METRICS.iter().filter(|one| !asked.contains(one.name));
    let unasked: Vec<&str> = unasked.map(|metric| metric.name).collect();
    assert!(unasked.is_empty(), "the dashboard shows no {unasked:?}");
}
