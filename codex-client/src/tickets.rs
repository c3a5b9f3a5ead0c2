//! Tickets.

use codex_core::tickets::{
    psa::{PsaActiveTicketOut, PsaTicketOut},
    wire::{
        ActiveOut, CompanyTicketOut, TicketDetailOut, TicketOut, TicketUpdateIn, TicketUpdateOut,
        TicketsOut,
    },
};

use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::{
    Creation, Filter, Records, Result,
    page::{Query, with_filters},
    request::{Call, Requester, json},
};

const PATH: [&str; 2] = ["api", "tickets"];

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
    /// A column to sort by, `-` before it for the largest first; `-last_updated_at` when not given.
    pub sort: Option<String>,
    /// Only tickets whose subject or number holds all words of this term.
    pub q: Option<String>,
    /// Only tickets that fit all of these.
    pub filters: Vec<Filter>,
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

impl TicketOptions {
    fn query(&self) -> Query<'static> {
        given([
            ("company_id", self.company.clone()),
            ("status", self.status.clone()),
            ("priority", self.priority.clone()),
            ("limit", self.limit.map(|limit| limit.to_string())),
            ("offset", self.offset.map(|offset| offset.to_string())),
            ("created_from", self.created_from.clone()),
            ("created_to", self.created_to.clone()),
            ("updated_from", self.updated_from.clone()),
            ("updated_to", self.updated_to.clone()),
            ("sort", self.sort.clone()),
            ("q", self.q.clone()),
        ])
    }

    fn url(&self, requester: &Requester) -> Result<Url> {
        let mut url = requester.url(&PATH, &self.query())?;
        with_filters(&mut url, &self.filters);
        Ok(url)
    }
}

impl Tickets<'_> {
    /// Part of a list, last changed first.
    pub async fn list(&self, options: &TicketOptions) -> Result<TicketsOut> {
        let call = Call::get(options.url(self.0)?);
        self.0.send(&call).await?.decode(json)
    }

    /// Every ticket that `options` let through, last changed first, page after page as they are asked for.
    pub fn stream(&self, options: &TicketOptions) -> Records<TicketOut> {
        let url = options.url(self.0);
        self.0.stream(url.map(Call::get), |body| {
            let part: TicketsOut = json(body)?;
            Ok(part.tickets)
        })
    }

    /// As [`Tickets::stream`], but only these keys of each ticket, tracked fields among them: as a type of one's
    /// own, or as [`serde_json::Map`].
    pub fn select<T: DeserializeOwned + Send + 'static>(
        &self,
        fields: &[&str],
        options: &TicketOptions,
    ) -> Records<T> {
        #[derive(Deserialize)]
        struct Part<T> {
            tickets: Vec<T>,
        }
        let url = options.url(self.0).map(|mut url| {
            url.query_pairs_mut()
                .append_pair("fields", &fields.join(","));
            url
        });
        self.0.stream(url.map(Call::get), |body| {
            let part: Part<T> = json(body)?;
            Ok(part.tickets)
        })
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

    /// A ticket with its conversations and notes.
    pub async fn get(&self, number: i64) -> Result<TicketDetailOut> {
        self.0
            .get(&["api", "ticket", &number.to_string()], &[])
            .await
    }

    /// As [`Tickets::get`], but only these keys, what is kept beside a ticket among them, such as `time_entries`: as a
    /// type of one's own, or as [`serde_json::Map`].
    pub async fn get_fields<T: DeserializeOwned>(&self, number: i64, fields: &[&str]) -> Result<T> {
        let query = [("fields", fields.join(","))];
        let path = ["api", "ticket", &number.to_string()];
        self.0.get(&path, &query).await
    }

    /// Changes the status or adds a private note.
    pub fn update(&self, number: i64, update: &TicketUpdateIn) -> Creation<TicketUpdateOut> {
        self.0
            .create(&["api", "ticket", &number.to_string(), "update"], update)
    }

    /// A company's tickets with their conversations and notes; with a year, those that last changed in it.
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
