//! Corrections by people.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Codex;
use crate::{
    Error, Result, Scope, assets,
    changes::{Author, Outcome, Resource, door::Door},
    companies::{self, Company, wire::Renumbered},
    ids::{AssetId, ContactId},
    store::Tx,
};

/// Digits of an account number (contract 3.4).
const DIGITS: usize = 6;

impl Codex {
    /// States fields of a record by hand; they win over every source until they are released.
    /// `None` when there is no such live record.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming the field, [`crate::Error::Forbidden`].
    pub async fn edit<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
        fields: Map<String, Value>,
    ) -> Result<Option<Outcome>> {
        scope.require_technician("changing records")?;
        let mut tx = self.0.db.begin().await?;
        let outcome = self.door(&mut tx, author).edit::<R>(id, fields).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Takes manual values back, so that what the sources say shows again.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`].
    pub async fn release<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
        fields: &[&str],
    ) -> Result<Option<Outcome>> {
        scope.require_technician("changing records")?;
        let mut tx = self.0.db.begin().await?;
        let outcome = self.door(&mut tx, author).release::<R>(id, fields).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    /// Gives a company another account number; the old one leads to it for ever. `None` when there is no
    /// such company.
    ///
    /// Neither vendors nor Ledger's own tables follow.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number that has not six digits, [`Error::Conflict`] naming the company
    /// that has it or had it, [`Error::Forbidden`].
    pub async fn renumber_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
        wanted: &str,
    ) -> Result<Option<Renumbered>> {
        scope.require_admin("renumbering companies")?;
        if wanted.len() != DIGITS || !wanted.bytes().all(|byte| byte.is_ascii_digit()) {
            let message = format!("`{wanted}` has not {DIGITS} digits");
            return Err(Error::invalid("account_number", message));
        }
        let Some(company) = self.company(scope, account_number).await? else {
            return Ok(None);
        };
        let mut tx = self.0.db.begin().await?;
        let held = companies::rules::holders(&mut tx, std::iter::once(wanted), true).await?;
        if let Some(holder) = held.get(wanted).filter(|holder| **holder != company.id.0) {
            let message = format!("account number {wanted} belongs to company {holder}");
            return Err(Error::conflict(message));
        }
        let fields = Map::from_iter([("account_number".to_owned(), json!(wanted))]);
        let before = company.fields.account_number.filter(|old| old != wanted);
        if before.is_some() {
            let mut door = self.door(&mut tx, author);
            door.edit::<Company>(company.id.0, fields).await?;
            let (at, actor) = (author.at, author.actor.as_str());
            companies::aliases::swap(&mut tx, company.id, before.as_deref(), wanted, actor, at)
                .await?;
        }
        tx.commit().await?;
        Ok(Some(Renumbered {
            account_number: wanted.to_owned(),
            previous: companies::aliases::of_company(&self.0.db, company.id).await?,
        }))
    }

    /// Makes `contacts` the people who use an asset; `false` when there is no such live asset.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming a contact that is not there, [`crate::Error::Forbidden`].
    pub async fn assign_contacts(
        &self,
        scope: &Scope,
        author: &Author,
        asset: AssetId,
        contacts: &BTreeSet<ContactId>,
    ) -> Result<bool> {
        scope.require_technician("assigning assets")?;
        let mut tx = self.0.db.begin().await?;
        let done = assets::contacts::assign(&mut tx, author, asset, contacts).await?;
        tx.commit().await?;
        Ok(done)
    }

    pub(super) fn door<'t>(&'t self, tx: &'t mut Tx, author: &'t Author) -> Door<'t> {
        Door {
            tx,
            author,
            precedence: &self.0.precedence,
        }
    }
}
