//! Tickets: what changed, what is gone, and what was said and worked on each (upstreams 1.5).
//!
//! A list of changed tickets proves no absence: a ticket is gone when the vendor says so in its views of
//! deleted tickets and spam, or by its id.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::{
    ById, MAIN, NAME, Settings,
    client::{Client, List},
    ticket_map,
};
use crate::{
    Result,
    ids::TicketId,
    jobs::ScopeResult,
    sync::{
        Gate, Incoming, ItemError, Part, Run, Source, UpstreamError, Work, crawl::Crawl,
        crawl::Lister as _,
    },
    tickets::{
        Ticket,
        threads::{self, Details, Stale},
    },
};

/// Name of the source's ticket runs; its claims are those of [`NAME`].
const RUNS: &str = "freshservice.tickets";
/// The cursor of changed tickets.
const CHANGED: &str = "tickets.changed";
/// How far a run goes back behind the cursor: the vendor's index lags, and seconds repeat (traps 6, 7).
const OVERLAP: Duration = Duration::minutes(10);
/// Tickets whose details are asked for at once.
const AT_ONCE: usize = 6;
/// Tickets whose details are written in one transaction.
const BATCH: usize = 20;
/// A view holds the first ten conversations only (trap 26).
const IN_VIEW: usize = 10;

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

    fn pull<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(pull(self, run))
    }
}

async fn pull(source: &Tickets, run: &mut Run) -> Result<()> {
    let gate = Gate::new(run.db().clone(), NAME);
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
    let since = cursor.map_or(first, |at| at - OVERLAP);
    run.stage("changed tickets", Some(2));
    let (newest, whole) = changed(run, &client, since).await?;
    for (view, percent) in [("deleted", 20), ("spam", 25)] {
        run.stage(format!("{view} tickets"), Some(percent));
        gone(run, &client, since, view).await?;
    }
    if source.depth == Depth::Detail {
        run.stage("conversations and time entries", Some(30));
        details(run, &client, since).await?;
    }
    // An item that could not be read is asked for again: the list begins where it began.
    if let Some(newest) = newest.filter(|newest| whole && Some(*newest) > cursor) {
        run.set_cursor(CHANGED, newest).await?;
    }
    run.calls(client.calls());
    run.stage("done", Some(100));
    Ok(())
}

/// Takes the tickets that changed since a moment; gives the newest change, by the vendor's clock, and
/// whether every item could be read.
async fn changed(
    run: &mut Run,
    client: &Arc<Client>,
    since: DateTime<Utc>,
) -> Result<(Option<DateTime<Utc>>, bool)> {
    let mut newest = None;
    let mut crawl = Crawl::start(client, List::Tickets(since, None));
    while let Some(items) = crawl.next(run).await? {
        let (unreadable, page_newest) = take(run, &items).await?;
        crawl.unreadable += unreadable;
        newest = newest.max(page_newest);
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
    Ok((newest, unreadable == 0))
}

/// Takes tickets in any shape. One that is flagged deleted or spam is gone by the vendor's word.
pub(super) async fn take(run: &mut Run, items: &[Value]) -> Result<(usize, Option<DateTime<Utc>>)> {
    let (gone, live): (Vec<&Value>, Vec<&Value>) =
        items.iter().partition(|item| ticket_map::gone(item));
    let mapped: Vec<Result<Incoming<Ticket>, ItemError>> =
        live.into_iter().map(ticket_map::ticket).collect();
    let read = mapped.iter().filter_map(|item| item.as_ref().ok());
    let newest = read.filter_map(|item| item.source_updated_at).max();
    let unreadable = run.page::<Ticket>(MAIN, mapped).await?;
    run.retire::<Ticket>(&ids(gone)).await?;
    Ok((unreadable, newest))
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

/// Reads conversations and time entries of tickets changed since a moment whose details are older.
pub(super) async fn details(
    run: &mut Run,
    client: &Arc<Client>,
    since: DateTime<Utc>,
) -> Result<()> {
    let mut before = None;
    let mut lost = Vec::new();
    loop {
        let page = threads::stale(run.db(), NAME, since, before).await?;
        let Some(last) = page.last() else { break };
        before = Some(*last);
        let mut answers = stream::iter(page)
            .map(|ticket| {
                let client = client.clone();
                async move { (ticket, ask(&client, ticket).await) }
            })
            .buffered(AT_ONCE)
            .chunks(BATCH);
        while let Some(answers) = answers.next().await {
            run.calls(client.calls());
            lost.extend(write(run, answers).await?);
        }
    }
    let directory = ById {
        client,
        list: List::Tickets(since, None),
        map: ticket_map::ticket,
    };
    run.ask::<Ticket>(&lost, &directory).await
}

/// What the vendor has of one ticket.
struct Whole {
    view: Value,
    conversations: Vec<Value>,
    entries: Vec<Value>,
}

/// `None` when there is no such ticket.
async fn ask(client: &Client, ticket: Stale) -> Result<Option<Whole>, UpstreamError> {
    let id = ticket.external_id;
    let list = List::Tickets(DateTime::UNIX_EPOCH, None);
    let Some(view) = client.one(list, &id.to_string()).await? else {
        return Ok(None);
    };
    let entries = client.whole(List::TimeEntries(id)).await?;
    let first = view["conversations"].as_array().cloned();
    let conversations = match first {
        Some(all) if all.len() < IN_VIEW => all,
        _ => client.whole(List::Conversations(id)).await?,
    };
    Ok(Some(Whole {
        view,
        conversations,
        entries,
    }))
}

/// Writes the details of some tickets; gives the ids of those that were not there.
async fn write(
    run: &mut Run,
    answers: Vec<(Stale, Result<Option<Whole>, UpstreamError>)>,
) -> Result<Vec<String>> {
    let (mut lost, mut views, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for (ticket, answer) in answers {
        match answer {
            Ok(Some(whole)) => {
                match details_of(ticket, &whole) {
                    Ok(details) => all.push(details),
                    Err(error) => run.issue(error.to_string()),
                }
                views.push(whole.view);
            }
            Ok(None) => lost.push(ticket.external_id.to_string()),
            Err(error) if error.stops_everything() => return Err(error.into()),
            Err(error) => run.issue(format!(
                "ticket {}: its details could not be read ({error})",
                ticket.external_id
            )),
        }
    }
    take(run, &views).await?;
    let now = run.clock().now();
    let mut tx = run.begin().await?;
    threads::replace(&mut tx, NAME, now, &all).await?;
    run.end(tx).await?;
    Ok(lost)
}

fn details_of(ticket: Stale, whole: &Whole) -> Result<Details, ItemError> {
    let id = TicketId(ticket.id);
    let conversations = whole.conversations.iter();
    let entries = whole.entries.iter();
    // The change that the view shows; what comes later is read later.
    let shown = ticket_map::ticket(&whole.view)?.source_updated_at;
    // A vendor's list may hold an item twice, and one statement may not touch a row twice.
    let mut seen = HashSet::new();
    let conversations: Vec<_> = conversations
        .map(|item| ticket_map::conversation(id, item))
        .collect::<Result<_, _>>()?;
    let conversations = conversations
        .into_iter()
        .filter(|item| seen.insert(("said", item.external_id)));
    let conversations = conversations.collect();
    let entries: Vec<_> = entries
        .map(|item| ticket_map::time_entry(id, item))
        .collect::<Result<_, _>>()?;
    let entries = entries
        .into_iter()
        .filter(|item| seen.insert(("worked", Some(item.external_id))));
    Ok(Details {
        ticket: ticket.id,
        of: shown.unwrap_or_default(),
        conversations,
        entries: entries.collect(),
    })
}
