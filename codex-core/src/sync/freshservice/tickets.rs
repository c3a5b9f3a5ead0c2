//! Tickets: what changed, what is gone, and what was said and worked on each (upstreams 1.5).
//!
//! A list of changed tickets proves no absence: a ticket is gone when the vendor says so in its views of
//! deleted tickets and spam, or by its id.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use super::{
    MAIN, NAME, Settings,
    client::{Client, List},
    details, ticket_map,
};
use crate::{
    Result, dates,
    jobs::ScopeResult,
    sync::{Incoming, ItemError, Part, Run, Source, Work, crawl::Crawl, crawl::Lister as _},
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
    /// A source that pulls the tickets of the account of `settings`; the first run goes back
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

    fn part(&self) -> Part {
        match self.depth {
            Depth::Light => Part::TicketsLight,
            Depth::Detail => Part::Tickets,
        }
    }

    fn knows_changes(&self) -> bool {
        true
    }

    fn pull<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(pull(self, run))
    }
}

async fn pull(source: &Tickets, run: &mut Run) -> Result<()> {
    let gate = run.gate(NAME);
    let client = Arc::new(Client::new(
        source.settings.clone(),
        gate,
        run.clock().clone(),
    )?);

    run.stage("statuses", Some(0));
    let labels = ticket_map::status_labels(&client.form().await?);
    threads::save_labels(run, NAME, &labels).await?;

    let first = run.clock().now() - Duration::days(i64::from(source.first_days));
    let cursor = run.cursor(CHANGED).await?;
    let due = cursor.map_or(first, |at| at - OVERLAP);
    let since = run.since().unwrap_or(due);
    run.stage("changed tickets", Some(2));
    let (newest, whole, mut lost) = changed(run, &client, since, source.depth).await?;
    for (view, percent) in [("deleted", 80), ("spam", 85)] {
        run.stage(format!("{view} tickets"), Some(percent));
        gone(run, &client, since, view).await?;
    }
    if source.depth == Depth::Detail {
        run.stage("conversations and time entries", Some(90));
        lost.extend(details::stale(run, &client, since).await?);
        details::look_after(run, &client, &lost).await?;
    }
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

/// Takes the tickets that changed since a moment; gives the newest change, by the vendor's clock, whether
/// every item could be read, and the ids of tickets that were listed and then not there.
async fn changed(
    run: &mut Run,
    client: &Arc<Client>,
    since: DateTime<Utc>,
    depth: Depth,
) -> Result<(Option<DateTime<Utc>>, bool, Vec<String>)> {
    let (mut newest, mut lost) = (None, Vec::new());
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
        let items = if depth == Depth::Detail {
            let (done, rest) = details::of_page(run, client, items).await?;
            lost.extend(done);
            rest
        } else {
            items
        };
        crawl.unreadable += take(run, &items).await?;
    }
    let unreadable = crawl.unreadable;
    run.scope(
        "tickets",
        ScopeResult {
            certified: false,
            seen: run.seen::<Ticket>("tickets") as u64,
            reason: (unreadable > 0).then(|| format!("{unreadable} items could not be read")),
        },
    );
    Ok((newest, unreadable == 0, lost))
}

/// Takes tickets in any shape; gives how many could not be read. One that is flagged deleted or spam is
/// gone by the vendor's word.
pub(super) async fn take(run: &mut Run, items: &[Value]) -> Result<usize> {
    let (gone, live): (Vec<&Value>, Vec<&Value>) =
        items.iter().partition(|item| ticket_map::gone(item));
    let mapped: Vec<Result<Incoming<Ticket>, ItemError>> =
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
