//! All companies with everything that they have, in one answer (contract 1.2.B).

use crate::{
    Result, Scope,
    assets::{self, wire::AssetOut},
    codex::Codex,
    companies::{self, Company},
    contacts::{self, wire::ContactOut},
    export::download::{Ahead, Download, Sink, Size},
    ids::CompanyId,
    locations::{self, wire::LocationOut},
    store::Db,
    tickets::{
        ShownTicket,
        query::{self, TicketFilter, WithConversations},
        service::PAGE,
        status::Statuses,
        wire::CompanyTicketOut,
    },
};

/// Companies that are read together: few, since one may have thousands of assets and the first byte waits for them.
const COMPANIES: usize = 8;

/// The tickets of a bulk answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkTickets {
    /// Only those last changed in this year (UTC).
    pub year: Option<i32>,
}

impl Codex {
    /// A JSON array of all companies with a number, each with its assets, contacts and locations, and with its
    /// tickets when `tickets` says so. Memory does not grow with the answer.
    ///
    /// # Errors
    /// [`crate::Error::Busy`], [`crate::Error::Invalid`] for a year that the calendar does not have.
    pub async fn bulk(&self, scope: &Scope, tickets: Option<BulkTickets>) -> Result<Download> {
        let filter = tickets
            .map(|tickets| TicketFilter::of_year(tickets.year))
            .transpose()?;
        let scope = scope.clone();
        self.download(Size::Everything, async move |codex, mut sink| {
            let statuses = codex.ticket_statuses().await?;
            let (seen, with_tickets) = (scope.clone(), filter.is_some());
            let mut parts = codex
                .read_ahead(async move |codex, ahead| read(&codex, &seen, filter, &ahead).await);
            let end = if with_tickets { "]}" } else { "}" };
            let mut begun = false;
            let mut tickets = Tickets::default();
            sink.text("[");
            while let Some(part) = parts.next().await? {
                match part {
                    Part::Companies(companies) => {
                        for own in companies {
                            if std::mem::replace(&mut begun, true) {
                                sink.text(end);
                                sink.text(",");
                            }
                            own.write(&scope, &mut sink)?;
                            if with_tickets {
                                sink.text(",\"tickets\":[");
                                tickets = Tickets::default();
                            }
                            sink.flow().await?;
                        }
                    }
                    Part::Tickets(page) => tickets.write(page, &statuses, &mut sink).await?,
                }
            }
            if begun {
                sink.text(end);
            }
            sink.text("]\n");
            Ok(sink)
        })
        .await
    }

    /// A JSON array of a company's tickets with what was said on each, last changed first; of one year (UTC)
    /// when `year` says so. Memory does not grow with the answer.
    ///
    /// # Errors
    /// As [`Codex::bulk`]; what fits on a page waits for nobody.
    pub async fn company_tickets(
        &self,
        scope: &Scope,
        company: &Company,
        year: Option<i32>,
    ) -> Result<Download> {
        let (scope, company) = (scope.clone(), company.id);
        let filter = TicketFilter::of_year(year)?;
        let mut ids = query::of_companies(&self.0.db, &scope, &[company], &filter).await?;
        let ids = ids.remove(&company).unwrap_or_default();
        let size = if ids.len() <= PAGE as usize {
            Size::Page
        } else {
            Size::Company
        };
        self.download(size, async move |codex, mut sink| {
            let statuses = codex.ticket_statuses().await?;
            let mut pages = codex.read_ahead(async move |codex, ahead| {
                let pages = codex.ticket_pages(&scope, company, &ids, &ahead, |page| page);
                pages.await
            });
            let mut tickets = Tickets::default();
            sink.text("[");
            while let Some(page) = pages.next().await? {
                tickets.write(page, &statuses, &mut sink).await?;
            }
            sink.text("]\n");
            Ok(sink)
        })
        .await
    }
}

/// What is read at once.
enum Part {
    /// Companies with what they have.
    Companies(Vec<Own>),
    /// Tickets of the company that was read last.
    Tickets(Vec<WithConversations<ShownTicket>>),
}

/// Reads all companies with a number, and the tickets of each behind it where `filter` says which. By ids, since a
/// company that gets another name meanwhile moves in the order of names.
async fn read(
    codex: &Codex,
    scope: &Scope,
    filter: Option<TicketFilter>,
    ahead: &Ahead<Part>,
) -> Result<()> {
    let db = &codex.0.db;
    for ids in companies::query::ids(db, scope).await?.chunks(COMPANIES) {
        let chunk = Own::of(db, companies::query::of_ids(db, scope, ids).await?).await?;
        let Some(filter) = &filter else {
            ahead.put(Part::Companies(chunk)).await?;
            continue;
        };
        let tickets = query::of_companies(db, scope, ids, filter).await?;
        for own in chunk {
            let company = own.company.id;
            ahead.put(Part::Companies(vec![own])).await?;
            let own = tickets.get(&company).map(Vec::as_slice).unwrap_or_default();
            codex
                .ticket_pages(scope, company, own, ahead, Part::Tickets)
                .await?;
        }
    }
    Ok(())
}

/// A company with what it has.
struct Own {
    company: Company,
    assets: Vec<assets::ShownAsset>,
    contacts: Vec<contacts::ShownContact>,
    locations: Vec<locations::Location>,
}

impl Own {
    async fn of(db: &Db, companies: Vec<Company>) -> Result<Vec<Self>> {
        let ids: Vec<CompanyId> = companies.iter().map(|company| company.id).collect();
        let mut assets = assets::query::of_companies(db, &ids).await?;
        let mut contacts = contacts::query::of_companies(db, &ids).await?;
        let mut locations = locations::query::of_companies(db, &ids).await?;
        let own = companies.into_iter().map(|company| Self {
            assets: assets.remove(&company.id).unwrap_or_default(),
            contacts: contacts.remove(&company.id).unwrap_or_default(),
            locations: locations.remove(&company.id).unwrap_or_default(),
            company,
        });
        Ok(own.collect())
    }

    /// Writes the company without its end: tickets may follow.
    fn write(self, scope: &Scope, sink: &mut Sink) -> Result<()> {
        let level = self.company.compliance_level();
        let own = self.assets.into_iter();
        let own: Vec<_> = own.map(|asset| AssetOut::shown(asset, level)).collect();
        sink.text("{\"assets\":");
        sink.json(&own)?;
        sink.text(",\"company\":");
        sink.json(&companies::wire::seen_by(&self.company, scope))?;
        let own = self.contacts.into_iter();
        let own: Vec<_> = own
            .map(|contact| ContactOut::shown(contact, level))
            .collect();
        sink.text(",\"contacts\":");
        sink.json(&own)?;
        let own = self.locations.iter();
        let own: Vec<_> = own
            .map(|location| LocationOut::new(location, level))
            .collect();
        sink.text(",\"locations\":");
        sink.json(&own)
    }
}

/// An array of tickets that is written a page at a time, without its brackets.
#[derive(Default)]
struct Tickets {
    begun: bool,
}

impl Tickets {
    async fn write(
        &mut self,
        page: Vec<WithConversations<ShownTicket>>,
        statuses: &Statuses,
        sink: &mut Sink,
    ) -> Result<()> {
        for WithConversations { ticket, said } in page {
            if std::mem::replace(&mut self.begun, true) {
                sink.text(",");
            }
            sink.json(&CompanyTicketOut::shown(ticket, said.0, statuses))?;
            sink.flow().await?;
        }
        Ok(())
    }
}
