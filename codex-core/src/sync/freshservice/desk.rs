//! Single tickets, outside of runs: for webhooks and for people who wait.

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::{
    NAME, Settings,
    client::Client,
    details::{self, Whole},
    ticket_map,
};
use crate::{
    clock::SharedClock,
    store::Db,
    sync::{Gate, Incoming, ItemError, UpstreamError},
    tickets::{Ticket, threads::Details},
};

/// Freshservice's tickets, one at a time.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    client: OnceCell<Client>,
}

/// A ticket as the vendor shows it now.
#[derive(Debug)]
pub(crate) struct Shown {
    whole: Whole,
}

impl Desk {
    /// A desk on the account of `settings`.
    pub fn new(settings: Settings) -> Self {
        let client = OnceCell::new();
        Self { settings, client }
    }

    /// Name in claims and in the setting that chooses it.
    pub(crate) const PROVIDER: &str = NAME;

    /// A ticket with everything on it; `None` when there is none of that number.
    pub(crate) async fn show(
        &self,
        db: &Db,
        clock: &SharedClock,
        number: i64,
    ) -> Result<Option<Shown>, UpstreamError> {
        let client = self.client(db, clock).await?;
        let whole = details::ask(client, number).await?;
        Ok(whole.map(|whole| Shown { whole }))
    }

    pub(super) async fn client(
        &self,
        db: &Db,
        clock: &SharedClock,
    ) -> Result<&Client, UpstreamError> {
        let open = async || {
            let gate = Gate::new(db.clone(), NAME);
            Client::new(self.settings.clone(), gate, clock.clone())
        };
        self.client.get_or_try_init(open).await
    }
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
    pub fn item(&self) -> Result<Incoming<Ticket>, ItemError> {
        ticket_map::ticket(&self.whole.view)
    }

    /// What was said and worked on it, for its row.
    pub fn details(&self, row: i64) -> Result<Details, ItemError> {
        details::details_of(row, &self.whole)
    }
}
