//! What the PSA reports about single tickets, and what it says when it is asked.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::{
    Result, Scope,
    codex::Codex,
    dates,
    jobs::service::unavailable,
    records::{Author, SourceRecord, claims::ClaimSource, writer::WriteSummary},
    sync::{UpstreamError, ports::Tickets},
    tickets::{
        PsaTicket, Ticket, TicketEvent,
        query::{self, Claimed},
        status::{self, Statuses},
        threads,
    },
};

/// How long somebody waits for the PSA at most.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);
/// How far a vendor's clock may be ahead: a later time would keep every true state out.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What an event has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventOutcome {
    /// The ticket is new here.
    Created,
    /// The ticket is as the event says, or newer; the changes in words.
    Updated(Vec<String>),
    /// The ticket is deleted.
    Deleted,
    /// There was nothing to do, and why.
    Ignored(&'static str),
}

impl Codex {
    /// Takes an event in. Events may repeat and arrive in any order: an older one changes nothing, and
    /// what an event leaves open is asked for.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`] without this PSA, [`crate::Error::Upstream`] when it had to be asked and did not
    /// answer within 3 s: nothing is changed then, and the same event may be sent again.
    pub async fn ticket_event(&self, scope: &Scope, event: &TicketEvent) -> Result<EventOutcome> {
        scope.require_technician("reporting ticket events")?;
        let psa = self.ticket_port()?;
        let provider = psa.provider();
        if event.provider != provider {
            return Err(unavailable(event.provider));
        }
        let now = self.now();
        let at = event.at.filter(|at| *at <= now + AHEAD);
        let known = query::claimed(&self.0.db, provider, event.number).await?;
        let newest = known.as_ref().and_then(|known| known.source_updated_at);
        let newest = newest.filter(|at| dates::has_happened(*at, now));
        if at.is_some() && at < newest {
            return Ok(EventOutcome::Ignored("a newer state is known"));
        }
        let author = Author::new(format!("webhook:{provider}"), now);
        if event.deleted {
            return self.deleted(&*psa, &author, event.number, at, known).await;
        }
        let newer = at.is_some() && at > newest;
        let own = event.item.clone().filter(|_| at.is_some());
        let live = known.as_ref().filter(|known| known.gone_at.is_none());
        if let (Some(item), Some(live)) = (&own, live) {
            if repeats(&item.fields, &live.fields.0) && !newer {
                return Ok(EventOutcome::Updated(Vec::new()));
            }
            if newer && event.is_complete(&live.fields.0) {
                let taken = self.take_ticket(provider, &author, item.clone()).await?;
                return self.took(taken).await;
            }
        }
        match (self.ask(&*psa, event.number).await, own) {
            (Ok(Some(shown)), own) => {
                let (is_gone, shown_at) = (shown.is_gone, shown.ticket.source_updated_at);
                let mut summary = self.take_shown(provider, &author, shown).await?;
                let shown_at = shown_at.filter(|at| dates::has_happened(*at, now));
                // The API may show what an event reports a little later (trap 37).
                if let Some(item) = own.filter(|_| !is_gone && at > shown_at) {
                    summary.add(self.take_ticket(provider, &author, item).await?);
                }
                self.took(summary).await
            }
            (Ok(None), _) => Ok(EventOutcome::Ignored("the PSA has no such ticket")),
            // Better a part of the ticket now than nothing: the next run brings the rest.
            (Err(_), Some(item)) if newer => {
                let taken = self.take_ticket(provider, &author, item).await?;
                self.took(taken).await
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Asks the PSA for a ticket that is not known here; `false` when there is none, or nobody to ask. That
    /// there is none is believed for a minute.
    ///
    /// # Errors
    /// [`crate::Error::Upstream`] when the PSA does not answer within 3 s.
    pub async fn look_up_ticket(&self, scope: &Scope, number: i64) -> Result<bool> {
        // A client's numbers cost the MSP's calls.
        if self.ticket_port().is_err() || scope.require_staff("asking the PSA").is_err() {
            return Ok(false);
        }
        let unknown = &self.0.unknown_tickets;
        if unknown.contains(number, self.now()) {
            return Ok(false);
        }
        let found = self.refresh_ticket(scope, number).await?;
        if !found {
            unknown.note(number, self.now());
        }
        Ok(found)
    }

    /// Asks the PSA for a ticket and takes what it shows; `false` when it has none of that number.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`] without a PSA that can be asked, [`crate::Error::Upstream`] when it does not answer
    /// within 3 s.
    pub async fn refresh_ticket(&self, scope: &Scope, number: i64) -> Result<bool> {
        scope.require_staff("asking the PSA")?;
        let psa = self.ticket_port()?;
        let provider = psa.provider();
        let author = Author::new(format!("source:{provider}"), self.now());
        let Some(shown) = self.ask(&*psa, number).await? else {
            return Ok(false);
        };
        let is_gone = shown.is_gone;
        self.take_shown(provider, &author, shown).await?;
        Ok(!is_gone)
    }

    /// The PSA is asked before a ticket goes.
    async fn deleted(
        &self,
        psa: &dyn Tickets,
        author: &Author,
        number: i64,
        at: Option<DateTime<Utc>>,
        known: Option<Claimed>,
    ) -> Result<EventOutcome> {
        let Some(known) = known.filter(|known| known.gone_at.is_none()) else {
            return Ok(EventOutcome::Ignored(
                "the ticket is not known, or deleted already",
            ));
        };
        let provider = psa.provider();
        if let Some(shown) = self.ask(psa, number).await?
            && !shown.is_gone
            && (at.is_none() || shown.ticket.source_updated_at >= at)
        {
            self.take_shown(provider, author, shown).await?;
            return Ok(EventOutcome::Ignored(
                "the PSA shows that the ticket is there",
            ));
        }
        let mut tx = self.0.db.begin().await?;
        let ids = [number.to_string()];
        self.writer(&mut tx, author)
            .retire::<Ticket>(provider, &ids)
            .await?;
        // So that what happened before the deletion does not bring the ticket back.
        if at > known.source_updated_at {
            query::set_claim_time(&mut tx, provider, number, at).await?;
        }
        tx.commit().await?;
        Ok(EventOutcome::Deleted)
    }

    /// The tickets of the PSA that is chosen.
    pub(crate) fn ticket_port(&self) -> Result<Arc<dyn Tickets>> {
        let (tickets, psa) = (self.vendors().tickets.clone(), self.providers().psa);
        let chosen = tickets.filter(|tickets| tickets.provider() == psa);
        chosen.ok_or_else(|| unavailable(&psa))
    }

    async fn ask(
        &self,
        psa: &dyn Tickets,
        number: i64,
    ) -> Result<Option<PsaTicket>, UpstreamError> {
        let asked = psa.ticket(self.call_context(), number);
        match tokio::time::timeout(WAIT_TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(UpstreamError::too_slow(
                psa.provider(),
                "ticket",
                WAIT_TIMEOUT,
            )),
        }
    }

    /// Takes what the PSA shows, with everything on it, in one transaction.
    async fn take_shown(
        &self,
        provider: &'static str,
        author: &Author,
        shown: PsaTicket,
    ) -> Result<WriteSummary> {
        let PsaTicket {
            ticket,
            is_gone,
            details,
        } = shown;
        let id = ticket.external_id.clone();
        let mut tx = self.0.db.begin().await?;
        let mut writer = self.writer(&mut tx, author);
        if is_gone {
            let summary = writer.retire::<Ticket>(provider, &[id]).await?;
            tx.commit().await?;
            return Ok(summary);
        }
        let main = ClaimSource::Main(provider);
        let summary = writer.apply(vec![(main, ticket)]).await?;
        if let Some(row) = query::row(&mut tx, provider, &id).await? {
            threads::replace(&mut tx, provider, author.at, &[details.of_row(row)]).await?;
        }
        tx.commit().await?;
        Ok(summary)
    }

    async fn take_ticket(
        &self,
        provider: &'static str,
        author: &Author,
        item: SourceRecord<Ticket>,
    ) -> Result<WriteSummary> {
        let mut tx = self.0.db.begin().await?;
        let main = ClaimSource::Main(provider);
        let summary = self
            .writer(&mut tx, author)
            .apply(vec![(main, item)])
            .await?;
        tx.commit().await?;
        Ok(summary)
    }

    async fn took(&self, summary: WriteSummary) -> Result<EventOutcome> {
        if summary.created > 0 {
            return Ok(EventOutcome::Created);
        }
        if summary.deleted > 0 {
            return Ok(EventOutcome::Deleted);
        }
        let statuses = self.ticket_statuses().await?;
        let fields = summary.changes.iter().flat_map(|change| &change.fields);
        Ok(EventOutcome::Updated(
            fields
                .map(|(name, change)| change_text(&statuses, name, change))
                .collect(),
        ))
    }
}

/// Whether everything that is stated is known.
fn repeats(stated: &Map<String, Value>, known: &Map<String, Value>) -> bool {
    stated
        .iter()
        .all(|(name, value)| known.get(name) == Some(value))
}

/// A change in words (contract 1.2.I).
fn change_text(statuses: &Statuses, name: &str, change: &Value) -> String {
    let word = |value: &Value| match (name, value.as_i64()) {
        ("status_id", Some(id)) => statuses.of(id).word,
        ("priority_id", Some(id)) => {
            status::priority(id).map_or_else(|| id.to_string(), |(word, _)| word.to_owned())
        }
        _ => "none".to_owned(),
    };
    match name {
        "status_id" | "priority_id" => {
            let name = name.trim_end_matches("_id");
            format!(
                "{name}: {} -> {}",
                word(&change["before"]),
                word(&change["after"])
            )
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_described_in_words() {
        let change = json!({"before": 2, "after": 5});
        let change_text = |name| change_text(&Statuses::default(), name, &change);
        assert_eq!(change_text("status_id"), "status: open -> closed");
        assert_eq!(change_text("subject"), "subject");
    }
}
