//! Records of people's own, their corrections and deletions.

use serde_json::{Map, Value};

use super::{Codex, idempotency::step_done};
use crate::{
    Error, Result, Scope,
    changes::{Author, Outcome, Resource, door::Door, view},
    claims::query::ACCOUNT_NUMBERS,
    store::Tx,
};

const CHANGING: &str = "changing records";

impl Codex {
    /// Makes a record that people keep; gives its row id.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn create<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        fields: Map<String, Value>,
    ) -> Result<i64> {
        scope.require_technician(CHANGING)?;
        if let Some(id) = step_done(0)? {
            return Ok(id);
        }
        let mut tx = self.begin_step(0).await?;
        let (ids, outcome) = self.door(&mut tx, author).create::<R>(vec![fields]).await?;
        let id = ids.first().copied().unwrap_or_default();
        Self::conclude_step(tx, author, outcome, 0, &id).await?;
        Ok(id)
    }

    /// States fields of a record by hand; they win over every source until they are released.
    /// `None` when there is no such live record.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Forbidden`], [`Error::Changed`], [`Error::DryRun`].
    pub async fn edit<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
        fields: Map<String, Value>,
    ) -> Result<Option<Outcome>> {
        scope.require_technician(CHANGING)?;
        let mut tx = self.0.db.begin().await?;
        let outcome = self.door(&mut tx, author).edit::<R>(id, fields).await?;
        let Some(outcome) = outcome else {
            return Ok(None);
        };
        Self::conclude(tx, author, outcome).await.map(Some)
    }

    /// Deletes a record for the people: no sync brings it back, [`Codex::restore`] does. `false` when there is
    /// no such live record.
    ///
    /// # Errors
    /// As [`Codex::edit`].
    pub async fn delete<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
    ) -> Result<bool> {
        scope.require_technician("deleting records")?;
        let mut tx = self.0.db.begin().await?;
        let (found, outcome) = self.door(&mut tx, author).delete::<R>(&[id]).await?;
        if found.is_empty() {
            return Ok(false);
        }
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// Ends a change: makes it last, or, when the author only wants to know, tells what it would do.
    pub(super) async fn conclude(mut tx: Tx, author: &Author, outcome: Outcome) -> Result<Outcome> {
        if author.dry_run {
            let changes = view::changes_out(tx.query(ACCOUNT_NUMBERS), outcome.changes).await?;
            tx.rollback().await?;
            return Err(Error::DryRun {
                changes,
                rows: None,
            });
        }
        tx.commit().await?;
        Ok(outcome)
    }

    pub(super) fn door<'t>(&'t self, tx: &'t mut Tx, author: &'t Author) -> Door<'t> {
        Door {
            tx,
            author,
            precedence: &self.0.precedence,
        }
    }
}
