//! Companies and what belongs to one.

use codex_core::{
    assets::wire::AssetOut, companies::wire::CompanyOut, contacts::wire::ContactOut,
    locations::wire::LocationOut,
};

use crate::{Result, request::Requester};

/// Calls about companies.
#[derive(Debug)]
pub struct Companies<'c>(pub(crate) &'c Requester);

impl Companies<'_> {
    /// All companies that have an account number, by name.
    pub async fn list(&self) -> Result<Vec<CompanyOut>> {
        Ok(self.0.get(&["api", "companies"], &[]).await?.body)
    }

    /// One company.
    pub async fn get(&self, account_number: &str) -> Result<CompanyOut> {
        Ok(self
            .0
            .get(&["api", "companies", account_number], &[])
            .await?
            .body)
    }

    /// A company's assets, by host name.
    pub async fn assets(&self, account_number: &str) -> Result<Vec<AssetOut>> {
        Ok(self
            .0
            .get(&["api", "companies", account_number, "assets"], &[])
            .await?
            .body)
    }

    /// A company's contacts, by name.
    pub async fn contacts(&self, account_number: &str) -> Result<Vec<ContactOut>> {
        Ok(self
            .0
            .get(&["api", "companies", account_number, "contacts"], &[])
            .await?
            .body)
    }

    /// A company's locations.
    pub async fn locations(&self, account_number: &str) -> Result<Vec<LocationOut>> {
        Ok(self
            .0
            .get(&["api", "companies", account_number, "locations"], &[])
            .await?
            .body)
    }
}
