//! Corrections by people.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Codex;
use crate::{
    Result, Scope, assets,
    changes::{Author, Outcome, Resource, door::Door},
    ids::{AssetId, ContactId},
    store::Tx,
};

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
