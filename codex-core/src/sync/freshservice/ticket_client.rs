//! Single tickets, outside of runs: for webhooks, for people who wait, and for what they change.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OnceCell;

use super::{
    NAME, Settings,
    client::{Client, List},
    details::{self, Parts, Whole},
    ticket_map,
};
use crate::{
    clock::SharedClock,
    ids::TicketId,
    records::{ItemError, SourceRecord},
    store::Db,
    sync::{RateLimitBlock, UpstreamError, engine::item},
    tickets::{Ticket, threads::Details},
};

/// How long it is believed that there is no ticket of a number, and of how many.
const MISSING_FOR: TimeDelta = TimeDelta::minutes(1);
const MAX_MISSING: usize = 1_000;

/// Freshservice's tickets, one at a time.
#[derive(Debug)]
pub struct TicketClient {
    settings: Settings,
    writes: bool,
    /// Numbers of which there was no ticket, and until when that is believed.
    missing: Mutex<HashMap<i64, DateTime<Utc>>>,
    client: OnceCell<Client>,
}

/// A ticket as the vendor shows it now.
#[derive(Debug)]
pub(crate) struct Shown {
    whole: Whole,
}

impl TicketClient {
    /// A desk on the account of `settings`; without `writes` it only reads.
    pub fn new(settings: Settings, writes: bool) -> Self {
        Self {
            settings,
            writes,
            missing: Mutex::default(),
            client: OnceCell::new(),
        }
    }

    /// Whether changes of tickets are sent.
    pub(crate) fn writes(&self) -> bool {
        self.writes
    }

    /// Name in claims and in the setting that chooses it.
    pub(crate) const PROVIDER: &str = NAME;

    /// Whether it was found a moment ago that there is no such ticket.
    pub(crate) fn is_known_to_miss(&self, number: i64, now: DateTime<Utc>) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.get(&number).is_some_and(|until| *until > now)
    }

    /// Notes that there is no such ticket, for a while.
    pub(crate) fn note_missing(&self, number: i64, now: DateTime<Utc>) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.len() >= MAX_MISSING {
            missing.retain(|_, until| *until > now);
        }
        // For a caller that asks for thousands of unknown numbers, remembering them saves nothing.
        if missing.len() < MAX_MISSING {
            missing.insert(number, now + MISSING_FOR);
        }
    }

    /// A ticket with everything on it; `None` when there is none of that number.
    pub(crate) async fn show(
        &self,
        db: &Db,
        clock: &SharedClock,
        number: i64,
    ) -> Result<Option<Shown>, UpstreamError> {
        let client = self.client(db, clock).await?;
        // What an account lacks may change while the process lives: nothing is remembered here.
        let whole = details::ask(client, &Parts::default(), number).await?;
        Ok(whole.map(|whole| Shown { whole }))
    }

    /// The status of a ticket; `None` when it is deleted or spam, or there is none of that number.
    pub(crate) async fn status(
        &self,
        db: &Db,
        clock: &SharedClock,
        number: i64,
    ) -> Result<Option<i64>, UpstreamError> {
        let client = self.client(db, clock).await?;
        let view = client.one(details::TICKETS, &number.to_string()).await?;
        let Some(view) = view.filter(|view| !ticket_map::gone(view)) else {
            return Ok(None);
        };
        let status = item::number(&view["status"]);
        let malformed = || UpstreamError::malformed(NAME, "ticket");
        status.map(Some).ok_or_else(malformed)
    }

    /// Sets the status of a ticket; once.
    pub(crate) async fn set_status(
        &self,
        db: &Db,
        clock: &SharedClock,
        number: i64,
        status: i64,
    ) -> Result<(), UpstreamError> {
        let client = self.client(db, clock).await?;
        client.set_status(number, status).await
    }

    /// Adds a private note to a ticket, once; gives its id.
    pub(crate) async fn add_note(
        &self,
        db: &Db,
        clock: &SharedClock,
        number: i64,
        text: &str,
    ) -> Result<i64, UpstreamError> {
        let client = self.client(db, clock).await?;
        client.add_note(number, &html(text)).await
    }

    /// The id of a private note with a text, written since a moment, that is not one of `known`.
    pub(crate) async fn find_note(
        &self,
        db: &Db,
        clock: &SharedClock,
        number: i64,
        text: &str,
        since: DateTime<Utc>,
        known: &[i64],
    ) -> Result<Option<i64>, UpstreamError> {
        let client = self.client(db, clock).await?;
        let all = client.whole(List::Conversations(number)).await?;
        // The row does not matter: nothing of this is written.
        let of = |item| ticket_map::conversation(TicketId(0), item);
        let said = all.iter().filter_map(|item| Some(of(item).ok()?.0.said));
        let mut same = said.filter(|said| {
            let words = said.body.as_deref().unwrap_or_default().split_whitespace();
            said.private == Some(true)
                && said.created_at.is_some_and(|at| at >= since)
                && words.eq(text.split_whitespace())
        });
        Ok(same.find_map(|said| said.external_id.filter(|id| !known.contains(id))))
    }

    async fn client(&self, db: &Db, clock: &SharedClock) -> Result<&Client, UpstreamError> {
        let open = async || {
            let rate_limit_block = RateLimitBlock::new(db.clone(), NAME);
            Client::new(self.settings.clone(), rate_limit_block, clock.clone())
                .map(Client::for_people)
        };
        self.client.get_or_try_init(open).await
    }
}

/// A text as HTML with its lines.
fn html(text: &str) -> String {
    let plain = text.trim().replace('&', "&amp;");
    let plain = plain.replace('<', "&lt;").replace('>', "&gt;");
    let lines: Vec<&str> = plain.lines().collect();
    format!("<div>{}</div>", lines.join("<br>"))
}

impl Shown {
    /// Whether it is deleted or spam.
    pub fn is_gone(&self) -> bool {
        ticket_map::gone(&self.whole.view)
    }

    /// The vendor's time of its last change.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.item().ok()?.source_updated_at
    }

    /// The ticket.
    pub fn item(&self) -> Result<SourceRecord<Ticket>, ItemError> {
        ticket_map::ticket(&self.whole.view)
    }

    /// What was said and worked on it, for its row. Items that could not be read are logged.
    pub fn details(&self, row: i64, now: DateTime<Utc>) -> Result<Details, ItemError> {
        let (details, unreadable) = details::details_of(row, &self.whole, now)?;
        for (list, error) in unreadable {
            tracing::warn!(list, "An item of a ticket could not be read: {error}");
        }
        Ok(details)
    }
}
