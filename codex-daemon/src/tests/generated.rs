//! Parts of documents that are made of the code: `UPDATE=1 cargo test -p codex-daemon generated` rewrites them.

use std::{fmt::Write as _, fs, path::Path};

use clap::Command;

use crate::{cli, config::keys, metrics::METRICS};

/// Compares the part of a page with what it should be, or rewrites it.
fn is_current(page: &str, part: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let current = fs::read_to_string(&path).unwrap();
    let begin =
        format!("<!-- {part}, made by `UPDATE=1 cargo test -p codex-daemon generated` -->\n");
    let end = format!("<!-- end of {part} -->");
    let (before, rest) = current.split_once(&begin).expect("the page has a place");
    let (_, after) = rest.split_once(&end).expect("the place has an end");
    let wanted = format!("{before}{begin}\n{text}\n{end}{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let current = fs::read_to_string(&path).unwrap();
    assert!(
        current == wanted,
        "{page} is not current: run with UPDATE=1"
    );
}

/// The help of a command and of those below it.
fn help(command: &mut Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    let shown = command.render_long_help().to_string();
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    writeln!(
        text,
        "## {name}\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    )
    .unwrap();
    let below = command.get_subcommands_mut();
    for command in below.filter(|command| command.get_name() != "help") {
        help(command, text);
    }
}

#[test]
fn generated_help_of_commands_is_current() {
    let mut text = String::new();
    help(&mut cli::command(), &mut text);
    is_current("docs/cli.md", "commands", text.trim_end());
}

#[test]
fn generated_table_of_settings_is_current() {
    let mut text = String::from("| setting | default | values |\n|---|---|---|\n");
    for setting in keys::settings() {
        let default = match setting.default {
            "" => "not set".to_owned(),
            default => format!("`{default}`"),
        };
        let (section, name) = (setting.section, setting.name);
        let restart = if setting.needs_restart {
            "; read at the start"
        } else {
            ""
        };
        writeln!(
            text,
            "| `[{section}] {name}` | {default} | {}{restart} |",
            setting.kind
        )
        .unwrap();
    }
    is_current("docs/configuration.md", "settings", text.trim_end());
}

#[test]
fn generated_table_of_metrics_is_current() {
    let mut text = String::from("| metric | type | labels | value |\n|---|---|---|---|\n");
    for metric in METRICS {
        let labels = metric.labels.iter().map(|label| format!("`{label}`"));
        let labels: Vec<String> = labels.collect();
        let (name, kind) = (metric.name, metric.kind.name());
        writeln!(
            text,
            "| `{name}` | {kind} | {} | {} |",
            labels.join(", "),
            metric.help
        )
        .unwrap();
    }
    is_current("docs/metrics.md", "metrics", text.trim_end());
}
