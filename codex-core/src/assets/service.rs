//! Reading and writing assets.

use std::collections::{BTreeSet, HashMap};

use super::{self as assets, Asset, AssetIn, wire::AssetRow};
use crate::{
    Outcome, Result, Scope,
    bulk::Assets,
    codex::Codex,
    companies::{CompanyRef, ComplianceLevel},
    contacts::Contact,
    ids::{AssetId, CompanyId, ContactId},
    list::{Page, PageRequest, TablePage, TableRows},
    records::{Author, RecordBody as _, Resource as _, live},
};

impl Codex {
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

    /// A page of the table of assets.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a number of rows out of range.
    pub async fn asset_table(
        &self,
        scope: &Scope,
        page: &TablePage,
    ) -> Result<TableRows<AssetRow>> {
        assets::query::table(&self.0.db, scope, page).await
    }

    /// An asset, with the compliance level of its company.
    pub async fn asset(
        &self,
        scope: &Scope,
        id: AssetId,
    ) -> Result<Option<(Asset, ComplianceLevel)>> {
        assets::query::find(&self.0.db, scope, id).await
    }

    /// An asset with its tags and its company.
    pub async fn asset_with_company(
        &self,
        scope: &Scope,
        id: AssetId,
    ) -> Result<Option<(Asset, Option<CompanyRef>)>> {
        let ids = [id.0];
        let found = assets::query::of_ids(&self.0.db, scope, None, &ids, true);
        Ok(found.await?.pop())
    }

    /// The assets that a contact uses, by host name, as far as the caller sees them, each with its company.
    pub async fn contact_assets(
        &self,
        scope: &Scope,
        contact: ContactId,
    ) -> Result<Vec<(Asset, Option<CompanyRef>)>> {
        let ids = assets::contacts::of_contact(&self.0.db, contact).await?;
        assets::query::of_ids(&self.0.db, scope, None, &ids, false).await
    }

    /// The assets of a company, by host name.
    pub async fn company_assets(&self, scope: &Scope, company: CompanyId) -> Result<Vec<Asset>> {
        assets::query::of_company(&self.0.db, scope, company).await
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

    /// The names of an asset's secret fields that have a value, such as `udf2`; none when there is no such asset.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for all who may not reveal them.
    pub async fn asset_secret_names(&self, scope: &Scope, id: AssetId) -> Result<Vec<String>> {
        scope.require_technician("reading secrets")?;
        assets::secrets::names(&self.0.db, id).await
    }

    /// Reveals a secret field of an asset; `None` when the asset or a value is not there. The change log names who has
    /// read it, and never the value.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`].
    pub async fn reveal_asset_secret(
        &self,
        scope: &Scope,
        author: &Author,
        id: AssetId,
        name: &str,
    ) -> Result<Option<String>> {
        scope.require_technician("reading secrets")?;
        let mut tx = self.0.db.begin().await?;
        let Some(value) = assets::secrets::reveal(&mut tx, author, id, name).await? else {
            return Ok(None);
        };
        // The value leaves only when its entry lasts.
        tx.commit().await?;
        Ok(Some(value))
    }

    /// Creates an asset; returns its id.
    ///
    /// # Errors
    /// As [`Codex::create_contact`].
    pub async fn create_asset(
        &self,
        scope: &Scope,
        author: &Author,
        asset: &AssetIn,
    ) -> Result<Outcome<AssetId>> {
        scope.require(Asset::WRITTEN_BY, "making assets")?;
        let stated = asset.stated()?;
        let created = self.make(author, Assets::default(), stated).await?;
        Ok(created.map(AssetId))
    }

    /// Updates an asset; `None` when there is none that the caller may see.
    ///
    /// # Errors
    /// As [`Codex::create_contact`], and [`crate::Error::Changed`].
    pub async fn update_asset(
        &self,
        scope: &Scope,
        author: &Author,
        id: AssetId,
        edit: &AssetIn,
    ) -> Result<Option<Outcome>> {
        scope.require(Asset::WRITTEN_BY, "changing assets")?;
        let stated = edit.stated()?;
        self.correct(author, Assets::default(), id.0, stated).await
    }

    /// Makes `contacts` the people who use an asset; `None` when there is no such live asset.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming a contact that is not there, [`crate::Error::Forbidden`].
    pub async fn assign_contacts(
        &self,
        scope: &Scope,
        author: &Author,
        asset: AssetId,
        contacts: &BTreeSet<ContactId>,
    ) -> Result<Option<Outcome>> {
        scope.require(Asset::WRITTEN_BY, "assigning assets")?;
        let mut tx = self.0.db.begin().await?;
        if live::<Asset>(&mut tx, std::iter::once(asset.0))
            .await?
            .is_empty()
        {
            return Ok(None);
        }
        let ids: Vec<ContactId> = contacts.iter().copied().collect();
        let live = live::<Contact>(&mut tx, ids.iter().map(|id| id.0)).await?;
        let known = assets::contacts::known(&live, &ids, "contact")?;
        let wanted = HashMap::from([(asset, known)]);
        let summary = assets::contacts::assign(&mut tx, author, &wanted).await?;
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }
}
