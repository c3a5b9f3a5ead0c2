//! One run of one source: what it stands on and what it reports. It takes pages in `pages.rs` and makes its transactions
//! in `write.rs`.

mod pages;
mod write;

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

pub(crate) use write::{MAX_ROWS, STATEMENTS};

use super::{guard::Guard, lease::Lease, plan::SyncPlan};
use crate::{
    clock::SharedClock,
    duplicates::Matching,
    jobs::{Counts, JobReport, ScopeResult},
    records::{Author, ItemError, Resource, WriteSummary, resolve::Precedence},
    store::Db,
    sync::{RateLimitBlock, Request},
};

/// The most issues kept on a job.
const MAX_ISSUES: usize = 100;
/// The longest issue, in characters: some quote what a vendor sends as an id or a name, and every page writes them.
const LONGEST_ISSUE: usize = 1_000;
/// After how many new records the database first looks at its tables again; then each time four times as many.
const GROWTH: u64 = 1_000;

/// What every run stands on.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub db: Db,
    pub clock: SharedClock,
    pub precedence: Precedence,
    pub guard: Guard,
    pub matching: Matching,
}

/// A run of a source.
#[derive(Debug)]
pub struct Run {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) precedence: Precedence,
    pub(crate) guard: Guard,
    pub(crate) matching: Matching,
    pub(crate) source: &'static str,
    pub(crate) job_id: String,
    pub(crate) started: DateTime<Utc>,
    /// `None` in a dry run, which writes nothing.
    pub(crate) lease: Option<Lease>,
    pub(crate) plan: SyncPlan,
    pub(crate) report: JobReport,
    pub(crate) cancel: CancellationToken,
    created: u64,
    look_again_at: u64,
    seen: HashMap<(&'static str, String), HashSet<u64>>,
    /// What has arrived of each kind, in whichever scope: counted once, however often it is read.
    arrived: HashMap<&'static str, HashSet<u64>>,
    /// Members of each kind that could not be read; the first of each is reported with its item.
    unread: HashSet<(&'static str, String)>,
    /// An item of each kind that the source has just shown: known to be there.
    probes: HashMap<&'static str, String>,
    since: Option<DateTime<Utc>>,
    scopes: Vec<String>,
    /// Gates of the accounts that are called.
    gates: Vec<RateLimitBlock>,
}

impl Run {
    pub(crate) fn new(
        context: Context,
        source: &'static str,
        job_id: String,
        lease: Option<Lease>,
        cancel: CancellationToken,
    ) -> Self {
        let Context {
            db,
            clock,
            precedence,
            guard,
            matching,
        } = context;
        Self {
            started: clock.now(),
            db,
            clock,
            precedence,
            guard,
            matching,
            source,
            job_id,
            lease,
            plan: SyncPlan::default(),
            report: JobReport::default(),
            cancel,
            created: 0,
            look_again_at: GROWTH,
            seen: HashMap::new(),
            arrived: HashMap::new(),
            unread: HashSet::new(),
            probes: HashMap::new(),
            since: None,
            scopes: Vec::new(),
            gates: Vec::new(),
        }
    }

    /// The same run for a part of what the source has.
    pub(crate) fn narrowed(self, request: &Request) -> Self {
        Self {
            since: request.since,
            scopes: request.scopes.clone(),
            ..self
        }
    }

    /// The gate of an account that the run calls.
    pub fn rate_limit_block(&mut self, source: &'static str) -> RateLimitBlock {
        let rate_limit_block = RateLimitBlock::new(self.db.clone(), source);
        self.gates.push(rate_limit_block.clone());
        rate_limit_block
    }

    /// Gives back calls that vendors would allow and that were not made.
    pub(crate) async fn leave_accounts(&self) {
        for rate_limit_block in &self.gates {
            if let Err(error) = rate_limit_block.give_back().await {
                // They count for one window more.
                tracing::warn!(
                    error = error.chain(),
                    "Unused calls could not be given back"
                );
            }
        }
    }

    /// Whether a list is to be read.
    pub fn wants(&self, scope: &str) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|wanted| wanted == scope)
    }

    /// Since when changes are asked for, when somebody said so.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// The database, for reading.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Name of the source.
    pub(crate) fn source_name(&self) -> &'static str {
        self.source
    }

    /// When it began.
    pub(crate) fn started(&self) -> DateTime<Utc> {
        self.started
    }

    /// The clock.
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Whether nothing may be written.
    pub fn dry(&self) -> bool {
        self.lease.is_none()
    }

    /// Whether so many of so many may be missing without a person.
    pub(crate) fn allows(&self, missing: usize, total: usize) -> bool {
        self.guard.allows(missing, total)
    }

    /// Names what the run is doing.
    pub fn stage(&mut self, stage: impl Into<String>, percent: Option<u8>) {
        self.report.stage = stage.into();
        self.report.percent = percent;
    }

    /// Reports something that a person should look at.
    pub fn issue(&mut self, text: impl Into<String>) {
        self.report.issue_count += 1;
        if self.report.issues.len() < MAX_ISSUES {
            self.report.issues.push(cut(text.into()));
        }
    }

    /// Reports an item of a list inside a record that could not be read, and counts it under the list.
    pub(crate) fn unreadable(&mut self, list: &str, error: &ItemError) {
        self.report
            .counts
            .entry(list.to_owned())
            .or_default()
            .failed += 1;
        self.issue(error.to_string());
    }

    /// Says what was done, or would be done, outside Codex.
    pub fn note(&mut self, text: impl Into<String>) {
        if self.report.notes.len() < MAX_ISSUES {
            self.report.notes.push(cut(text.into()));
        }
    }

    /// Notes how many calls have been made to the vendor.
    pub fn calls(&mut self, calls: u64) {
        self.report.calls = calls;
    }

    /// The counts of a kind of record.
    pub fn counts<R: Resource>(&mut self) -> &mut Counts {
        self.report.counts.entry(R::KIND.to_owned()).or_default()
    }

    /// Says how a scope ended; certified narrow scopes are not worth a line on the job.
    pub fn scope(&mut self, name: &str, result: ScopeResult) {
        let narrow = name.contains(':');
        if !(narrow && result.certified && result.reason.is_none()) {
            self.report.scopes.insert(name.to_owned(), result);
        }
    }

    /// How many different items of a scope have arrived.
    pub fn seen<R: Resource>(&self, scope: &str) -> usize {
        self.seen
            .get(&(R::KIND, scope.to_owned()))
            .map_or(0, HashSet::len)
    }

    /// Whether an item has arrived in a scope.
    pub(crate) fn has_seen<R: Resource>(&self, scope: &str, external_id: &str) -> bool {
        let key = (R::KIND, scope.to_owned());
        self.seen
            .get(&key)
            .is_some_and(|seen| seen.contains(&short(external_id)))
    }

    pub(crate) fn set_probe<R: Resource>(&mut self, external_id: Option<String>) {
        match external_id {
            Some(id) => self.probes.insert(R::KIND, id),
            None => self.probes.remove(R::KIND),
        };
    }

    pub(crate) fn probe<R: Resource>(&self) -> Option<&str> {
        self.probes.get(R::KIND).map(String::as_str)
    }

    pub(crate) fn author(&self) -> Author {
        let mut author = Author::new(format!("source:{}", self.source), self.clock.now());
        author.run_id = Some(self.job_id.clone());
        author
    }

    pub(crate) fn tally<R: Resource>(&mut self, summary: WriteSummary) {
        let counts = self.counts::<R>();
        counts.created += summary.created;
        counts.updated += summary.updated;
        counts.unchanged += summary.unchanged;
        counts.restored += summary.restored;
        counts.deleted += summary.deleted;
        for issue in summary.issues {
            self.issue(issue);
        }
    }
}

/// As much of a text as a job keeps.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_ISSUE) {
        text.truncate(end);
    }
    text
}

/// Eight bytes for an id: a collision would only keep a record that is gone.
fn short(external_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    external_id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn issues_are_cut_to_a_readable_length() {
        assert_eq!(cut("ü".repeat(1_000)), "ü".repeat(1_000));
        assert_eq!(cut("ü".repeat(8_000_000)), "ü".repeat(1_000));
    }
}
