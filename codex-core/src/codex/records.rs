//! Contacts, assets and locations that people keep, and what people have deleted.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Codex;
use crate::{
    Error, Result, Scope,
    agents::Agent,
    assets::{self, Asset},
    billing_plans::BillingPlan,
    changes::{Author, Outcome, Resource as _, by_kind, deleted},
    companies::Company,
    contacts::{self, Contact},
    feature_options::FeatureOption,
    ids::{AssetId, ContactId, LocationId},
    locations::{self, Location},
    overrides::Override,
    paging::{Page, PageRequest},
    records::DeletedOut,
    store::Tx,
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
        let stated = contacts::wire::stated(body, None)?;
        let mut tx = self.0.db.begin().await?;
        let mut door = self.door(&mut tx, author);
        let (ids, mut outcome) = door.create::<Contact>(vec![stated.fields.clone()]).await?;
        let id = ids.first().copied().unwrap_or_default();
        outcome.add(link_contact(&mut tx, author, id, &stated).await?);
        Self::conclude(tx, author, outcome).await?;
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
        let Some((contact, _)) = self.contact(scope, id).await? else {
            return Ok(false);
        };
        let stated = contacts::wire::stated(body, Some(&contact.fields))?;
        let mut tx = self.0.db.begin().await?;
        let mut door = self.door(&mut tx, author);
        let edited = door.edit::<Contact>(id.0, stated.fields.clone()).await?;
        let Some(mut outcome) = edited else {
            return Ok(false);
        };
        outcome.add(link_contact(&mut tx, author, id.0, &stated).await?);
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
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
        let stated = assets::wire::stated(body, true)?;
        let mut tx = self.0.db.begin().await?;
        let fields = asset_fields(&mut tx, &stated).await?;
        let mut door = self.door(&mut tx, author);
        let (ids, mut outcome) = door.create::<Asset>(vec![fields]).await?;
        let id = AssetId(ids.first().copied().unwrap_or_default());
        outcome.add(link_asset(&mut tx, author, id, &stated).await?);
        Self::conclude(tx, author, outcome).await?;
        Ok(id)
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
        let stated = assets::wire::stated(body, false)?;
        let mut tx = self.0.db.begin().await?;
        let fields = asset_fields(&mut tx, &stated).await?;
        let edited = self
            .door(&mut tx, author)
            .edit::<Asset>(id.0, fields)
            .await?;
        let Some(mut outcome) = edited else {
            return Ok(false);
        };
        outcome.add(link_asset(&mut tx, author, id, &stated).await?);
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
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
        let assigned = assets::contacts::assign(&mut tx, author, asset, contacts).await?;
        let Some(outcome) = assigned else {
            return Ok(false);
        };
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
    /// [`Error::Invalid`] for a kind that there is not, or a limit out of range; [`Error::Forbidden`].
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
    /// [`Error::Invalid`] for a kind that there is not, [`Error::Conflict`] when another record has taken its
    /// place, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn restore(
        &self,
        scope: &Scope,
        author: &Author,
        kind: &str,
        id: i64,
    ) -> Result<bool> {
        require_keeper(scope, kind)?;
        let mut tx = self.0.db.begin().await?;
        let mut door = self.door(&mut tx, author);
        let restored = by_kind!(kind, R => door.restore::<R>(id).await);
        let restored = restored.unwrap_or_else(|| Err(no_such_kind(kind)))?;
        let Some(outcome) = restored else {
            return Ok(false);
        };
        Self::conclude(tx, author, outcome).await?;
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

async fn link_contact(
    tx: &mut Tx,
    author: &Author,
    id: i64,
    stated: &contacts::wire::Stated,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if let Some(numbers) = &stated.companies {
        let companies = contacts::companies::by_number(tx, numbers).await?;
        outcome.add(contacts::companies::assign(tx, author, id, &companies).await?);
    }
    if let Some(assets) = &stated.assets {
        let assets = assets.iter().map(|id| AssetId(*id)).collect();
        outcome.add(assets::contacts::assign_to(tx, author, ContactId(id), &assets).await?);
    }
    Ok(outcome)
}

/// The fields of an asset together with its company.
async fn asset_fields(tx: &mut Tx, stated: &assets::wire::Stated) -> Result<Map<String, Value>> {
    let mut fields = stated.fields.clone();
    if let Some(company) = &stated.company {
        let company = match company {
            Some(number) => {
                let held =
                    crate::companies::rules::holders(tx, std::iter::once(number.as_str()), false);
                let unknown = || {
                    let message = format!("there is no company {number}");
                    Error::invalid("company_account_number", message)
                };
                Some(*held.await?.get(number).ok_or_else(unknown)?)
            }
            None => None,
        };
        fields.insert("company_id".into(), json!(company));
    }
    Ok(fields)
}

async fn link_asset(
    tx: &mut Tx,
    author: &Author,
    id: AssetId,
    stated: &assets::wire::Stated,
) -> Result<Outcome> {
    let Some(contacts) = &stated.contacts else {
        return Ok(Outcome::default());
    };
    let contacts = contacts.iter().map(|id| ContactId(*id)).collect();
    let assigned = assets::contacts::assign(tx, author, id, &contacts).await?;
    Ok(assigned.unwrap_or_default())
}
