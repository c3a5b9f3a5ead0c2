//! Reading and writing contacts.

use super::{self as contacts, Contact, ContactIn, query::ContactCompanies, wire::ContactRow};
use crate::{
    Outcome, Result, Scope, assets,
    bulk::Contacts,
    codex::Codex,
    companies::ComplianceLevel,
    ids::{AssetId, CompanyId, ContactId},
    list::{Page, PageRequest, TablePage, TableRows},
    records::{Author, RecordBody as _, Resource as _},
};

impl Codex {
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

    /// A page of the table of contacts.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a number of rows out of range.
    pub async fn contact_table(
        &self,
        scope: &Scope,
        page: &TablePage,
    ) -> Result<TableRows<ContactRow>> {
        contacts::query::table(&self.0.db, scope, page).await
    }

    /// A contact, with the strictest compliance level of its companies.
    pub async fn contact(
        &self,
        scope: &Scope,
        id: ContactId,
    ) -> Result<Option<(Contact, ComplianceLevel)>> {
        contacts::query::find(&self.0.db, scope, id).await
    }

    /// A contact with its tags and what the caller sees of its companies.
    pub async fn contact_with_companies(
        &self,
        scope: &Scope,
        id: ContactId,
    ) -> Result<Option<(Contact, ContactCompanies)>> {
        let ids = [id.0];
        let found = contacts::query::of_ids(&self.0.db, scope, None, &ids, true);
        Ok(found.await?.pop())
    }

    /// The contacts who use an asset, by name, as far as the caller sees them and the asset.
    pub async fn asset_users(
        &self,
        scope: &Scope,
        asset: AssetId,
    ) -> Result<Vec<(Contact, ContactCompanies)>> {
        let users = assets::contacts::of_asset(&self.0.db, scope, asset).await?;
        let ids: Vec<i64> = users.iter().map(|user| user.id.0).collect();
        contacts::query::of_ids(&self.0.db, scope, None, &ids, false).await
    }

    /// The contacts of a company, by name.
    pub async fn company_contacts(
        &self,
        scope: &Scope,
        company: CompanyId,
    ) -> Result<Vec<Contact>> {
        contacts::query::of_company(&self.0.db, scope, company).await
    }

    /// Creates a contact; returns its id.
    ///
    /// # Errors
    /// [`crate::Error::Unprocessable`] with every fault, [`crate::Error::Invalid`] naming a company or asset that is
    /// not there, [`crate::Error::Forbidden`].
    pub async fn create_contact(
        &self,
        scope: &Scope,
        author: &Author,
        contact: &ContactIn,
    ) -> Result<Outcome<ContactId>> {
        scope.require(Contact::WRITTEN_BY, "making contacts")?;
        let stated = contact.stated()?;
        let created = self.make(author, Contacts::default(), stated).await?;
        Ok(created.map(ContactId))
    }

    /// Updates a contact; `None` when there is none that the caller may see.
    ///
    /// # Errors
    /// As [`Codex::create_contact`], and [`crate::Error::Changed`].
    pub async fn update_contact(
        &self,
        scope: &Scope,
        author: &Author,
        id: ContactId,
        edit: &ContactIn,
    ) -> Result<Option<Outcome>> {
        scope.require(Contact::WRITTEN_BY, "changing contacts")?;
        let stated = edit.stated()?;
        self.correct(author, Contacts::default(), id.0, stated)
            .await
    }
}
