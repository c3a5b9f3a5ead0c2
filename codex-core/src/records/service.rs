//! Manual records, edits, deletions and restores through [`Codex`].

pub(crate) mod names;

use serde_json::{Map, Value};

use super::{Author, DeletedOut, Outcome, Resource, deleted, writer::RecordWriter};
use crate::{
    Access, Error, Result, Scope,
    claims::{changes::changes_out, query::ACCOUNT_NUMBERS},
    codex::Codex,
    idempotency::step_done,
    kinds::{KINDS, by_kind},
    list::{Page, PageRequest},
    store::Tx,
};

const CHANGING: &str = "changing records";

impl Codex {
    /// Creates a manual record; gives its row id.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn create<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        fields: Map<String, Value>,
    ) -> Result<i64> {
        scope.require(R::WRITTEN_BY, CHANGING)?;
        if let Some(id) = step_done(0)? {
            return Ok(id);
        }
        let mut tx = self.begin_step(0).await?;
        let (ids, outcome) = self
            .writer(&mut tx, author)
            .create::<R>(vec![fields])
            .await?;
        let id = ids.first().copied().unwrap_or_default();
        Self::conclude_step(tx, author, outcome, 0, &id).await?;
        Ok(id)
    }

    /// Sets manual values of a record. They win over every source until they are released. `None` when there is no such
    /// live record.
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
        scope.require(R::WRITTEN_BY, CHANGING)?;
        let mut tx = self.0.db.begin().await?;
        let outcome = self.writer(&mut tx, author).edit::<R>(id, fields).await?;
        let Some(outcome) = outcome else {
            return Ok(None);
        };
        Self::conclude(tx, author, outcome).await.map(Some)
    }

    /// Deletes a record. No sync brings it back, only [`Codex::restore`] does. `false` when there is no such live
    /// record.
    ///
    /// # Errors
    /// As [`Codex::edit`].
    pub async fn delete<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
    ) -> Result<bool> {
        scope.require(R::WRITTEN_BY, "deleting records")?;
        let mut tx = self.0.db.begin().await?;
        let (found, outcome) = self.writer(&mut tx, author).delete::<R>(&[id]).await?;
        if found.is_empty() {
            return Ok(false);
        }
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// Ends a change: commits it, or, in a dry run, rolls it back and returns what it would change.
    pub(crate) async fn conclude(mut tx: Tx, author: &Author, outcome: Outcome) -> Result<Outcome> {
        if author.dry_run {
            let changes = changes_out(tx.query(ACCOUNT_NUMBERS), outcome.changes).await?;
            tx.rollback().await?;
            return Err(Error::DryRun {
                changes,
                rows: None,
            });
        }
        tx.commit().await?;
        Ok(outcome)
    }

    /// The record writer of a transaction.
    pub(crate) fn writer<'t>(&'t self, tx: &'t mut Tx, author: &'t Author) -> RecordWriter<'t> {
        RecordWriter {
            tx,
            author,
            precedence: &self.0.precedence,
        }
    }

    /// The kinds of which a caller may see the deleted records and restore them.
    pub fn restorable_kinds(&self, scope: &Scope) -> Vec<&'static str> {
        let mut kinds = KINDS.to_vec();
        kinds.retain(|kind| is_keeper(scope, kind));
        kinds
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

    /// Restores a record that a person deleted; `false` when there is no such record.
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
        let mut writer = self.writer(&mut tx, author);
        let restored = by_kind!(kind, R => writer.restore::<R>(id).await);
        let restored = restored.unwrap_or_else(|| Err(no_such_kind(kind)))?;
        let Some(outcome) = restored else {
            return Ok(false);
        };
        Self::conclude_step(tx, author, outcome, 0, &()).await?;
        Ok(true)
    }
}

/// Whether a caller may delete and restore records of a kind.
fn is_keeper(scope: &Scope, kind: &str) -> bool {
    let access = by_kind!(kind, R => R::WRITTEN_BY);
    access.is_some_and(|access| access.has(scope.role()))
}

/// Refuses callers who may not delete and restore records of a kind. Who may write no records does not learn which
/// kinds there are.
fn require_keeper(scope: &Scope, kind: &str) -> Result<()> {
    let access = by_kind!(kind, R => R::WRITTEN_BY);
    let access = access.unwrap_or(Access::Technicians);
    scope.require(access, "keeping deleted records of this kind")
}

fn no_such_kind(kind: &str) -> Error {
    Error::invalid("kind", format!("there is no kind of record `{kind}`"))
}
