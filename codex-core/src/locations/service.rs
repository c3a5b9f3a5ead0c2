//! Reading and writing locations.

use serde_json::json;

use super::{self as locations, Location, LocationIn};
use crate::{
    Error, Outcome, Result, Scope,
    codex::Codex,
    companies::{self, COMPANY_ID, Company, CompanyRef},
    ids::{CompanyId, LocationId},
    list::{Page, PageRequest},
    records::{Author, Intent, RecordBody as _, Resource as _},
};

impl Codex {
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
        locations::query::page(&self.0.db, scope, Some(company), page).await
    }

    /// A page of all locations that the caller sees, the oldest first unless another order is asked for, each with its
    /// company.
    ///
    /// # Errors
    /// As [`Codex::company_locations_page`].
    pub async fn locations_page(
        &self,
        scope: &Scope,
        page: &PageRequest,
    ) -> Result<Page<(Location, Option<CompanyRef>)>> {
        let page = locations::query::page(&self.0.db, scope, None, page).await?;
        let ids = page
            .items
            .iter()
            .filter_map(|location| location.fields.company_id);
        let companies = companies::query::refs(&self.0.db, ids).await?;
        Ok(page.map(|location| {
            let company = location.fields.company_id;
            let company = company.and_then(|id| companies.get(&id)).cloned();
            (location, company)
        }))
    }

    /// A location by its id, with its company.
    pub async fn location_with_company(
        &self,
        scope: &Scope,
        id: LocationId,
    ) -> Result<Option<(Location, Option<CompanyRef>)>> {
        let Some(location) = locations::query::find(&self.0.db, scope, id).await? else {
            return Ok(None);
        };
        let companies = companies::query::refs(&self.0.db, location.fields.company_id).await?;
        Ok(Some((location, companies.into_values().next())))
    }

    /// A location of a company.
    pub async fn location(
        &self,
        scope: &Scope,
        company: &Company,
        id: LocationId,
    ) -> Result<Option<Location>> {
        let own = self.company_locations(scope, company.id).await?;
        Ok(own.into_iter().find(|location| location.id == id))
    }

    /// Adds a location to a company.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`].
    pub async fn create_location(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        location: &LocationIn,
    ) -> Result<Outcome<Location>> {
        scope.require(Location::WRITTEN_BY, "making locations")?;
        let mut fields = location.checked(Intent::Create)?;
        fields.insert(COMPANY_ID.into(), json!(company.id));
        let created = self.create::<Location>(scope, author, fields).await?;
        let location = |id| async move {
            let location = self.location(scope, company, LocationId(id)).await?;
            location.ok_or_else(|| Error::conflict("the location was deleted meanwhile"))
        };
        created.then(location).await
    }

    /// Updates a location of a company; `None` when the company has no such location.
    ///
    /// # Errors
    /// As [`Codex::create_location`], and [`Error::Changed`].
    pub async fn update_location(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        id: LocationId,
        edit: &LocationIn,
    ) -> Result<Option<Outcome<Location>>> {
        if self.location(scope, company, id).await?.is_none() {
            return Ok(None);
        }
        let updated = self.update_location_by_id(scope, author, id, edit).await?;
        let Some(updated) = updated else {
            return Ok(None);
        };
        let updated = updated.then(|()| self.location(scope, company, id));
        Ok(updated.await?.transpose())
    }

    /// Updates a location by its id alone; `None` when there is none that the caller may see.
    ///
    /// # Errors
    /// As [`Codex::update_location`].
    pub async fn update_location_by_id(
        &self,
        scope: &Scope,
        author: &Author,
        id: LocationId,
        edit: &LocationIn,
    ) -> Result<Option<Outcome>> {
        let found = locations::query::find(&self.0.db, scope, id).await?;
        if found.is_none() {
            return Ok(None);
        }
        scope.require(Location::WRITTEN_BY, "changing locations")?;
        let fields = edit.checked(Intent::Update)?;
        self.edit::<Location>(scope, author, id.0, fields).await
    }

    /// Deletes a location of a company; `None` when the company has none such.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn delete_location(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        id: LocationId,
    ) -> Result<Option<Outcome>> {
        scope.require(Location::WRITTEN_BY, "deleting locations")?;
        if self.location(scope, company, id).await?.is_none() {
            return Ok(None);
        }
        self.delete::<Location>(scope, author, id.0).await
    }
}
