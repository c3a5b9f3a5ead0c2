//! Single tickets, outside of runs: for webhooks, for people who wait, and for what they change.

use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;

use super::{
    NAME, Settings,
    client::{Client, List},
    details::{self, Parts},
    ticket_map,
};
use crate::{
    ids::TicketId,
    sync::{
        UpstreamError,
        engine::item,
        ports::{Answer, CallContext, Probe, Tickets},
    },
    tickets::PsaTicket,
};

/// Freshservice's tickets, one at a time.
#[derive(Debug)]
pub struct TicketClient {
    settings: Settings,
    writes: bool,
    client: OnceCell<Client>,
}

impl TicketClient {
    /// A client of the account of `settings`; without `writes` it only reads.
    pub fn new(settings: Settings, writes: bool) -> Self {
        Self {
            settings,
            writes,
            client: OnceCell::new(),
        }
    }

    async fn client(&self, context: CallContext<'_>) -> Result<&Client, UpstreamError> {
        let open = async || {
            let rate_limit_block = context.rate_limit_block(NAME);
            Client::new(
                self.settings.clone(),
                rate_limit_block,
                context.clock.clone(),
            )
            .map(Client::for_people)
        };
        self.client.get_or_try_init(open).await
    }
}

impl Probe for TicketClient {
    fn probe<'a>(&'a self, context: CallContext<'a>) -> Answer<'a, ()> {
        Box::pin(async move { self.client(context).await?.probe().await })
    }
}

impl Tickets for TicketClient {
    fn provider(&self) -> &'static str {
        NAME
    }

    fn writes(&self) -> bool {
        self.writes
    }

    fn ticket<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
    ) -> Answer<'a, Option<PsaTicket>> {
        Box::pin(async move {
            let client = self.client(context).await?;
            // What an account lacks may change while the process lives: nothing is remembered here.
            let Some(whole) = details::ask(client, &Parts::default(), number).await? else {
                return Ok(None);
            };
            let malformed = |_| UpstreamError::malformed(NAME, "ticket");
            let ticket = ticket_map::ticket(&whole.view).map_err(malformed)?;
            let read = details::details_of(0, &whole, context.clock.now());
            let (details, unreadable) = read.map_err(malformed)?;
            for (list, error) in unreadable {
                tracing::warn!(list, "An item of a ticket could not be read: {error}");
            }
            Ok(Some(PsaTicket {
                ticket,
                is_gone: ticket_map::gone(&whole.view),
                details,
            }))
        })
    }

    fn status<'a>(&'a self, context: CallContext<'a>, number: i64) -> Answer<'a, Option<i64>> {
        Box::pin(async move {
            let client = self.client(context).await?;
            let view = client.one(details::TICKETS, &number.to_string()).await?;
            let Some(view) = view.filter(|view| !ticket_map::gone(view)) else {
                return Ok(None);
            };
            let status = item::number(&view["status"]);
            let malformed = || UpstreamError::malformed(NAME, "ticket");
            status.map(Some).ok_or_else(malformed)
        })
    }

    fn set_status<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
        status: i64,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let client = self.client(context).await?;
            client.set_status(number, status).await
        })
    }

    fn add_note<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
        text: &'a str,
    ) -> Answer<'a, i64> {
        Box::pin(async move {
            let client = self.client(context).await?;
            client.add_note(number, &html(text)).await
        })
    }

    fn find_note<'a>(
        &'a self,
        context: CallContext<'a>,
        number: i64,
        text: &'a str,
        since: DateTime<Utc>,
        known: &'a [i64],
    ) -> Answer<'a, Option<i64>> {
        Box::pin(async move {
            let client = self.client(context).await?;
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
        })
    }
}

/// A text as HTML with its lines.
fn html(text: &str) -> String {
    let plain = text.trim().replace('&', "&amp;");
    let plain = plain.replace('<', "&lt;").replace('>', "&gt;");
    let lines: Vec<&str> = plain.lines().collect();
    format!("<div>{}</div>", lines.join("<br>"))
}
