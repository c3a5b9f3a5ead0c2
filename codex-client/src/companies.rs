//! Companies and what belongs to one.

use codex_core::{
    assets::wire::AssetOut,
    bulk::{BulkAction, BulkOut},
    companies::wire::{CompanyBundleOut, CompanyIn, CompanyOut, RenumberIn, Renumbered},
    contacts::wire::ContactOut,
    locations::wire::{LocationIn, LocationOut},
};
use serde::de::DeserializeOwned;

use crate::{
    Creation, Edit, ListOptions, Page, Reading, Records, Result, bulk, request::Requester,
};

/// The tickets of a bulk answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct BulkTickets {
    /// Only those last changed in this year (UTC).
    pub year: Option<i32>,
}

const PATH: [&str; 2] = ["api", "companies"];

fn location<'p>(account_number: &'p str, id: &'p str) -> [&'p str; 5] {
    ["api", "companies", account_number, "locations", id]
}

/// Calls about companies.
#[derive(Debug)]
pub struct Companies<'c>(pub(crate) &'c Requester);

impl Companies<'_> {
    /// All companies that have an account number, by name.
    pub async fn list(&self) -> Result<Vec<CompanyOut>> {
        self.0.get(&["api", "companies"], &[]).await
    }

    /// A page of them, by name or as `options` say.
    pub async fn page(&self, options: &ListOptions) -> Result<Page<CompanyOut>> {
        self.0.page(&PATH, &options.in_order("name")).await
    }

    /// Every company that `options` let through, page after page as they are asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<CompanyOut> {
        self.0.records(&PATH, &options.in_order("name"))
    }

    /// As [`Companies::stream`], but only these keys of each record, tracked fields among them: as a type of
    /// one's own, or as [`serde_json::Map`].
    pub fn select<T: DeserializeOwned + Send + 'static>(
        &self,
        fields: &[&str],
        options: &ListOptions,
    ) -> Records<T> {
        self.0.chosen(&PATH, fields, &options.in_order("name"))
    }

    /// One company.
    pub fn get(&self, account_number: &str) -> Reading<CompanyOut> {
        self.0.read(&["api", "companies", account_number])
    }

    /// Updates a company; returns it as it is now. Fields that are sent become manual values and win over every source
    /// until released.
    pub fn update(&self, account_number: &str, edit: &CompanyIn) -> Edit<CompanyOut> {
        self.0.put(&["api", "companies", account_number], edit)
    }

    /// Creates a company; it gets a free account number unless `company` states one.
    pub fn create(&self, company: &CompanyIn) -> Creation<CompanyOut> {
        self.0.create(&["api", "companies"], company)
    }

    /// Deletes a company. No sync brings it back; [`crate::Deleted::restore`] does.
    pub fn delete(&self, account_number: &str) -> Edit<()> {
        self.0.delete(&["api", "companies", account_number])
    }

    /// All companies with everything that belongs to them, as a stream; with tickets when `tickets` says so. One call,
    /// which may take an hour.
    pub fn bulk(&self, tickets: Option<BulkTickets>) -> Records<CompanyBundleOut> {
        let mut query = Vec::new();
        if let Some(tickets) = tickets {
            query.push(("include_tickets", "true".to_owned()));
            query.extend(tickets.year.map(|year| ("year", year.to_string())));
        }
        self.0.items(&["api", "companies", "bulk"], query)
    }

    /// Creates or updates many companies, by account number; a row without one is a new company. With `atomic` all rows
    /// are written or none.
    pub fn bulk_write(
        &self,
        rows: &[CompanyIn],
        action: BulkAction,
        atomic: bool,
    ) -> Creation<BulkOut> {
        bulk::write(self.0, "companies", rows, action, atomic)
    }

    /// Adds a location to a company.
    pub fn create_location(
        &self,
        account_number: &str,
        location: &LocationIn,
    ) -> Creation<LocationOut> {
        let path = ["api", "companies", account_number, "locations"];
        self.0.create(&path, location)
    }

    /// One location of a company.
    pub fn location(&self, account_number: &str, id: i64) -> Reading<LocationOut> {
        self.0.read(&location(account_number, &id.to_string()))
    }

    /// Updates a location of a company; returns it as it is now.
    pub fn update_location(
        &self,
        account_number: &str,
        id: i64,
        edit: &LocationIn,
    ) -> Edit<LocationOut> {
        self.0.put(&location(account_number, &id.to_string()), edit)
    }

    /// Deletes a location of a company. No sync brings it back.
    pub fn delete_location(&self, account_number: &str, id: i64) -> Edit<()> {
        self.0.delete(&location(account_number, &id.to_string()))
    }

    /// Renumbers a company; the old account number stays an alias. Vendors are not changed, nor is what Ledger has
    /// stored under the old number.
    pub fn renumber(&self, account_number: &str, wanted: &str) -> Creation<Renumbered> {
        let path = ["api", "companies", account_number, "renumber"];
        let body = RenumberIn {
            account_number: wanted.to_owned(),
        };
        self.0.create(&path, &body)
    }

    /// A company's assets, by host name.
    pub async fn assets(&self, account_number: &str) -> Result<Vec<AssetOut>> {
        self.part(account_number, "assets").await
    }

    /// A company's contacts, by name; inactive ones too.
    pub async fn contacts(&self, account_number: &str) -> Result<Vec<ContactOut>> {
        self.part(account_number, "contacts").await
    }

    /// A company's contacts under their other name.
    pub async fn users(&self, account_number: &str) -> Result<Vec<ContactOut>> {
        self.part(account_number, "users").await
    }

    /// Every location of a company that `options` let through, the oldest first unless they say otherwise, but only
    /// these keys of each: as [`Companies::select`].
    pub fn select_locations<T: DeserializeOwned + Send + 'static>(
        &self,
        account_number: &str,
        fields: &[&str],
        options: &ListOptions,
    ) -> Records<T> {
        let path = ["api", "companies", account_number, "locations"];
        self.0.chosen(&path, fields, &options.in_order("id"))
    }

    /// A company's locations.
    pub async fn locations(&self, account_number: &str) -> Result<Vec<LocationOut>> {
        self.part(account_number, "locations").await
    }

    async fn part<T: DeserializeOwned>(&self, account_number: &str, part: &str) -> Result<T> {
        self.0
            .get(&["api", "companies", account_number, part], &[])
            .await
    }
}
