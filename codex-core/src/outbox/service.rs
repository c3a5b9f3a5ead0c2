//! Writing changes of tickets to the PSA.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    Error, Result, Scope,
    codex::Codex,
    idempotency::{keep_step, step_done},
    list::{FacetOut, Filter, Page, PageRequest, Sort},
    outbox::{
        OutboxEntry, OutboxKind, OutboxState,
        query::{self, New},
    },
    panics::keep_going,
    records::Author,
    store::Tx,
    sync::{UpstreamError, ports::Tickets},
    tickets,
};

/// How often the table is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How often what ended long ago is forgotten.
const TIDY: Duration = Duration::from_secs(3600);
/// How long a process that tries is believed to be alive.
const CLAIM: TimeDelta = TimeDelta::minutes(10);
/// What a write may take, with the vendor's limits; who has less time left does not begin.
const WRITE: TimeDelta = TimeDelta::minutes(4);
/// The pause after the first failure; doubled each time.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
/// The longest pause.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// A PSA that is away for a day may still get everything.
const TRIES: i64 = 30;
/// How long changes are shown after they have ended.
const KEPT: TimeDelta = TimeDelta::days(90);

/// What came of a try that the PSA answered.
enum Delivery {
    /// The PSA has it; the id of a note.
    Done(Option<i64>),
    /// Something newer is there.
    Superseded(String),
}

impl Codex {
    /// The newest changes of tickets on their way to the PSA, 500 at most; those of one state when it is
    /// named.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn outbox(
        &self,
        scope: &Scope,
        state: Option<OutboxState>,
    ) -> Result<Vec<OutboxEntry>> {
        let newest = PageRequest {
            sort: Some(Sort::new("-id")),
            filters: state
                .map(|state| Filter::new("state", state.name()))
                .into_iter()
                .collect(),
            ..PageRequest::default()
        };
        Ok(self.outbox_page(scope, &newest).await?.items)
    }

    /// A page of changes of tickets.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming an unusable filter or sort key, [`Error::Forbidden`] for clients.
    pub async fn outbox_page(
        &self,
        scope: &Scope,
        request: &PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        query::page(&self.0.db, scope, request).await
    }

    /// How many changes of a list there are of each kind and in each state.
    ///
    /// # Errors
    /// As [`Codex::outbox_page`].
    pub async fn outbox_facets(
        &self,
        scope: &Scope,
        request: &PageRequest,
    ) -> Result<Vec<FacetOut>> {
        query::facets(&self.0.db, scope, request).await
    }

    /// Whether changes of tickets are sent to the PSA: not while writing to vendors is off, and not without a PSA.
    pub fn sends_changes(&self) -> bool {
        self.ticket_port().is_ok_and(|psa| psa.writes())
    }

    /// The newest changes of one ticket on their way to the PSA, 100 at most.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn ticket_outbox(&self, scope: &Scope, number: i64) -> Result<Vec<OutboxEntry>> {
        query::of_ticket(&self.0.db, scope, number).await
    }

    /// Sends a change again, over what the PSA has now; `None` when there is no such change.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is on its way or done, or while writing is off; [`Error::Forbidden`].
    pub async fn retry_outbox(&self, scope: &Scope, id: i64) -> Result<Option<OutboxEntry>> {
        scope.require_technician("sending changes again")?;
        if !self.ticket_port()?.writes() {
            let message = "nothing is sent: [upstream] write is off";
            return Err(Error::conflict(message));
        }
        let Some(entry) = query::find(&self.0.db, id).await? else {
            return Ok(None);
        };
        if step_done::<()>(0)?.is_none() {
            let base = self.source_status(entry.number).await?;
            let mut tx = self.begin_step(0).await?;
            if !query::retry(&mut tx, id, base.as_slice(), self.now()).await? {
                return Err(Error::conflict("the change is on its way or done"));
            }
            keep_step(&mut tx, 0, &()).await?;
            tx.commit().await?;
        }
        query::find(&self.0.db, id).await
    }

    /// Stops a change that was not sent; here it stays. `None` when there is no such change.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it has ended, [`Error::Forbidden`].
    pub async fn cancel_outbox(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
    ) -> Result<Option<OutboxEntry>> {
        scope.require_technician("stopping changes")?;
        if query::find(&self.0.db, id).await?.is_none() {
            return Ok(None);
        }
        if step_done::<()>(0)?.is_none() {
            let why = format!("stopped by {}", author.actor);
            let mut tx = self.begin_step(0).await?;
            if !query::cancel(&mut tx, id, &why, author.at).await? {
                return Err(Error::conflict("the change has ended already"));
            }
            keep_step(&mut tx, 0, &()).await?;
            tx.commit().await?;
        }
        query::find(&self.0.db, id).await
    }

    /// Sends what is due, once; gives how many changes were tried. Several processes may do so.
    ///
    /// # Errors
    /// [`Error::Db`], [`Error::Unsupported`] without a PSA. A PSA that refuses or is away is noted with
    /// the change.
    pub async fn send_outbox(&self) -> Result<usize> {
        let psa = self.ticket_port()?;
        if !psa.writes() {
            return Ok(0);
        }
        let mut tried = 0;
        for entry in query::due(&self.0.db, self.now()).await? {
            if self.0.stop.is_cancelled() {
                break;
            }
            let until = self.now() + CLAIM;
            let mut tx = self.0.db.begin().await?;
            let is_ours = query::claim(&mut tx, &entry, until).await?;
            tx.commit().await?;
            if is_ours {
                let entry = OutboxEntry {
                    attempts: entry.attempts + 1,
                    ..entry
                };
                self.send(&*psa, &entry, until).await?;
                tried += 1;
            }
        }
        Ok(tried)
    }

    /// Sends what is due, and forgets what ended long ago, until [`Codex::close`], which does not wait for the PSA:
    /// a change whose answer did not arrive is looked for before it is sent again. While another PSA is chosen,
    /// changes wait. Goes on after a panic.
    pub async fn keep_outbox(&self) {
        let stop = &self.0.stop;
        keep_going("outbox", stop, || async {
            stop.run_until_cancelled(Box::pin(self.heed_outbox())).await;
        })
        .await;
    }

    async fn heed_outbox(&self) {
        let mut tidied: Option<Instant> = None;
        loop {
            if tidied.is_none_or(|at| at.elapsed() >= TIDY) {
                tidied = Some(Instant::now());
                if let Err(error) = self.tidy_outbox().await {
                    tracing::warn!(error = error.chain(), "The outbox could not be tidied");
                }
            }
            if self.sends_changes()
                && let Err(error) = self.send_outbox().await
            {
                // The database may be away for a while; changes wait for it.
                tracing::error!(error = error.chain(), "The outbox could not be read");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Forgets changes that ended more than 90 days ago, in small transactions; gives how many.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn tidy_outbox(&self) -> Result<u64> {
        let before = self.now() - KEPT;
        let mut all = 0;
        loop {
            let mut tx = self.0.db.begin().await?;
            let some = query::forget(&mut tx, before).await?;
            tx.commit().await?;
            all += some;
            if some < query::FORGOTTEN_AT_ONCE || self.0.stop.is_cancelled() {
                return Ok(all);
            }
        }
    }

    /// Puts a change of the status on its way, in the transaction that makes it here.
    pub(crate) async fn enqueue_status(
        &self,
        tx: &mut Tx,
        author: &Author,
        number: i64,
        status: i64,
        source_status: Option<i64>,
    ) -> Result<()> {
        if !self.sends_changes() {
            return Ok(());
        }
        // What the PSA may have when this is sent: what it has now, and what we are about to write.
        let mut base: Vec<i64> = source_status.into_iter().collect();
        let open = query::open(tx, number).await?;
        if open.is_empty() && source_status == Some(status) {
            return Ok(());
        }
        for earlier in &open {
            base.extend(&earlier.base_status_ids.0);
            let why = "a later change replaces it";
            if !query::replace(tx, earlier.id, why, author.at).await? {
                base.extend(earlier.status_id);
            }
        }
        base.sort_unstable();
        base.dedup();
        let new = New {
            number,
            kind: OutboxKind::Status,
            status_id: Some(status),
            base_status_ids: &base,
            note_id: None,
            author: &author.actor,
            at: author.at,
        };
        query::insert(tx, &new).await
    }

    /// Puts a note on its way, in the transaction that makes it here.
    pub(crate) async fn enqueue_note(
        &self,
        tx: &mut Tx,
        author: &Author,
        number: i64,
        note_id: i64,
    ) -> Result<()> {
        if !self.sends_changes() {
            return Ok(());
        }
        let new = New {
            number,
            kind: OutboxKind::Note,
            status_id: None,
            base_status_ids: &[],
            note_id: Some(note_id),
            author: &author.actor,
            at: author.at,
        };
        query::insert(tx, &new).await
    }

    /// The status that the PSA is known to have.
    pub(crate) async fn source_status(&self, number: i64) -> Result<Option<i64>> {
        let claimed = tickets::query::claimed(&self.0.db, &self.providers().psa, number).await?;
        Ok(claimed.and_then(|claimed| claimed.fields.0.get("status_id")?.as_i64()))
    }

    async fn send(
        &self,
        psa: &dyn Tickets,
        entry: &OutboxEntry,
        until: DateTime<Utc>,
    ) -> Result<()> {
        let delivered = self.deliver(psa, entry, until).await;
        let now = self.now();
        let mut tx = self.0.db.begin().await?;
        match &delivered {
            Ok(Delivery::Done(id)) => {
                query::finish(&mut tx, entry, OutboxState::Done, None, *id, now).await?;
            }
            Ok(Delivery::Superseded(why)) => {
                let state = OutboxState::Superseded;
                query::finish(&mut tx, entry, state, Some(why), None, now).await?;
            }
            Err(Error::Upstream(error)) if is_final(error) || entry.attempts >= TRIES => {
                let (state, why) = (OutboxState::Failed, error.to_string());
                query::finish(&mut tx, entry, state, Some(&why), None, now).await?;
                let (ticket, error) = (entry.number, why);
                tracing::warn!(ticket, error, "A change of a ticket could not be sent");
            }
            Err(Error::Upstream(error)) => {
                let again = next_try(error, entry.attempts, now);
                query::postpone(&mut tx, entry, again, &error.to_string()).await?;
            }
            Err(_) => {}
        }
        tx.commit().await?;
        let changed = match delivered {
            Ok(Delivery::Superseded(_)) => true,
            Ok(Delivery::Done(_)) => entry.kind == OutboxKind::Status,
            Err(Error::Upstream(_)) => false,
            Err(error) => return Err(error),
        };
        if changed && let Err(error) = self.refresh_ticket(&Scope::system(), entry.number).await {
            // The next run brings it.
            tracing::debug!(error = error.chain(), "A ticket could not be read back");
        }
        Ok(())
    }

    async fn deliver(
        &self,
        psa: &dyn Tickets,
        entry: &OutboxEntry,
        until: DateTime<Utc>,
    ) -> Result<Delivery> {
        let (context, number) = (self.call_context(), entry.number);
        let in_time = || {
            let too_slow = || UpstreamError::too_slow(psa.provider(), "outbox", LOOK);
            (self.now() + WRITE < until)
                .then_some(())
                .ok_or_else(too_slow)
        };
        match (entry.kind, entry.status_id, &entry.note) {
            (OutboxKind::Status, Some(wanted), _) => {
                let Some(status) = psa.status(context, number).await? else {
                    let why = "the PSA has no such ticket any more";
                    return Ok(Delivery::Superseded(why.into()));
                };
                if status == wanted {
                    return Ok(Delivery::Done(None));
                }
                if !entry.base_status_ids.0.contains(&status) {
                    let statuses = self.ticket_statuses().await?;
                    let label = statuses.of(status).label;
                    let why = format!("the PSA has set the status to {label} meanwhile");
                    return Ok(Delivery::Superseded(why));
                }
                in_time()?;
                psa.set_status(context, number, wanted).await?;
                Ok(Delivery::Done(None))
            }
            (OutboxKind::Note, _, Some(text)) => {
                // Whether a try that failed has arrived nevertheless.
                if entry.attempts > 1 {
                    let known = query::sent_notes(&self.0.db, number).await?;
                    let since = entry.created_at - PAUSE;
                    let found = psa.find_note(context, number, text, since, &known);
                    if let Some(id) = found.await? {
                        return Ok(Delivery::Done(Some(id)));
                    }
                }
                in_time()?;
                let id = psa.add_note(context, number, text).await?;
                Ok(Delivery::Done(Some(id)))
            }
            _ => Err(Error::Corrupt {
                what: format!("change {} in the outbox", entry.id),
                source: None,
            }),
        }
    }
}

/// Whether the PSA would say the same again.
fn is_final(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::NotFound { .. } | UpstreamError::Forbidden { .. } => true,
        UpstreamError::Status { code, .. } => (400..500).contains(code),
        _ => false,
    }
}

fn next_try(error: &UpstreamError, attempts: i64, now: DateTime<Utc>) -> DateTime<Utc> {
    let doubled = u32::try_from(attempts - 1).unwrap_or(0).min(10);
    let pause = (PAUSE * 2_i32.pow(doubled)).min(LONGEST_PAUSE);
    let asked = match error {
        UpstreamError::Blocked { until, .. } => Some(*until),
        UpstreamError::RateLimited {
            retry_after: Some(wait),
            ..
        } => TimeDelta::from_std(*wait).ok().map(|wait| now + wait),
        _ => None,
    };
    asked.map_or(now + pause, |asked| asked.max(now + PAUSE))
}
