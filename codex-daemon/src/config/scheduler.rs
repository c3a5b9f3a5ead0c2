//! `[scheduler]`: which syncs run by themselves, and when.

use chrono::TimeDelta;
use codex_core::{Error, schedule::Entry, sync::SyncKind};

use super::{ConfigError, Layers};

/// What runs by itself.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// Schedules whose vendors are configured.
    pub entries: Vec<Entry>,
    /// Whether each also runs when the daemon starts.
    pub at_once: bool,
}

impl Scheduler {
    /// Words or cron expressions; contract 4.4 has the words. Entries are those of the configured vendors.
    pub(super) fn load(layers: &Layers, psa: bool, rmm: bool) -> Result<Self, ConfigError> {
        let section = layers.section("scheduler");
        let zone = section.text("time_zone");
        let jitter = TimeDelta::seconds(section.number("jitter_seconds")?);
        let mut entries = Vec::new();
        for (name, kind, configured, daily) in [
            ("psa", SyncKind::Psa, psa, "0 2 * * *"),
            ("rmm", SyncKind::Rmm, rmm, "0 3 * * *"),
            ("rmm-audits", SyncKind::RmmAudits, rmm, "30 3 * * *"),
            ("tickets", SyncKind::Tickets, psa, "0 4 * * *"),
        ] {
            let key = format!("sync_{}", name.replace('-', "_"));
            let schedule = format!("{key}_schedule");
            let words = section.text(&schedule);
            let cron = match words.as_str() {
                "hourly" => "0 * * * *",
                "daily" => daily,
                "frequent" => "*/5 * * * *",
                expression => expression,
            };
            let wrong = |error: Error| match error {
                Error::Invalid { field, message } if field == "time_zone" => {
                    section.wrong("time_zone", message)
                }
                Error::Invalid { message, .. } => section.wrong(&schedule, message),
                other => section.wrong(&schedule, other.to_string()),
            };
            let entry = Entry::new(name, kind, cron, &zone, jitter).map_err(wrong)?;
            if section.boolean(&format!("{key}_enabled"))? && configured {
                entries.push(entry);
            }
        }
        Ok(Self {
            entries,
            at_once: section.boolean("sync_run_on_startup")?,
        })
    }
}
