//! Companies and what belongs to one.

use codex_core::{
    assets::wire::AssetOut,
    companies::wire::{CompanyIn, CompanyOut, RenumberIn, Renumbered},
    contacts::wire::ContactOut,
    locations::wire::LocationOut,
};
use serde::de::DeserializeOwned;

use crate::{Result, request::Requester};

/// Calls about companies.
#[derive(Debug)]
pub struct Companies<'c>(pub(crate) &'c Requester);

impl Companies<'_> {
    /// All companies that have an account number, by name.
    pub async fn list(&self) -> Result<Vec<CompanyOut>> {
        self.0.get(&["api", "companies"], &[]).await
    }

    /// One company.
    pub async fn get(&self, account_number: &str) -> Result<CompanyOut> {
        self.0.get(&["api", "companies", account_number], &[]).await
    }

    /// Corrects a company by hand; gives it as it is now. What is stated wins over every source.
    pub async fn update(&self, account_number: &str, edit: &CompanyIn) -> Result<CompanyOut> {
        self.0
            .put(&["api", "companies", account_number], edit)
            .await
    }

    /// Gives a company another account number; the old one leads to it for ever. Vendors do not follow,
    /// nor does what Ledger has stored under the old number.
    pub async fn renumber(&self, account_number: &str, wanted: &str) -> Result<Renumbered> {
        let path = ["api", "companies", account_number, "renumber"];
        let body = RenumberIn {
            account_number: wanted.to_owned(),
        };
        self.0.post_json(&path, &body).await
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
