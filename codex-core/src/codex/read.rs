//! Reading: each method takes the [`Scope`] of whoever asks.

use super::Codex;
use crate::{
    Result, Scope,
    assets::{self, Asset},
    companies::{self, Company, CompanyRef},
    contacts::{self, Contact, query::ContactCompanies},
    ids::{AssetId, CompanyId, ContactId},
    locations::{self, Location},
    paging::{Page, PageRequest},
    psa_agents::{self, PsaAgent},
    site_links::{self, SiteLink},
};

impl Codex {
    /// All companies with an account number that the caller sees, by name.
    pub async fn companies(&self, scope: &Scope) -> Result<Vec<Company>> {
        companies::query::list(&self.0.db, scope).await
    }

    /// A page of the companies with an account number, by name.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming what cannot be listed by.
    pub async fn companies_page(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Company>> {
        companies::query::page(&self.0.db, scope, page).await
    }

    /// The company with an account number.
    pub async fn company(&self, scope: &Scope, account_number: &str) -> Result<Option<Company>> {
        companies::query::find(&self.0.db, scope, account_number).await
    }

    /// The company with a row id.
    pub async fn company_by_id(&self, scope: &Scope, id: CompanyId) -> Result<Option<Company>> {
        companies::query::find_by_id(&self.0.db, scope, id).await
    }

    /// The assets of a company, by host name.
    pub async fn company_assets(&self, scope: &Scope, company: CompanyId) -> Result<Vec<Asset>> {
        assets::query::of_company(&self.0.db, scope, company).await
    }

    /// The contacts of a company, by name.
    pub async fn company_contacts(
        &self,
        scope: &Scope,
        company: CompanyId,
    ) -> Result<Vec<Contact>> {
        contacts::query::of_company(&self.0.db, scope, company).await
    }

    /// The locations of a company.
    pub async fn company_locations(
        &self,
        scope: &Scope,
        company: CompanyId,
    ) -> Result<Vec<Location>> {
        locations::query::of_company(&self.0.db, scope, company).await
    }

    /// A page of them, the oldest first unless another order is asked for.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a limit out of range, an unknown column, a value that does not fit its
    /// column.
    pub async fn company_locations_page(
        &self,
        scope: &Scope,
        company: CompanyId,
        page: &PageRequest,
    ) -> Result<Page<Location>> {
        locations::query::page(&self.0.db, scope, company, page).await
    }

    /// A contact, with the strictest compliance level of its companies.
    pub async fn contact(&self, scope: &Scope, id: ContactId) -> Result<Option<(Contact, String)>> {
        contacts::query::find(&self.0.db, scope, id).await
    }

    /// A page of contacts, by name, each with what the caller sees of its companies.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a limit out of range.
    pub async fn contacts(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
        page: &PageRequest,
    ) -> Result<Page<(Contact, ContactCompanies)>> {
        contacts::query::list(&self.0.db, scope, company, page).await
    }

    /// An asset, with the compliance level of its company.
    pub async fn asset(&self, scope: &Scope, id: AssetId) -> Result<Option<(Asset, String)>> {
        assets::query::find(&self.0.db, scope, id).await
    }

    /// The company of an asset that the caller may see.
    pub async fn company_of_asset(&self, asset: &Asset) -> Result<Option<CompanyRef>> {
        let assets = std::slice::from_ref(asset);
        let companies = assets::query::companies_of(&self.0.db, assets).await?;
        Ok(companies.into_values().next())
    }

    /// The contacts who use an asset, by name.
    pub async fn asset_contacts(&self, scope: &Scope, asset: AssetId) -> Result<Vec<Contact>> {
        assets::contacts::of_asset(&self.0.db, scope, asset).await
    }

    /// A page of assets, by host name, each with its company.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a limit out of range.
    pub async fn assets(
        &self,
        scope: &Scope,
        company: Option<CompanyId>,
        page: &PageRequest,
    ) -> Result<Page<(Asset, Option<CompanyRef>)>> {
        assets::query::list(&self.0.db, scope, company, page).await
    }

    /// The PSA's agents, active ones first.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn psa_agents(&self, scope: &Scope, provider: Option<&str>) -> Result<Vec<PsaAgent>> {
        psa_agents::query::list(&self.0.db, scope, provider).await
    }

    /// The links between RMM sites and companies.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn site_links(&self, scope: &Scope) -> Result<Vec<SiteLink>> {
        site_links::query::list(&self.0.db, scope).await
    }

    /// What a client user may see: companies that an administrator opened to `sub`, else those of exactly
    /// one active contact with the e-mail address.
    pub async fn client_scope(&self, sub: &str, email: Option<&str>) -> Result<Scope> {
        Ok(Scope::client(
            companies::query::of_client(&self.0.db, sub, email).await?,
        ))
    }
}
