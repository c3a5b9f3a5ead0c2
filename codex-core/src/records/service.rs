//! Manual records, edits, deletions and restores through [`Codex`].

pub(crate) mod names;

use serde_json::{Map, Value};

use super::{Author, DeletedOut, Resource, WriteSummary, deleted, writer::RecordWriter};
use crate::{
    Access, Error, Outcome, PlannedChanges, RecordKind, Result, Scope,
    claims::{changes::changes_out, query::ACCOUNT_NUMBERS},
    codex::Codex,
    idempotency::step_done,
    list::{Page, PageRequest},
    store::Tx,
};

const CHANGING: &str = "changing records";

impl Codex {
    /// Creates a manual record; gives its row id.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Forbidden`].
    pub(crate) async fn create<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        fields: Map<String, Value>,
    ) -> Result<Outcome<i64>> {
        scope.require(R::WRITTEN_BY, CHANGING)?;
        if let Some(id) = step_done(0)? {
            return Ok(Outcome::Applied(id));
        }
        let mut tx = self.begin_step(0).await?;
        let (ids, summary) = self
            .writer(&mut tx, author)
            .create::<R>(vec![fields])
            .await?;
        let id = ids.first().copied().unwrap_or_default();
        Self::conclude_step(tx, author, summary, 0, id).await
    }

    /// Sets manual values of a record. They win over every source until they are released. `None` when there is no such
    /// live record.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Forbidden`], [`Error::Changed`].
    pub(crate) async fn edit<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
        fields: Map<String, Value>,
    ) -> Result<Option<Outcome>> {
        scope.require(R::WRITTEN_BY, CHANGING)?;
        let mut tx = self.0.db.begin().await?;
        let summary = self.writer(&mut tx, author).edit::<R>(id, fields).await?;
        let Some(summary) = summary else {
            return Ok(None);
        };
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }

    /// Deletes a record. No sync brings it back, only [`Codex::restore`] does. `None` when there is no such live
    /// record.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn delete<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
    ) -> Result<Option<Outcome>> {
        scope.require(R::WRITTEN_BY, "deleting records")?;
        let mut tx = self.0.db.begin().await?;
        let (found, summary) = self.writer(&mut tx, author).delete::<R>(&[id]).await?;
        if found.is_empty() {
            return Ok(None);
        }
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }

    /// Ends a change: commits it, or, in a dry run, rolls it back and returns what it would change.
    pub(crate) async fn conclude<T>(
        mut tx: Tx,
        author: &Author,
        summary: WriteSummary,
        value: T,
    ) -> Result<Outcome<T>> {
        if author.dry_run {
            let changes = changes_out(tx.query(ACCOUNT_NUMBERS), summary.changes).await?;
            tx.rollback().await?;
            return Ok(Outcome::Planned(PlannedChanges {
                changes,
                rows: None,
            }));
        }
        tx.commit().await?;
        Ok(Outcome::Applied(value))
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
        let is_offered = |kind: &RecordKind| by_kind!(*kind, R => R::WRITTEN_BY.has(scope.role()) && !R::IS_PERSONAL);
        let kinds = RecordKind::ALL.into_iter();
        kinds.filter(is_offered).map(RecordKind::name).collect()
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
        let kind = kept_kind(scope, kind)?;
        by_kind!(kind, R => deleted::list::<R>(&self.0.db, scope, page).await)
    }

    /// Restores a record that a person deleted; `None` when there is no such record.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown kind, [`Error::Conflict`] when another record has taken its
    /// place, [`Error::Forbidden`].
    pub async fn restore(
        &self,
        scope: &Scope,
        author: &Author,
        kind: &str,
        id: i64,
    ) -> Result<Option<Outcome>> {
        let kind = kept_kind(scope, kind)?;
        if let Some(done) = step_done(0)? {
            return Ok(Some(Outcome::Applied(done)));
        }
        let mut tx = self.begin_step(0).await?;
        let mut writer = self.writer(&mut tx, author);
        let Some(summary) = by_kind!(kind, R => writer.restore::<R>(id).await?) else {
            return Ok(None);
        };
        let restored = Self::conclude_step(tx, author, summary, 0, ());
        restored.await.map(Some)
    }
}

/// The kind with a name. Refuses callers who may not delete and restore its records. Who may write no records does not
/// learn which kinds there are.
fn kept_kind(scope: &Scope, name: &str) -> Result<RecordKind> {
    let kind = name.parse::<RecordKind>();
    let access = match &kind {
        Ok(kind) => by_kind!(*kind, R => R::WRITTEN_BY),
        Err(_) => Access::Technicians,
    };
    scope.require(access, "keeping deleted records of this kind")?;
    kind.map_err(|message| Error::invalid("kind", message))
}
