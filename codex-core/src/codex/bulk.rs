//! All companies with everything that they have, in one answer (contract 1.2.B).

use std::collections::HashMap;

use super::{
    Codex,
    download::{Download, Sink},
};
use crate::{
    Result, Scope,
    assets::{self, wire::AssetOut},
    companies::{self, Company},
    contacts::{self, wire::ContactOut},
    ids::CompanyId,
    locations::{self, wire::LocationOut},
    tickets::{query::TicketFilter, status::Statuses, wire::CompanyTicketOut},
};

/// Companies that are read together: few, since one may have thousands of assets.
const COMPANIES: usize = 20;
/// Tickets that are read together, each with all that was said on it.
const TICKETS: i64 = 250;

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
        self.download(async move |codex, mut sink| {
            let statuses = codex.ticket_statuses().await?;
            sink.text("[");
            let mut companies = codex.companies(&scope).await?.into_iter();
            let mut first = true;
            loop {
                let chunk: Vec<Company> = companies.by_ref().take(COMPANIES).collect();
                if chunk.is_empty() {
                    break;
                }
                let mut parts = Parts::read(&codex, &chunk).await?;
                for company in chunk {
                    if !std::mem::take(&mut first) {
                        sink.text(",");
                    }
                    parts.write(&scope, &company, &mut sink)?;
                    if let Some(filter) = &filter {
                        sink.text(",\"tickets\":");
                        let filter = TicketFilter {
                            company: Some(company.id),
                            ..filter.clone()
                        };
                        write_tickets(&codex, &scope, &statuses, filter, &mut sink).await?;
                    }
                    sink.text("}");
                    sink.flow().await?;
                }
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
    /// As [`Codex::bulk`].
    pub async fn company_tickets(
        &self,
        scope: &Scope,
        company: &Company,
        year: Option<i32>,
    ) -> Result<Download> {
        let filter = TicketFilter {
            company: Some(company.id),
            ..TicketFilter::of_year(year)?
        };
        let scope = scope.clone();
        self.download(async move |codex, mut sink| {
            let statuses = codex.ticket_statuses().await?;
            write_tickets(&codex, &scope, &statuses, filter, &mut sink).await?;
            sink.text("\n");
            Ok(sink)
        })
        .await
    }
}

/// What some companies have.
struct Parts {
    assets: HashMap<CompanyId, Vec<assets::ShownAsset>>,
    contacts: HashMap<CompanyId, Vec<contacts::Contact>>,
    locations: HashMap<CompanyId, Vec<locations::Location>>,
}

impl Parts {
    async fn read(codex: &Codex, companies: &[Company]) -> Result<Self> {
        let ids: Vec<CompanyId> = companies.iter().map(|company| company.id).collect();
        let db = &codex.0.db;
        Ok(Self {
            assets: assets::query::of_companies(db, &ids).await?,
            contacts: contacts::query::of_companies(db, &ids).await?,
            locations: locations::query::of_companies(db, &ids).await?,
        })
    }

    /// Writes a company without the brace that ends it.
    fn write(&mut self, scope: &Scope, company: &Company, sink: &mut Sink) -> Result<()> {
        let level = company.compliance_level();
        let own = self.assets.remove(&company.id).unwrap_or_default();
        let own: Vec<_> = own
            .into_iter()
            .map(|asset| AssetOut::shown(asset, level))
            .collect();
        sink.text("{\"assets\":");
        sink.json(&own)?;
        sink.text(",\"company\":");
        sink.json(&companies::wire::seen_by(company, scope))?;
        let own = self.contacts.remove(&company.id).unwrap_or_default();
        let own: Vec<_> = own
            .iter()
            .map(|contact| ContactOut::new(contact, level))
            .collect();
        sink.text(",\"contacts\":");
        sink.json(&own)?;
        let own = self.locations.remove(&company.id).unwrap_or_default();
        let own: Vec<_> = own
            .iter()
            .map(|location| LocationOut::new(location, level))
            .collect();
        sink.text(",\"locations\":");
        sink.json(&own)
    }
}

/// Writes tickets as an array, a page at a time.
async fn write_tickets(
    codex: &Codex,
    scope: &Scope,
    statuses: &Statuses,
    mut filter: TicketFilter,
    sink: &mut Sink,
) -> Result<()> {
    sink.text("[");
    let mut first = true;
    loop {
        let page = codex.ticket_page(scope, &filter, TICKETS).await?;
        let more = i64::try_from(page.len()) == Ok(TICKETS);
        for (ticket, said) in &page {
            if !std::mem::take(&mut first) {
                sink.text(",");
            }
            sink.json(&CompanyTicketOut::new(ticket, said, statuses))?;
            sink.flow().await?;
        }
        filter.before = page.last().map(|(ticket, _)| ticket.place());
        if !more {
            break;
        }
    }
    sink.text("]");
    Ok(())
}
