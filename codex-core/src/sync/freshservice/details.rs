//! What was said and worked on tickets: a few calls a ticket, a few tickets at a time.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use super::{
    ById, NAME,
    client::{Client, List},
    ticket_map, tickets,
};
use crate::{
    Result,
    ids::TicketId,
    panics::{joined, spawn},
    sync::{ItemError, Run, UpstreamError, crawl::Lister as _},
    tickets::{
        Ticket,
        threads::{self, Details},
    },
};

/// Tickets that are asked for at once.
const AT_ONCE: usize = 6;
/// Tickets whose details are written in one transaction.
const BATCH: usize = 20;
/// A view holds the first ten conversations only (trap 26).
const IN_VIEW: usize = 10;
/// The list of single tickets.
pub(super) const TICKETS: List = List::Tickets(DateTime::UNIX_EPOCH, None);

/// A ticket to ask for, with what a list has said of it.
type Wanted = (i64, Option<Value>);

/// What the vendor has of one ticket.
#[derive(Debug)]
pub(super) struct Whole {
    pub view: Value,
    conversations: Vec<Value>,
    entries: Vec<Value>,
}

type Answer = (Wanted, Result<Option<Whole>, UpstreamError>);

/// Reads and writes the tickets of a list's page whose details are older than the tickets. Gives the ids
/// of those that were not there, and the items that are left to be taken as they were listed.
pub(super) async fn of_page(
    run: &mut Run,
    client: &Arc<Client>,
    items: Vec<Value>,
) -> Result<(Vec<String>, Vec<Value>)> {
    let changes: HashMap<i64, DateTime<Utc>> = items
        .iter()
        .filter(|item| !ticket_map::gone(item))
        .filter_map(|item| {
            let ticket = ticket_map::ticket(item).ok()?;
            let id = ticket.external_id.parse().ok()?;
            Some((id, ticket.source_updated_at.unwrap_or_default()))
        })
        .collect();
    let read = threads::details_of(run.db(), NAME, changes.keys().copied()).await?;
    let (mut wanted, mut rest) = (Vec::new(), Vec::new());
    for item in items {
        let id = item["id"].as_i64().filter(|id| {
            let changed = changes.get(id);
            changed.is_some_and(|changed| read.get(id).is_none_or(|read| read < changed))
        });
        match id {
            Some(id) => wanted.push((id, Some(item))),
            None => rest.push(item),
        }
    }
    Ok((read_all(run, client, wanted).await?, rest))
}

/// Reads and writes the tickets changed since a moment whose details are older, whoever has written
/// them. Gives the ids of those that were not there.
pub(super) async fn stale(
    run: &mut Run,
    client: &Arc<Client>,
    since: DateTime<Utc>,
) -> Result<Vec<String>> {
    let (mut before, mut lost) = (None, Vec::new());
    loop {
        let page = threads::stale(run.db(), NAME, since, before).await?;
        let Some(last) = page.last() else {
            return Ok(lost);
        };
        before = Some(*last);
        let wanted = page.iter().map(|ticket| (ticket.external_id, None));
        lost.extend(read_all(run, client, wanted.collect()).await?);
    }
}

/// Asks once more, by the rules of what is missing, for tickets that were not there.
pub(super) async fn look_after(run: &mut Run, client: &Client, lost: &[String]) -> Result<()> {
    let directory = ById {
        client,
        list: TICKETS,
        map: ticket_map::ticket,
    };
    run.ask::<Ticket>(lost, &directory).await
}

async fn read_all(run: &mut Run, client: &Arc<Client>, wanted: Vec<Wanted>) -> Result<Vec<String>> {
    let mut lost = Vec::new();
    // Tasks of their own, so that the next tickets arrive while some are written.
    let mut answers = stream::iter(wanted)
        .map(|wanted| {
            let client = client.clone();
            AbortOnDropHandle::new(spawn("ticket details", async move {
                let answer = ask(&client, wanted.0).await;
                (wanted, answer)
            }))
        })
        .buffered(AT_ONCE)
        .chunks(BATCH);
    while let Some(answers) = answers.next().await {
        run.calls(client.calls());
        let answers = answers
            .into_iter()
            .map(|answer| joined("ticket details", answer));
        let answers = answers.collect::<Result<_, _>>()?;
        lost.extend(write(run, answers).await?);
    }
    Ok(lost)
}

/// `None` when there is no such ticket.
pub(super) async fn ask(client: &Client, id: i64) -> Result<Option<Whole>, UpstreamError> {
    let Some(view) = client.one(TICKETS, &id.to_string()).await? else {
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

/// Writes some tickets with their details; one that could not be viewed as its list has shown it. Gives the
/// ids of those that were not there.
async fn write(run: &mut Run, answers: Vec<Answer>) -> Result<Vec<String>> {
    let (mut lost, mut shown, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for ((id, listed), answer) in answers {
        match answer {
            Ok(Some(found)) => {
                shown.push(found.view.clone());
                whole.push((id, found));
                continue;
            }
            Ok(None) => lost.push(id.to_string()),
            Err(error) if error.stops_everything() => return Err(error.into()),
            Err(error) => run.issue(format!(
                "ticket {id}: its details could not be read ({error})"
            )),
        }
        shown.extend(listed);
    }
    tickets::take(run, &shown).await?;
    let rows = threads::rows(run.db(), NAME, whole.iter().map(|(id, _)| *id)).await?;
    let mut all = Vec::with_capacity(whole.len());
    for (id, found) in whole {
        // A ticket that is gone has no row to write to, and an unreadable one was reported.
        let Some(row) = rows.get(&id) else { continue };
        match details_of(*row, &found) {
            Ok(details) => all.push(details),
            Err(error) => run.issue(format!("ticket {id}: {error}")),
        }
    }
    let now = run.clock().now();
    let mut tx = run.begin().await?;
    threads::replace(&mut tx, NAME, now, &all).await?;
    run.end(tx).await?;
    Ok(lost)
}

pub(super) fn details_of(row: i64, whole: &Whole) -> Result<Details, ItemError> {
    let id = TicketId(row);
    // The change that the view shows; what comes later is read later.
    let shown = ticket_map::ticket(&whole.view)?.source_updated_at;
    let conversations = whole.conversations.iter();
    let conversations: Vec<_> = conversations
        .map(|item| ticket_map::conversation(id, item))
        .collect::<Result<_, _>>()?;
    let entries = whole.entries.iter();
    let entries: Vec<_> = entries
        .map(|item| ticket_map::time_entry(id, item))
        .collect::<Result<_, _>>()?;
    Ok(Details {
        ticket: row,
        of: shown.unwrap_or_default(),
        conversations: once(conversations, |item| item.external_id),
        entries: once(entries, |item| item.external_id),
    })
}

/// A vendor's list may hold an item twice, and one statement may not touch a row twice.
fn once<T, K: std::hash::Hash + Eq>(items: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut seen = HashSet::new();
    let mut items = items;
    items.retain(|item| seen.insert(key(item)));
    items
}
