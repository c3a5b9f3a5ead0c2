//! One run of one source: takes its pages, keeps count, keeps the lease.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{
    lease::Lease,
    plan::SyncPlan,
    step::{Step, checked},
};
use crate::{
    Error, Result,
    clock::SharedClock,
    duplicates::Matching,
    jobs::{self, Counts, JobReport, ScopeResult},
    kinds::by_kind,
    plural::{agree, count_of},
    records::{
        Author, ItemError, Outcome, Resource, SourceRecord, Unread,
        claims::{ClaimSource, Statement},
        resolve::Precedence,
        writer::RecordWriter,
    },
    store::{Db, Tx},
    sync::{RateLimitBlock, Request},
};

/// The most drifted rows that an error names.
const MAX_DRIFT: usize = 20;
/// The most issues kept on a job.
const MAX_ISSUES: usize = 100;
/// The longest issue, in characters: some quote what a vendor sends as an id or a name, and every page writes them.
const LONGEST_ISSUE: usize = 1_000;
/// Background transactions stay small, so that an interactive write waits little (design 5).
pub(crate) const MAX_ROWS: usize = 250;
/// How often a page is tried again when two transactions collided.
const TRIES: u32 = 4;

/// After how many new records the database first looks at its tables again; then each time four times as many.
const GROWTH: u64 = 1_000;

sql! {
    /// Lets the planner know what has grown: `PostgreSQL` plans look-ups of claims by what it last
    /// saw, which in a first run is an empty table, and reads all of it each time until autovacuum comes by.
    /// `SQLite` decides for itself.
    LOOK_AGAIN = {
        sqlite: "pragma optimize",
        pg: "analyze claims, companies, contacts, contact_companies, assets, asset_status, site_links, \
             tickets, ticket_details, conversations, time_entries, agents, search_names",
    };
    /// Where an incremental pull goes on.
    CURSOR = "select at from sync_cursors where source = $1 and name = $2";
    /// Moves a cursor.
    SET_CURSOR = "insert into sync_cursors (source, name, at) values ($1, $2, $3) \
        on conflict (source, name) do update set at = excluded.at where sync_cursors.at <> excluded.at";
}

/// How deletions are guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// More than this percentage of a scope at once is held for a person.
    pub max_delete_percent: u8,
    /// This many are always allowed.
    pub min_delete: usize,
    /// How many missing records are asked for by id in one run.
    pub max_asked: usize,
    /// How many days a held deletion waits for a person.
    pub hold_days: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_delete_percent: 10,
            min_delete: 5,
            max_asked: 500,
            hold_days: 14,
        }
    }
}

impl Guard {
    /// Whether `missing` of `total` may go without a person.
    pub fn allows(self, missing: usize, total: usize) -> bool {
        missing
            <= self
                .min_delete
                .max(total * usize::from(self.max_delete_percent) / 100)
    }
}

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

    /// Takes a page of mapped items. Unreadable ones are reported and skipped; gives how many those were.
    ///
    /// # Errors
    /// [`Error::Sync`] when the run was cancelled or its lease is lost, [`Error::Db`].
    pub async fn page<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: impl IntoIterator<Item = Result<SourceRecord<R>, ItemError>>,
    ) -> Result<usize> {
        let whole = |item| Ok((item?, Vec::new()));
        let (readable, unreadable) = self.readable(origin, items.into_iter().map(whole));
        self.take(origin, readable).await?;
        Ok(unreadable)
    }

    /// As [`Run::page`], for items that come together with what parts of the source state about them:
    /// one resolution, one entry in the log.
    pub async fn page_with_parts<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: impl IntoIterator<Item = Result<WithParts<R>, ItemError>>,
    ) -> Result<usize> {
        let (readable, unreadable) = self.readable(origin, items);
        self.take(origin, readable).await?;
        Ok(unreadable)
    }

    /// Sorts out what could not be read, and notes what has arrived.
    fn readable<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: impl IntoIterator<Item = Result<WithParts<R>, ItemError>>,
    ) -> (Vec<WithParts<R>>, usize) {
        let mut readable = Vec::new();
        let mut unreadable = 0;
        for item in items {
            match item.and_then(|(item, parts)| Ok((checked(item)?, parts))) {
                Ok(item) => readable.push(item),
                Err(error) => {
                    unreadable += 1;
                    self.issue(error.to_string());
                }
            }
        }
        self.counts::<R>().failed += unreadable as u64;
        for (item, parts) in &readable {
            self.report_unread(item);
            for (_, part) in parts {
                self.report_unread(part);
            }
        }
        if origin.is_main() {
            for (item, _) in &readable {
                let key = (R::KIND, item.scope.clone());
                self.seen
                    .entry(key)
                    .or_default()
                    .insert(short(&item.external_id));
            }
            if let Some((item, _)) = readable.last() {
                self.probes.insert(R::KIND, item.external_id.clone());
            }
        }
        (readable, unreadable)
    }

    /// Says that a member could not be read: of many items that have it, the first is named.
    fn report_unread<R: Resource>(&mut self, item: &SourceRecord<R>) {
        for Unread { member, reason } in &item.unread {
            if self.unread.insert((R::KIND, member.clone())) {
                self.issue(format!(
                    "{} {}: `{member}` {reason} and is unknown; others like it are only counted",
                    R::KIND,
                    item.external_id
                ));
            } else {
                self.report.issue_count += 1;
            }
        }
    }

    /// Counts items that arrive for the first time; gives how many had arrived before.
    fn count_once<R: Resource>(&mut self, items: &[WithParts<R>]) -> u64 {
        let ids: HashSet<u64> = items
            .iter()
            .map(|(item, _)| short(&item.external_id))
            .collect();
        let arrived = self.arrived.entry(R::KIND).or_default();
        let before = arrived.len();
        let in_page = ids.len();
        arrived.extend(ids);
        let new = arrived.len() - before;
        self.counts::<R>().seen += new as u64;
        (in_page - new) as u64
    }

    async fn take<R: Resource>(
        &mut self,
        origin: ClaimSource,
        items: Vec<WithParts<R>>,
    ) -> Result<()> {
        let mut rest = items;
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(MAX_ROWS));
            let chunk = std::mem::replace(&mut rest, later);
            let again = if origin.is_main() {
                self.count_once(&chunk)
            } else {
                0
            };
            let statements = chunk
                .into_iter()
                .flat_map(|(item, parts)| std::iter::once((origin, item)).chain(parts));
            self.write::<R>(Step::Apply(statements.collect())).await?;
            // What was read again is unchanged, or has changed since: either way it is counted already.
            let counts = self.counts::<R>();
            counts.unchanged = counts.unchanged.saturating_sub(again);
        }
        Ok(())
    }

    /// Retires what the source has confirmed to be gone.
    pub async fn retire<R: Resource>(&mut self, external_ids: &[String]) -> Result<()> {
        for chunk in external_ids.chunks(MAX_ROWS) {
            self.write::<R>(Step::Retire(chunk.to_vec())).await?;
        }
        Ok(())
    }

    /// Resolves records again.
    pub(crate) async fn refresh<R: Resource>(&mut self, ids: &[i64]) -> Result<()> {
        for chunk in ids.chunks(MAX_ROWS) {
            self.write::<R>(Step::Refresh(chunk.to_vec())).await?;
        }
        Ok(())
    }

    /// Keeps records no longer that people made and the source does not have.
    pub(crate) async fn release_records<R: Resource>(&mut self, ids: &[i64]) -> Result<()> {
        for chunk in ids.chunks(MAX_ROWS) {
            self.write::<R>(Step::ReleaseRecords(chunk.to_vec()))
                .await?;
        }
        Ok(())
    }

    /// Where an incremental pull goes on; `None` before the first.
    pub async fn cursor(&self, name: &str) -> Result<Option<DateTime<Utc>>> {
        let q = self.db.query(CURSOR).bind(self.source).bind(name);
        q.scalar().await
    }

    /// Moves a cursor, once everything before it is written.
    pub async fn set_cursor(&mut self, name: &str, at: DateTime<Utc>) -> Result<()> {
        let mut tx = self.begin().await?;
        let q = tx.query(SET_CURSOR).bind(self.source).bind(name);
        q.bind(at).execute().await?;
        self.end(tx).await
    }

    /// One transaction through the door: fence, work, progress; rolled back in a dry run.
    pub(crate) async fn write<R: Resource>(&mut self, step: Step<R>) -> Result<()> {
        let author = Author {
            reason: step.reason(),
            ..self.author()
        };
        let mut outcome = None;
        for attempt in 1..=TRIES {
            let mut tx = self.begin().await?;
            let mut writer = RecordWriter {
                tx: &mut tx,
                author: &author,
                precedence: &self.precedence,
            };
            match step.take(&mut writer, self.source).await {
                Ok(done) => {
                    self.end(tx).await?;
                    outcome = Some(done);
                    break;
                }
                Err(error) if attempt < TRIES && error.is_in_the_way() => tx.rollback().await?,
                Err(error) => return Err(error),
            }
        }
        if let Some(mut outcome) = outcome {
            self.created += outcome.created;
            let changes = std::mem::take(&mut outcome.changes);
            if self.dry() {
                self.plan.note(&step, changes);
            }
            self.tally::<R>(outcome);
        }
        self.look_again(self.look_again_at).await
    }

    /// Lets the database look at its tables after a run that has filled them.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        self.look_again(GROWTH).await
    }

    async fn look_again(&mut self, after: u64) -> Result<()> {
        if self.created < after || self.dry() {
            return Ok(());
        }
        self.look_again_at = self.created * 4;
        let mut tx = self.begin().await?;
        tx.query(LOOK_AGAIN).execute().await?;
        self.end(tx).await?;
        self.db.renew_readers();
        Ok(())
    }

    /// Begins a transaction that only the holder of the lease can commit.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        if self.cancel.is_cancelled() {
            return Err(Error::Sync {
                message: "the run was cancelled".into(),
            });
        }
        let mut tx = self.db.begin().await?;
        if let Some(lease) = &self.lease {
            lease.check(&mut tx).await?;
        }
        Ok(tx)
    }

    /// Ends a transaction with the progress so far; a dry run discards it.
    pub(crate) async fn end(&self, mut tx: Tx) -> Result<()> {
        if self.dry() {
            return tx.rollback().await;
        }
        jobs::query::progress(&mut tx, &self.job_id, &self.report).await?;
        tx.commit().await
    }

    /// Does what a plan says, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] naming the rows that have changed since it was made.
    pub(crate) async fn replay(&mut self, plan: &SyncPlan, origins: &[ClaimSource]) -> Result<()> {
        let author = Author {
            reason: Some(format!("a plan of {}", plan.made_at)),
            ..self.author()
        };
        self.stage("plan", Some(0));
        let mut tx = self.begin().await?;
        let mut changes = Vec::new();
        for step in &plan.steps {
            let mut writer = RecordWriter {
                tx: &mut tx,
                author: &author,
                precedence: &self.precedence,
            };
            let unknown =
                || Error::invalid("plan", format!("`{}` is no kind of record", step.kind));
            let mut outcome = by_kind!(step.kind.as_str(), R => {
                step.step::<R>(origins)?.take(&mut writer, self.source).await?
            })
            .ok_or_else(unknown)?;
            changes.append(&mut outcome.changes);
            by_kind!(step.kind.as_str(), R => self.tally::<R>(outcome));
        }
        let drifted = plan.drift(&changes);
        if !drifted.is_empty() {
            tx.rollback().await?;
            self.report.counts.clear();
            let told: Vec<_> = drifted.iter().take(MAX_DRIFT).map(String::as_str).collect();
            let (told, count) = (told.join("; "), drifted.len());
            let (rows, have) = (count_of(count, "row"), agree(count, "has", "have"));
            let message = format!("nothing was written, {rows} {have} drifted: {told}");
            return Err(Error::conflict(message));
        }
        self.stage("done", Some(100));
        self.end(tx).await
    }

    pub(crate) fn author(&self) -> Author {
        let mut author = Author::new(format!("source:{}", self.source), self.clock.now());
        author.run_id = Some(self.job_id.clone());
        author
    }

    pub(crate) fn tally<R: Resource>(&mut self, outcome: Outcome) {
        let counts = self.counts::<R>();
        counts.created += outcome.created;
        counts.updated += outcome.updated;
        counts.unchanged += outcome.unchanged;
        counts.restored += outcome.restored;
        counts.deleted += outcome.deleted;
        for issue in outcome.issues {
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

/// An item with what parts of its source state about it.
pub type WithParts<R> = (SourceRecord<R>, Vec<Statement<R>>);

/// Eight bytes for an id: a collision would only keep a record that is gone.
fn short(external_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    external_id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{Guard, cut};

    #[test]
    fn an_issue_is_no_longer_than_people_read() {
        assert_eq!(cut("ü".repeat(1_000)), "ü".repeat(1_000));
        assert_eq!(cut("ü".repeat(8_000_000)), "ü".repeat(1_000));
    }

    #[test]
    fn the_guard_allows_a_tenth_and_always_five() {
        let guard = Guard::default();
        assert!(guard.allows(5, 6));
        assert!(!guard.allows(6, 6));
        assert!(guard.allows(50, 500));
        assert!(!guard.allows(51, 500));
    }
}
