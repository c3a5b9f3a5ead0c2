//! Tickets: what changed, what is gone, and what was said and worked on each (vendors 1.5).
//!
//! A list of changed tickets proves no absence: a ticket is gone when the vendor says so in its views of
//! deleted tickets and spam, or by its id.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::{
    MAIN, NAME, Settings,
    client::{Client, List},
    details::{self, Reader},
    ticket_map,
};
use crate::{
    Error, Result, dates,
    jobs::ScopeResult,
    plural::count_of,
    records::{ItemError, SourceRecord},
    sync::{
        Run, Source, SyncKind, Work,
        engine::{
            crawl::{Crawl, Lister as _},
            optional::is_refusal,
        },
    },
    tickets::{Ticket, threads},
};

/// Name of the source's ticket runs; its claims are those of [`NAME`].
const RUNS: &str = "freshservice.tickets";
/// The cursor of changed tickets.
const CHANGED: &str = "tickets.changed";
/// How far a run goes back behind the cursor: the vendor's index lags, and seconds repeat (traps 6, 7).
const OVERLAP: Duration = Duration::minutes(10);
/// How much of tickets is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The lists of changed tickets.
    Light,
    /// And conversations and time entries of those.
    Detail,
}

/// Freshservice's tickets.
#[derive(Debug)]
pub struct Tickets {
    settings: Settings,
    depth: Depth,
    first_days: u32,
}

impl Tickets {
    /// A source that syncs the tickets of the account of `settings`; the first run goes back
    /// `first_days` days.
    pub fn new(settings: Settings, depth: Depth, first_days: u32) -> Self {
        Self {
            settings,
            depth,
            first_days,
        }
    }
}

impl Source for Tickets {
    fn name(&self) -> &'static str {
        RUNS
    }

    fn provider(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        match self.depth {
            Depth::Light => SyncKind::TicketsLight,
            Depth::Detail => SyncKind::Tickets,
        }
    }

    fn knows_changes(&self) -> bool {
        true
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(sync(self, run))
    }
}

async fn sync(source: &Tickets, run: &mut Run) -> Result<()> {
    let client = Client::of_run(&source.settings, run)?;

    run.stage("statuses", Some(0));
    match client.form().await {
        Ok(form) => {
            let mut tx = run.begin().await?;
            threads::save_labels(&mut tx, NAME, &ticket_map::status_labels(&form)).await?;
            run.end(tx).await?;
        }
        // Tickets come without the account's words for statuses, or with those of earlier runs.
        Err(error) if is_refusal(&error) => run.issue(format!(
            "the account's own names of statuses could not be read ({error}); tickets are read without them"
        )),
        Err(error) => return Err(error.into()),
    }
    let mut details = (source.depth == Depth::Detail).then(|| Reader::new(&client));
    if let Some(details) = &mut details {
        run.stage("what earlier runs could not read", Some(1));
        details.read_pending(run).await?;
    }

    let first = run.clock().now() - Duration::days(i64::from(source.first_days));
    let cursor = run.cursor(CHANGED).await?;
    let due = cursor.map_or(first, |at| at - OVERLAP);
    let since = run.since().unwrap_or(due);
    run.stage("changed tickets", Some(2));
    let (newest, whole) = changed(run, &client, since, details.as_mut()).await?;
    for (view, percent) in [("deleted", 80), ("spam", 85)] {
        run.stage(format!("{view} tickets"), Some(percent));
        match gone(run, &client, since, view).await {
            Err(Error::Upstream(error)) if is_refusal(&error) => run.issue(format!(
                "the list of {view} tickets could not be read ({error}); such tickets go when their ids do"
            )),
            done => done?,
        }
    }
    if let Some(details) = &mut details {
        run.stage("conversations and time entries", Some(90));
        details.stale(run, since).await?;
        details.look_after_lost(run).await?;
    }
    details::report_pending(run).await?;
    // An item that could not be read is asked for again: the list begins where it began.
    // A list that begins later than it had to leaves a gap before it.
    let whole = whole && since <= due;
    if let Some(newest) = newest.filter(|newest| whole && Some(*newest) > cursor) {
        run.set_cursor(CHANGED, newest).await?;
    }
    run.calls(client.calls());
    run.stage("done", Some(100));
    Ok(())
}

/// Takes the tickets that changed since a moment; gives the newest change, by the vendor's clock, and whether
/// every item could be read.
async fn changed(
    run: &mut Run,
    client: &Arc<Client>,
    since: DateTime<Utc>,
    mut details: Option<&mut Reader>,
) -> Result<(Option<DateTime<Utc>>, bool)> {
    let mut newest = None;
    let mut crawl = Crawl::start(client, List::Tickets(since, None));
    while let Some(items) = crawl.next(run).await? {
        let mapped = items
            .iter()
            .filter_map(|item| ticket_map::ticket(item).ok());
        let changed = mapped.filter_map(|item| item.source_updated_at);
        // One ticket that is dated years ahead would be the last that is ever read.
        let now = run.clock().now();
        newest = newest.max(changed.filter(|at| dates::has_happened(*at, now)).max());
        // A ticket whose details are read anyway is written once, with them.
        let items = match &mut details {
            Some(details) => details.of_page(run, items).await?,
            None => items,
        };
        crawl.unreadable += take(run, &items).await?;
    }
    let unreadable = crawl.unreadable;
    run.scope(
        "tickets",
        ScopeResult {
            certified: false,
            seen: run.seen::<Ticket>("tickets") as u64,
            reason: (unreadable > 0)
                .then(|| format!("{} could not be read", count_of(unreadable, "item"))),
        },
    );
    Ok((newest, unreadable == 0))
}

/// Takes tickets in any shape; gives how many could not be read. One that is flagged deleted or spam is
/// gone by the vendor's word.
pub(super) async fn take(run: &mut Run, items: &[Value]) -> Result<usize> {
    let (gone, live): (Vec<&Value>, Vec<&Value>) =
        items.iter().partition(|item| ticket_map::gone(item));
    let mapped: Vec<Result<SourceRecord<Ticket>, ItemError>> =
        live.into_iter().map(ticket_map::ticket).collect();
    let unreadable = run.page::<Ticket>(MAIN, mapped).await?;
    run.retire::<Ticket>(&ids(gone)).await?;
    Ok(unreadable)
}

fn ids<'v>(items: impl IntoIterator<Item = &'v Value>) -> Vec<String> {
    let mapped = items.into_iter().map(ticket_map::ticket);
    mapped
        .filter_map(|item| Some(item.ok()?.external_id))
        .collect()
}

/// Retires what is in the vendor's view of deleted tickets or spam.
async fn gone(
    run: &mut Run,
    client: &Arc<Client>,
    since: DateTime<Utc>,
    view: &'static str,
) -> Result<()> {
    let mut crawl = Crawl::start(client, List::Tickets(since, Some(view)));
    while let Some(items) = crawl.next(run).await? {
        // A vendor that ignores the view would list everything: only what says so itself is gone.
        let flagged = items.iter().filter(|item| ticket_map::gone(item));
        run.retire::<Ticket>(&ids(flagged)).await?;
    }
    Ok(())
}
