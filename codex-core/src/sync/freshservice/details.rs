//! What was said and worked on tickets: a few calls a ticket, a few tickets at a time.
//!
//! Each list of a ticket stands for itself: one that could not be read is pending, and the others are kept.

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
    Result, dates,
    ids::TicketId,
    panics::{joined, spawn},
    records::ItemError,
    sync::{
        Run, UpstreamError,
        engine::{
            crawl::Lister as _,
            optional::{OptionalList, is_refusal},
        },
    },
    tickets::{
        Details, PendingDetails, ReadList, Ticket,
        pending_details::{self, Due},
        threads,
    },
};

/// Tickets that are asked for at once.
const AT_ONCE: usize = 6;
/// Tickets whose details are written in one transaction.
const BATCH: usize = 20;
/// A view holds the first ten conversations only (trap 26).
const IN_VIEW: usize = 10;
/// The most tickets that a run asks for again because something is pending.
const MAX_PENDING: usize = 500;
/// The most tickets without details that a run reads beside those that have just changed.
const MAX_LEFT: usize = 500;
/// The list of single tickets.
pub(super) const TICKETS: List = List::Tickets(DateTime::UNIX_EPOCH, None);

/// A ticket to ask for, with what a list has said of it.
type Wanted = (i64, Option<Value>);

/// A list of one ticket, as far as it could be read.
type DetailList = Result<Vec<Value>, UpstreamError>;

/// What the vendor has of one ticket.
#[derive(Debug)]
pub(super) struct Whole {
    pub view: Value,
    conversations: DetailList,
    entries: DetailList,
}

type Answer = (Wanted, Result<Option<Whole>, UpstreamError>);

/// The lists of tickets that an account may lack.
#[derive(Debug)]
pub(super) struct Parts {
    conversations: OptionalList,
    entries: OptionalList,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            conversations: OptionalList::new(List::Conversations(0).name()),
            entries: OptionalList::new(List::TimeEntries(0).name()),
        }
    }
}

impl Parts {
    /// Whether everything that is pending of a ticket is what the account lacks.
    fn lack(&self, pending: &str) -> bool {
        let lacking = |name: &str| {
            let lists = [
                (List::Conversations(0), &self.conversations),
                (List::TimeEntries(0), &self.entries),
            ];
            let list = lists.iter().find(|(list, _)| list.name() == name);
            list.is_some_and(|(_, list)| list.lacking().is_some())
        };
        pending.split(", ").all(lacking)
    }
}

/// Reads the details of tickets in one run.
#[derive(Debug)]
pub(super) struct Reader {
    client: Arc<Client>,
    parts: Arc<Parts>,
    /// Tickets that were not there.
    lost: Vec<String>,
    /// Tickets that could not be read in this run, and are not tried again in it.
    failed: HashSet<i64>,
    /// Tickets that were read in this run and do not show when they last changed: they always look changed.
    undated: HashSet<i64>,
}

impl Reader {
    pub fn new(client: &Arc<Client>) -> Self {
        Self {
            client: client.clone(),
            parts: Arc::default(),
            lost: Vec::new(),
            failed: HashSet::new(),
            undated: HashSet::new(),
        }
    }

    /// Reads and writes the tickets of a list's page whose details are older than the tickets. Gives the items
    /// that are left to be taken as they were listed.
    pub async fn of_page(&mut self, run: &mut Run, items: Vec<Value>) -> Result<Vec<Value>> {
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
        let now = run.clock().now();
        let (mut wanted, mut rest) = (HashMap::new(), Vec::new());
        for item in items {
            let id = item["id"].as_i64().filter(|id| {
                let changed = changes.get(id);
                let read = read.get(id).filter(|at| dates::has_happened(**at, now));
                let older = changed.is_some_and(|changed| read.is_none_or(|read| read < changed));
                older && !self.failed.contains(id)
            });
            match id {
                // A page may list a ticket twice; the last is the newest.
                Some(id) => drop(wanted.insert(id, Some(item))),
                None => rest.push(item),
            }
        }
        let mut wanted: Vec<Wanted> = wanted.into_iter().collect();
        wanted.sort_unstable_by_key(|(id, _)| *id);
        self.read_all(run, wanted).await?;
        Ok(rest)
    }

    /// Reads and writes the tickets that changed since a moment and whose details are older, and some of those that
    /// changed before.
    pub async fn stale(&mut self, run: &mut Run, since: DateTime<Utc>) -> Result<()> {
        // A dry run has written nothing, and would read everything twice.
        let mut left = if run.dry() { 0 } else { MAX_LEFT };
        for (since, bounded) in [(since, false), (DateTime::UNIX_EPOCH, true)] {
            let mut before = None;
            while left > 0 || !bounded {
                let now = run.clock().now();
                let mut page = threads::stale(run.db(), NAME, since, before, now).await?;
                let Some(last) = page.last() else { break };
                before = Some(*last);
                page.retain(|ticket| !self.undated.contains(&ticket.external_id));
                if bounded {
                    page.truncate(left);
                    left -= page.len();
                }
                let mut wanted: Vec<Wanted> = Vec::with_capacity(page.len());
                for ticket in page {
                    if !self.lost.contains(&ticket.external_id.to_string()) {
                        wanted.push((ticket.external_id, None));
                    }
                }
                self.read_all(run, wanted).await?;
            }
        }
        Ok(())
    }

    /// Asks again for what is pending since earlier runs, as far as it is due.
    pub async fn read_pending(&mut self, run: &mut Run) -> Result<()> {
        let now = run.clock().now();
        let due = pending_details::due(run.db(), NAME, now, MAX_PENDING).await?;
        for due in due.chunks(BATCH) {
            let (mut hopeless, mut wanted): (Vec<Due>, Vec<Wanted>) = (Vec::new(), Vec::new());
            for due in due {
                if self.parts.lack(&due.parts) {
                    hopeless.push(due.clone());
                } else {
                    wanted.push((due.external_id, None));
                }
            }
            if !hopeless.is_empty() {
                let mut tx = run.begin().await?;
                pending_details::put_off(&mut tx, now, &hopeless).await?;
                run.end(tx).await?;
            }
            self.read_all(run, wanted).await?;
        }
        Ok(())
    }

    /// Asks once more, by the rules of what is missing, for tickets that were not there.
    pub async fn look_after_lost(&mut self, run: &mut Run) -> Result<()> {
        let lost = std::mem::take(&mut self.lost);
        look_after(run, &self.client, &lost).await
    }

    async fn read_all(&mut self, run: &mut Run, wanted: Vec<Wanted>) -> Result<()> {
        // Tasks of their own, so that the next tickets arrive while some are written.
        let (client, parts) = (self.client.clone(), self.parts.clone());
        let mut answers = stream::iter(wanted)
            .map(|wanted| {
                let (client, parts) = (client.clone(), parts.clone());
                AbortOnDropHandle::new(spawn("ticket details", async move {
                    let answer = ask(&client, &parts, wanted.0).await;
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
            self.write(run, answers).await?;
        }
        Ok(())
    }

    /// Writes some tickets with their details; one that could not be viewed as its list has shown it.
    async fn write(&mut self, run: &mut Run, answers: Vec<Answer>) -> Result<()> {
        let (mut shown, mut whole, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for ((id, listed), answer) in answers {
            match answer {
                Ok(Some(found)) => {
                    shown.push(found.view.clone());
                    whole.push((id, found));
                    continue;
                }
                Ok(None) => self.lost.push(id.to_string()),
                Err(error) if error.stops_everything() => return Err(error.into()),
                Err(error) => failed.push((id, error.to_string())),
            }
            shown.extend(listed);
        }
        tickets::take(run, &shown).await?;
        let mut ids: Vec<i64> = whole.iter().map(|(id, _)| *id).collect();
        ids.extend(failed.iter().map(|(id, _)| *id));
        let rows = threads::rows(run.db(), NAME, ids.into_iter()).await?;
        let now = run.clock().now();
        let mut all = Vec::with_capacity(whole.len());
        for (id, found) in whole {
            // A ticket that is gone has no row to write to, and an unreadable one was reported.
            let Some(row) = rows.get(&id) else { continue };
            match details_of(*row, &found, now) {
                Ok((details, unreadable)) => {
                    self.undated.extend(details.is_undated().then_some(id));
                    self.failed.extend(details.pending.as_ref().map(|_| id));
                    all.push(details);
                    for (list, error) in unreadable {
                        run.unreadable(list, &error);
                    }
                }
                Err(error) => run.issue(format!("ticket {id}: {error}")),
            }
        }
        self.failed.extend(failed.iter().map(|(id, _)| *id));
        let pending: Vec<PendingDetails> = failed
            .into_iter()
            .filter_map(|(id, reason)| {
                Some(PendingDetails {
                    ticket: *rows.get(&id)?,
                    parts: "details".into(),
                    reason,
                })
            })
            .collect();
        let mut tx = run.begin().await?;
        threads::replace(&mut tx, NAME, now, &all).await?;
        pending_details::remember(&mut tx, NAME, now, &pending).await?;
        run.end(tx).await
    }
}

/// Reports what is still pending, one issue for each reason, until it is paid.
pub(super) async fn report_pending(run: &mut Run) -> Result<()> {
    for sum in pending_details::sums(run.db(), NAME).await? {
        run.issue(sum.to_string());
    }
    Ok(())
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

/// `None` when there is no such ticket. A list that could not be read is an error of its own.
///
/// # Errors
/// When the ticket itself could not be read, or nothing can be read from the account now.
pub(super) async fn ask(
    client: &Client,
    parts: &Parts,
    id: i64,
) -> Result<Option<Whole>, UpstreamError> {
    let Some(view) = client.one(TICKETS, &id.to_string()).await? else {
        return Ok(None);
    };
    let entries = part(client, &parts.entries, List::TimeEntries(id)).await?;
    let first = view["conversations"].as_array().cloned();
    let conversations = match first {
        Some(all) if all.len() < IN_VIEW => Ok(all),
        _ => part(client, &parts.conversations, List::Conversations(id)).await?,
    };
    Ok(Some(Whole {
        view,
        conversations,
        entries,
    }))
}

/// A list of a ticket, unless the account is known to lack it.
async fn part(
    client: &Client,
    known: &OptionalList,
    list: List,
) -> Result<DetailList, UpstreamError> {
    if let Some(refusal) = known.lacking() {
        let resource = list.name().to_owned();
        return Ok(Err(match refusal.status {
            404 => UpstreamError::NotFound {
                source_name: NAME,
                resource,
            },
            _ => UpstreamError::Forbidden {
                source_name: NAME,
                resource,
            },
        }));
    }
    match client.whole(list).await {
        Err(error) if error.stops_everything() => Err(error),
        answer => {
            known.note("", &answer);
            Ok(answer)
        }
    }
}

/// Items of a list that could not be read.
type Unreadable = Vec<(&'static str, ItemError)>;

/// The details of a ticket as they are written, and what could not be read of its lists.
///
/// # Errors
/// When the ticket itself cannot be read.
pub(super) fn details_of(
    row: i64,
    whole: &Whole,
    now: DateTime<Utc>,
) -> Result<(Details, Unreadable), ItemError> {
    let id = TicketId(row);
    // The change that the view shows; what comes later is read later. After a time that has not come nothing would.
    let shown = ticket_map::ticket(&whole.view)?.source_updated_at;
    let shown = shown.filter(|at| dates::has_happened(*at, now));
    let (mut unreadable, mut pending) = (Vec::new(), Vec::new());
    let conversations = read(
        List::Conversations(row),
        &whole.conversations,
        |item| ticket_map::conversation(id, item),
        &mut unreadable,
        &mut pending,
    );
    let entries = read(
        List::TimeEntries(row),
        &whole.entries,
        |item| ticket_map::time_entry(id, item),
        &mut unreadable,
        &mut pending,
    );
    let (parts, reasons): (Vec<&str>, Vec<String>) = pending.into_iter().unzip();
    let details = Details {
        ticket: row,
        of: shown.unwrap_or_default(),
        conversations,
        entries,
        pending: (!parts.is_empty()).then(|| PendingDetails {
            ticket: row,
            parts: parts.join(", "),
            reason: reasons.join("; "),
        }),
    };
    Ok((details, unreadable))
}

/// Reads the items of a list, each on its own; `None` when the list is pending.
fn read<T>(
    list: List,
    part: &DetailList,
    map: impl Fn(&Value) -> Result<(T, Option<ItemError>), ItemError>,
    unreadable: &mut Unreadable,
    pending: &mut Vec<(&'static str, String)>,
) -> Option<ReadList<T>> {
    let items = match part {
        Ok(items) => items,
        Err(error) => {
            let lacks = if is_refusal(error) {
                "; the plan or the key may lack them"
            } else {
                ""
            };
            pending.push((list.name(), format!("{error}{lacks}")));
            return None;
        }
    };
    let mut read = ReadList {
        items: Vec::with_capacity(items.len()),
        whole: true,
    };
    for item in items {
        match map(item) {
            Ok((item, odd)) => {
                read.items.push(item);
                unreadable.extend(odd.map(|error| (list.singular(), error)));
            }
            Err(error) => {
                read.whole = false;
                unreadable.push((list.singular(), error));
            }
        }
    }
    Some(read)
}
