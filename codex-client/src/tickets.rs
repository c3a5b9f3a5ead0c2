//! Tickets.

use codex_core::tickets::{
    psa::{PsaActiveTicketOut, PsaTicketOut},
    wire::{
        ActiveOut, CompanyTicketOut, TicketDetailOut, TicketUpdateIn, TicketUpdateOut, TicketsOut,
    },
};

use crate::{Result, request::Requester};

/// Calls about tickets.
#[derive(Debug)]
pub struct Tickets<'c>(pub(crate) &'c Requester);

/// Which part of which tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketOptions {
    /// Account number of the only company.
    pub company: Option<String>,
    /// The only status, such as `open`.
    pub status: Option<String>,
    /// The only priority, such as `high`.
    pub priority: Option<String>,
    /// At most this many; 50 when not given.
    pub limit: Option<u32>,
    /// Pass over this many.
    pub offset: Option<u64>,
    /// Opened from then on: RFC 3339 or YYYY-MM-DD.
    pub created_from: Option<String>,
    /// Opened before then.
    pub created_to: Option<String>,
    /// Last changed from then on.
    pub updated_from: Option<String>,
    /// Last changed before then.
    pub updated_to: Option<String>,
}

/// Which of the PSA's tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PsaTicketOptions {
    /// The only PSA, such as `freshservice`.
    pub provider: Option<String>,
    /// Account number of the only company.
    pub company: Option<String>,
    /// The only status, such as `open`.
    pub status: Option<String>,
    /// At most this many; 100 when not given.
    pub limit: Option<u32>,
}

/// Those that were given.
fn given<const N: usize>(
    texts: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    let texts = texts.into_iter();
    texts
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

impl Tickets<'_> {
    /// Part of a list, last changed first.
    pub async fn list(&self, options: &TicketOptions) -> Result<TicketsOut> {
        let query = given([
            ("company_id", options.company.clone()),
            ("status", options.status.clone()),
            ("priority", options.priority.clone()),
            ("limit", options.limit.map(|limit| limit.to_string())),
            ("offset", options.offset.map(|offset| offset.to_string())),
            ("created_from", options.created_from.clone()),
            ("created_to", options.created_to.clone()),
            ("updated_from", options.updated_from.clone()),
            ("updated_to", options.updated_to.clone()),
        ]);
        self.0.get(&["api", "tickets"], &query).await
    }

    /// The PSA's tickets, last changed first.
    pub async fn of_psa(&self, options: &PsaTicketOptions) -> Result<Vec<PsaTicketOut>> {
        let query = given([
            ("provider", options.provider.clone()),
            ("company", options.company.clone()),
            ("status", options.status.clone()),
            ("limit", options.limit.map(|limit| limit.to_string())),
        ]);
        self.0.get(&["api", "psa", "tickets"], &query).await
    }

    /// The PSA's tickets that somebody works on, the most urgent first.
    pub async fn active_of_psa(&self, provider: Option<&str>) -> Result<Vec<PsaActiveTicketOut>> {
        let query = given([("provider", provider.map(str::to_owned))]);
        self.0
            .get(&["api", "psa", "tickets", "active"], &query)
            .await
    }

    /// The board of active tickets, of one group or agent when they are named.
    pub async fn active(&self, group: Option<i64>, responder: Option<i64>) -> Result<ActiveOut> {
        let ids = [("group_id", group), ("responder_id", responder)];
        let query: Vec<_> = ids
            .into_iter()
            .filter_map(|(name, id)| Some((name, id?.to_string())))
            .collect();
        self.0.get(&["api", "tickets", "active"], &query).await
    }

    /// A ticket with everything said on it.
    pub async fn get(&self, number: i64) -> Result<TicketDetailOut> {
        self.0
            .get(&["api", "ticket", &number.to_string()], &[])
            .await
    }

    /// Changes the status or adds a private note; sent once, because a note sent twice is two notes.
    pub async fn update(&self, number: i64, update: &TicketUpdateIn) -> Result<TicketUpdateOut> {
        self.0
            .post_json(&["api", "ticket", &number.to_string(), "update"], update)
            .await
    }

    /// A company's tickets with everything said on each; those last changed in one year when it is named.
    pub async fn of_company(
        &self,
        account_number: &str,
        year: Option<i32>,
    ) -> Result<Vec<CompanyTicketOut>> {
        let query: Vec<_> = year
            .map(|year| ("year", year.to_string()))
            .into_iter()
            .collect();
        self.0
            .get(&["api", "companies", account_number, "tickets"], &query)
            .await
    }
}
