//! Tickets.

use serde_json::{Map, Value, json};

use crate::{
    Error, Outcome, Result, Scope,
    codex::Codex,
    export::download::{Ahead, Parts},
    idempotency::step_done,
    ids::{CompanyId, TicketId},
    list::{Page, PageRequest, StaffFields as _},
    records::{
        Author, Resource as _, WriteSummary,
        patch::{NUL, fits},
    },
    tickets::{
        Conversation, ShownTicket, Ticket,
        beside::{self, Beside},
        psa::PsaActiveTicketOut,
        query::{self, TicketFilter, WithConversations},
        status::{self, Statuses},
        threads,
        wire::{ActiveOut, TicketUpdateIn, TicketUpdateOut},
    },
};

/// More active tickets than a board can show.
const MAX_ACTIVE: i64 = 20_000;
/// Statuses of the PSA's own list of active tickets (contract 1.2.E).
const PSA_ACTIVE: [&str; 4] = ["open", "pending", "waiting_customer", "on_hold"];
/// Tickets that a download reads together, each with all that was said on it.
pub(crate) const PAGE: u32 = 250;
/// A ticket of an export.
#[derive(Debug)]
pub(crate) struct ExportedTicket {
    pub shown: ShownTicket,
    /// What was said on it, for clients.
    pub said: Vec<Conversation>,
    /// Its fields for staff.
    pub fields: Map<String, Value>,
    /// What is kept beside it, for staff: what was said with more in it than answers have.
    pub beside: Map<String, Value>,
}

/// The longest note.
const MAX_NOTE: usize = 100_000;

impl Codex {
    /// What status numbers mean: the configuration's words, then the account's labels.
    pub async fn ticket_statuses(&self) -> Result<Statuses> {
        query::statuses(&self.0.db, &self.0.statuses).await
    }

    /// The first [`MAX_ACTIVE`] tickets of a list, and how many it has.
    async fn first_tickets(
        &self,
        scope: &Scope,
        filter: &TicketFilter,
    ) -> Result<(Vec<Ticket>, i64)> {
        let db = &self.0.db;
        let mut tickets = query::first(db, scope, filter, MAX_ACTIVE).await?;
        let found = i64::try_from(tickets.len()).unwrap_or(i64::MAX);
        let total = if found < MAX_ACTIVE {
            found
        } else {
            query::count(db, scope, filter).await?
        };
        let each = tickets.iter_mut();
        each.for_each(|ticket| self.redact_for_scope(scope, ticket));
        Ok((tickets, total))
    }

    /// A page of the tickets that a filter leaves, sorted and narrowed as `page` says; last changed first unless it
    /// says otherwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming what cannot be listed by.
    pub async fn tickets_page(
        &self,
        scope: &Scope,
        filter: &TicketFilter,
        page: &PageRequest,
    ) -> Result<Page<Ticket>> {
        let statuses = self.ticket_statuses().await?;
        let mut page = query::listed(&self.0.db, scope, filter, page, &statuses).await?;
        let each = page.items.iter_mut();
        each.for_each(|ticket| self.redact_for_scope(scope, ticket));
        Ok(page)
    }

    /// A ticket by its number, with what was said on it, oldest first.
    pub async fn ticket(
        &self,
        scope: &Scope,
        number: i64,
    ) -> Result<Option<(Ticket, Vec<Conversation>)>> {
        let found = query::find(&self.0.db, scope, number).await?;
        Ok(found.map(|WithConversations { mut ticket, said }| {
            self.redact_for_scope(scope, &mut ticket);
            (ticket, said.0)
        }))
    }

    /// What staff may choose of tickets beside their tracked fields: the `wanted` keys of [`beside::BESIDE`], by
    /// ticket. Clients get nothing: private notes and time entries are among it.
    pub async fn beside_tickets(
        &self,
        scope: &Scope,
        tickets: &[TicketId],
        wanted: &[&str],
    ) -> Result<Beside> {
        if scope.companies().is_some() || wanted.is_empty() {
            return Ok(Beside::new());
        }
        beside::read(&self.0.db, tickets, wanted).await
    }

    /// Clients see neither agents nor what time entries say.
    fn redact_for_scope(&self, scope: &Scope, ticket: &mut Ticket) {
        ticket.minutes = self.worked(scope, ticket.minutes);
        if scope.companies().is_some() {
            (ticket.fields.responder_id, ticket.fields.group_id) = (None, None);
        }
    }

    fn worked(&self, scope: &Scope, minutes: Option<i64>) -> Option<i64> {
        match minutes {
            _ if scope.companies().is_some() => None,
            Some(0) => Some(self.0.unworked_minutes),
            minutes => minutes,
        }
    }

    /// Reads what is shown of tickets of a company with what was said on each, in the order of `ids`: a page at a
    /// time, each put as a part. By ids, since a ticket that changes meanwhile moves in every other order.
    pub(crate) async fn ticket_pages<P: Send>(
        &self,
        scope: &Scope,
        company: CompanyId,
        ids: &[TicketId],
        ahead: &Ahead<P>,
        part: fn(Vec<WithConversations<ShownTicket>>) -> P,
    ) -> Result<()> {
        for ids in ids.chunks(PAGE as usize) {
            let mut page = query::shown(&self.0.db, scope, company, ids).await?;
            self.count_shown(scope, &mut page);
            ahead.put(part(page)).await?;
        }
        Ok(())
    }

    /// All tickets as the caller sees them in an export, in pages that are read ahead.
    pub(crate) fn tickets_ahead(&self, scope: Scope) -> Parts<Vec<ExportedTicket>> {
        self.read_ahead(async move |codex, ahead| {
            let mut last = TicketId(0);
            loop {
                let page = match scope.companies() {
                    None => codex.whole_tickets(&scope, last).await?,
                    Some(_) => codex.shown_tickets(&scope, last).await?,
                };
                let Some(ticket) = page.last() else {
                    return Ok(());
                };
                last = ticket.shown.id;
                ahead.put(page).await?;
            }
        })
    }

    /// Every field of the first tickets behind one by their rows, for staff.
    async fn whole_tickets(&self, scope: &Scope, last: TicketId) -> Result<Vec<ExportedTicket>> {
        let tickets = query::behind(&self.0.db, scope, last, PAGE).await?;
        self.exported(scope, tickets).await
    }

    /// Every field of some tickets, for staff.
    async fn exported(&self, scope: &Scope, tickets: Vec<Ticket>) -> Result<Vec<ExportedTicket>> {
        let ids: Vec<TicketId> = tickets.iter().map(|ticket| ticket.id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut beside = beside::read(&self.0.db, &ids, &beside::BESIDE).await?;
        let exported = tickets.into_iter().map(|mut ticket| {
            self.redact_for_scope(scope, &mut ticket);
            ExportedTicket {
                shown: (&ticket).into(),
                said: Vec::new(),
                fields: ticket.staff_fields(),
                beside: beside.remove(&ticket.id).unwrap_or_default(),
            }
        });
        Ok(exported.collect())
    }

    /// What is shown of them, for clients.
    async fn shown_tickets(&self, scope: &Scope, last: TicketId) -> Result<Vec<ExportedTicket>> {
        let page = query::shown_behind(&self.0.db, scope, last, PAGE).await?;
        Ok(self.shown(scope, page))
    }

    /// Tickets of a list as the caller sees them in an export, in the order of their row ids here. With all that was
    /// said on them: at most [`PAGE`] at once.
    pub(crate) async fn exported_tickets(
        &self,
        scope: &Scope,
        ids: &[i64],
    ) -> Result<Vec<ExportedTicket>> {
        let db = &self.0.db;
        if scope.companies().is_none() {
            let tickets = query::of_ids(db, scope, ids).await?;
            return self.exported(scope, tickets).await;
        }
        let page = query::shown_of_ids(db, scope, ids).await?;
        Ok(self.shown(scope, page))
    }

    fn shown(
        &self,
        scope: &Scope,
        mut page: Vec<WithConversations<ShownTicket>>,
    ) -> Vec<ExportedTicket> {
        self.count_shown(scope, &mut page);
        let exported = page.into_iter().map(|found| ExportedTicket {
            shown: found.ticket,
            said: found.said.0,
            fields: Map::new(),
            beside: Map::new(),
        });
        exported.collect()
    }

    fn count_shown(&self, scope: &Scope, page: &mut [WithConversations<ShownTicket>]) {
        let each = page.iter_mut();
        each.for_each(|found| found.ticket.minutes = self.worked(scope, found.ticket.minutes));
    }

    /// The board of the tickets that somebody works on, and how many there are: of very many those that changed last
    /// are on it. 0 stands for any group or agent.
    pub async fn active_tickets(
        &self,
        scope: &Scope,
        group: Option<i64>,
        responder: Option<i64>,
    ) -> Result<(ActiveOut, i64)> {
        let statuses = self.ticket_statuses().await?;
        // Clients see no agents, and so cannot ask by them.
        let staff = scope.companies().is_none();
        let filter = TicketFilter {
            not_statuses: Some(statuses.closed()),
            group: group.filter(|id| staff && *id != 0),
            responder: responder.filter(|id| staff && *id != 0),
            ..TicketFilter::default()
        };
        let (tickets, total) = self.first_tickets(scope, &filter).await?;
        let agents = query::agents(&self.0.db, &self.providers().psa).await?;
        let last_sync = if staff {
            query::last_sync(&self.0.db).await?
        } else {
            None
        };
        let mut board = ActiveOut::new(tickets, &statuses, &agents, last_sync, self.now());
        board.total_active = usize::try_from(total).unwrap_or(usize::MAX);
        Ok((board, total))
    }

    /// The PSA's tickets that are open, pending, on hold or wait for the customer, the most urgent first; of
    /// one PSA when it is named. And how many there are, as on the board.
    pub async fn active_psa_tickets(
        &self,
        scope: &Scope,
        provider: Option<&str>,
    ) -> Result<(Vec<PsaActiveTicketOut>, i64)> {
        let statuses = self.ticket_statuses().await?;
        let wanted = PSA_ACTIVE.iter().flat_map(|word| statuses.ids(word));
        let filter = TicketFilter {
            source: provider.map(str::to_owned),
            statuses: Some(wanted.collect()),
            ..TicketFilter::default()
        };
        let (mut tickets, total) = self.first_tickets(scope, &filter).await?;
        // They come last changed first, which stays among those of one priority.
        tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.fields.priority_id));
        let agents = query::all_agents(&self.0.db, &self.providers().psa).await?;
        let out = |ticket| PsaActiveTicketOut::new(ticket, &statuses, &agents);
        Ok((tickets.iter().map(out).collect(), total))
    }

    /// Changes the status of a ticket and adds a private note, here at once, and puts both on their way to
    /// the PSA ([`Codex::outbox`]); `None` when there is no such ticket. The status holds until the PSA's
    /// own changes. A note is added even when the status that comes with it is unknown: what was not done is said.
    ///
    /// # Errors
    /// [`Error::Invalid`] for nothing but a status that is unknown, for a status or a note that is too long or
    /// holds NUL;
    /// [`Error::Forbidden`].
    pub async fn update_ticket(
        &self,
        scope: &Scope,
        author: &Author,
        number: i64,
        update: &TicketUpdateIn,
    ) -> Result<Option<Outcome<TicketUpdateOut>>> {
        scope.require(Ticket::WRITTEN_BY, "changing tickets")?;
        if let Some(answer) = step_done(0)? {
            return Ok(Some(Outcome::Applied(answer)));
        }
        // Whether there is such a ticket is judged before what is said of it.
        if !query::is_live(&self.0.db, number).await? {
            return Ok(None);
        }
        let note = update
            .notes
            .as_deref()
            .filter(|text| !text.trim().is_empty());
        if note.is_some_and(|text| text.len() > MAX_NOTE) {
            let message = format!("is longer than {MAX_NOTE} bytes");
            return Err(Error::invalid("notes", message));
        }
        if note.is_some_and(|text| text.contains('\0')) {
            return Err(Error::invalid("notes", NUL));
        }
        let name = update.status.as_deref().map(str::trim);
        let name = name.filter(|name| !name.is_empty());
        if let Some(name) = name {
            // What no status can be called is a broken request, not an unknown word.
            if name.contains('\0') {
                return Err(Error::invalid("status", NUL));
            }
            fits(name, true).map_err(|message| Error::invalid("status", message))?;
        }
        let statuses = self.ticket_statuses().await?;
        let status = name.and_then(|name| statuses.to_set(name));
        let unknown = name.filter(|_| status.is_none()).map(|name| {
            let known = statuses.words().join(", ");
            format!("no status is called `{name}`; there are {known}")
        });
        let mut done = Updated::default();
        match (unknown, note) {
            (Some(unknown), None) => return Err(Error::invalid("status", unknown)),
            (Some(unknown), Some(_)) => done.leave("status", &unknown),
            (None, _) => {}
        }
        if update.assigned_to.is_some() {
            done.leave("assigned_to", "who works on a ticket is set at the PSA");
        }
        let source_status = match status {
            Some(_) => self.source_status(number).await?,
            None => None,
        };
        let mut tx = self.begin_step(0).await?;
        let Some(id) = query::id(&mut tx, number).await? else {
            return Ok(None);
        };
        let mut summary = WriteSummary::default();
        if let Some(status) = status {
            let fields = Map::from_iter([("status_id".to_owned(), json!(status))]);
            let mut writer = self.writer(&mut tx, author);
            let edited = writer.edit::<Ticket>(id.0, fields).await?;
            summary = edited.unwrap_or_default();
            self.enqueue_status(&mut tx, author, number, status, source_status)
                .await?;
            let word = statuses.of(status).word;
            done.add(format!("the status is `{word}`"));
        }
        if let Some(text) = note {
            let note = threads::add_note(&mut tx, id, author, text).await?;
            self.enqueue_note(&mut tx, author, number, note).await?;
            done.add("a private note was added".to_owned());
        }
        if status.is_some() || note.is_some() {
            threads::bump_revision(&mut tx, id, author.at).await?;
        }
        let answer = done.answer(number);
        let updated = Self::conclude_step(tx, author, summary, 0, answer);
        updated.await.map(Some)
    }

    /// The filter for a status by word or label; one that nothing is called matches nothing.
    pub async fn status_filter(&self, name: &str) -> Result<Vec<i64>> {
        Ok(self.ticket_statuses().await?.ids(name))
    }

    /// The filter for a priority by word or label; one that nothing is called matches nothing.
    pub fn priority_filter(name: &str) -> i64 {
        status::priority_id(name).unwrap_or(-1)
    }
}

/// What an update has done and left.
#[derive(Debug, Default)]
struct Updated {
    done: Vec<String>,
    left: Vec<String>,
    not_done: Vec<String>,
}

impl Updated {
    fn add(&mut self, what: String) {
        self.done.push(what);
    }

    fn leave(&mut self, key: &str, why: &str) {
        self.not_done.push(key.to_owned());
        self.left.push(format!("`{key}` changed nothing: {why}"));
    }

    fn answer(self, number: i64) -> TicketUpdateOut {
        let mut message = if self.done.is_empty() {
            format!("Ticket {number}: nothing was changed")
        } else {
            format!("Ticket {number} updated: {}", self.done.join(", "))
        };
        for left in self.left {
            message.push_str("; ");
            message.push_str(&left);
        }
        TicketUpdateOut {
            message,
            not_done: self.not_done,
            success: true,
            ticket_id: number,
        }
    }
}
