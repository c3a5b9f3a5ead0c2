//! Contacts, assets and locations that people keep, and what people have deleted.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Codex,
    bulk_write::{Assets, Contacts},
    idempotency::step_done,
};
use crate::{
    Error, Result, Scope,
    agents::Agent,
    assets::{self, Asset},
    billing_plans::BillingPlan,
    changes::{Author, Resource as _, by_kind, deleted, live},
    companies::Company,
    contacts::Contact,
    feature_options::FeatureOption,
    ids::{AssetId, ContactId, LocationId},
    locations::{self, Location},
    overrides::Override,
    paging::{Page, PageRequest},
    records::DeletedOut,
};

impl Codex {
    /// Makes a contact; gives its id.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Invalid`] naming a company or asset that is not
    /// there, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn create_contact(
        &self,
        scope: &Scope,
        author: &Author,
        body: Map<String, Value>,
    ) -> Result<ContactId> {
        scope.require_technician("making contacts")?;
        let id = self.make(author, Contacts::default(), body).await?;
        Ok(ContactId(id))
    }

    /// Corrects a contact; `false` when there is none that the caller sees.
    ///
    /// # Errors
    /// As [`Codex::create_contact`], and [`Error::Changed`].
    pub async fn update_contact(
        &self,
        scope: &Scope,
        author: &Author,
        id: ContactId,
        body: Map<String, Value>,
    ) -> Result<bool> {
        scope.require_technician("changing contacts")?;
        self.correct(author, Contacts::default(), id.0, body).await
    }

    /// Makes an asset; gives its id.
    ///
    /// # Errors
    /// As [`Codex::create_contact`].
    pub async fn create_asset(
        &self,
        scope: &Scope,
        author: &Author,
        body: Map<String, Value>,
    ) -> Result<AssetId> {
        scope.require_technician("making assets")?;
        let id = self.make(author, Assets::default(), body).await?;
        Ok(AssetId(id))
    }

    /// Corrects an asset; `false` when there is none that the caller sees.
    ///
    /// # Errors
    /// As [`Codex::create_contact`], and [`Error::Changed`].
    pub async fn update_asset(
        &self,
        scope: &Scope,
        author: &Author,
        id: AssetId,
        body: Map<String, Value>,
    ) -> Result<bool> {
        scope.require_technician("changing assets")?;
        self.correct(author, Assets::default(), id.0, body).await
    }

    /// Makes `contacts` the people who use an asset; `false` when there is no such live asset.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a contact that is not there, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn assign_contacts(
        &self,
        scope: &Scope,
        author: &Author,
        asset: AssetId,
        contacts: &BTreeSet<ContactId>,
    ) -> Result<bool> {
        scope.require_technician("assigning assets")?;
        let mut tx = self.0.db.begin().await?;
        if live::<Asset>(&mut tx, std::iter::once(asset.0))
            .await?
            .is_empty()
        {
            return Ok(false);
        }
        let ids: Vec<ContactId> = contacts.iter().copied().collect();
        let live = live::<Contact>(&mut tx, ids.iter().map(|id| id.0)).await?;
        let known = assets::contacts::known(&live, &ids, "contact")?;
        let wanted = HashMap::from([(asset, known)]);
        let outcome = assets::contacts::assign(&mut tx, author, &wanted).await?;
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// Adds a location to a company.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn create_location(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        body: Map<String, Value>,
    ) -> Result<Location> {
        scope.require_technician("making locations")?;
        let mut fields = locations::wire::stated(body, true)?;
        fields.insert("company_id".into(), json!(company.id));
        let id = self.create::<Location>(scope, author, fields).await?;
        let made = self.location(scope, company, LocationId(id)).await?;
        made.ok_or_else(|| Error::conflict("the location was deleted meanwhile"))
    }

    /// Corrects a location of a company; `None` when the company has none such.
    ///
    /// # Errors
    /// As [`Codex::create_location`], and [`Error::Changed`].
    pub async fn update_location(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        id: LocationId,
        body: Map<String, Value>,
    ) -> Result<Option<Location>> {
        if self.location(scope, company, id).await?.is_none() {
            return Ok(None);
        }
        scope.require_technician("changing locations")?;
        let fields = locations::wire::stated(body, false)?;
        self.edit::<Location>(scope, author, id.0, fields).await?;
        self.location(scope, company, id).await
    }

    /// Deletes a location of a company; `false` when the company has none such.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`], [`Error::DryRun`].
    pub async fn delete_location(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        id: LocationId,
    ) -> Result<bool> {
        scope.require_technician("deleting locations")?;
        if self.location(scope, company, id).await?.is_none() {
            return Ok(false);
        }
        self.delete::<Location>(scope, author, id.0).await
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

    /// A page of the records of a kind that people have deleted, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown kind, or a limit out of range; [`Error::Forbidden`].
    pub async fn deleted_records(
        &self,
        scope: &Scope,
        kind: &str,
        page: &PageRequest,
    ) -> Result<Page<DeletedOut>> {
        require_keeper(scope, kind)?;
        let listed = by_kind!(kind, R => deleted::list::<R>(&self.0.db, page).await);
        listed.unwrap_or_else(|| Err(no_such_kind(kind)))
    }

    /// Undoes a deletion by hand; `false` when no person has deleted such a record.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown kind, [`Error::Conflict`] when another record has taken its
    /// place, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn restore(
        &self,
        scope: &Scope,
        author: &Author,
        kind: &str,
        id: i64,
    ) -> Result<bool> {
        require_keeper(scope, kind)?;
        if step_done::<()>(0)?.is_some() {
            return Ok(true);
        }
        let mut tx = self.begin_step(0).await?;
        let mut door = self.door(&mut tx, author);
        let restored = by_kind!(kind, R => door.restore::<R>(id).await);
        let restored = restored.unwrap_or_else(|| Err(no_such_kind(kind)))?;
        let Some(outcome) = restored else {
            return Ok(false);
        };
        Self::conclude_step(tx, author, outcome, 0, &()).await?;
        Ok(true)
    }
}

/// Lets those through who may delete records of a kind.
fn require_keeper(scope: &Scope, kind: &str) -> Result<()> {
    let what = "keeping deleted records of this kind";
    match kind {
        Agent::KIND => scope.require_admin(what),
        BillingPlan::KIND | FeatureOption::KIND | Override::KIND => scope.require_billing(what),
        _ => scope.require_technician(what),
    }
}

fn no_such_kind(kind: &str) -> Error {
    Error::invalid("kind", format!("there is no kind of record `{kind}`"))
}
