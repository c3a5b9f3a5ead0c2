//! Duplicate candidates.

use std::collections::BTreeSet;

use crate::{
    Error, Outcome, RecordKind, Result, Scope,
    assets::Asset,
    codex::Codex,
    contacts::Contact,
    duplicates::{
        Duplicate, DuplicateState,
        compare::{Comparison, compare},
        query,
        wire::{DuplicateMergeIn, DuplicateOut},
    },
    idempotency::step_done,
    list::{FacetOut, Page, PageRequest},
    records::{Author, WriteSummary},
    store::Tx,
};

const DECIDING: &str = "deciding on duplicate candidates";

impl Codex {
    /// A page of duplicate candidates.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit out of range, an unknown column, state or kind; [`Error::Forbidden`].
    pub async fn duplicates(
        &self,
        scope: &Scope,
        page: &PageRequest,
    ) -> Result<Page<DuplicateOut>> {
        let Page { items, next, total } = query::page(&self.0.db, scope, page).await?;
        let items = self.with_records(&items).await?;
        Ok(Page { items, next, total })
    }

    /// How many candidates of a list there are of each kind and in each state.
    ///
    /// # Errors
    /// As [`Codex::duplicates`].
    pub async fn duplicate_facets(
        &self,
        scope: &Scope,
        request: &PageRequest,
    ) -> Result<Vec<FacetOut>> {
        query::facets(&self.0.db, scope, request).await
    }

    /// A duplicate candidate; `None` when there is no such one.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn duplicate(&self, scope: &Scope, id: i64) -> Result<Option<DuplicateOut>> {
        let found = query::find(&self.0.db, scope, id).await?;
        Ok(self.with_records(found.as_slice()).await?.pop())
    }

    /// The two records of a candidate side by side; `None` for a kind that is not compared.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn compare_duplicate(
        &self,
        scope: &Scope,
        duplicate: &DuplicateOut,
    ) -> Result<Option<Comparison>> {
        scope.require_technician("reading duplicate candidates")?;
        let ids = [duplicate.record_a.id, duplicate.record_b.id];
        compare(&self.0.db, duplicate.kind, ids).await
    }

    async fn with_records(&self, duplicates: &[Duplicate]) -> Result<Vec<DuplicateOut>> {
        let records = query::records(&self.0.db, duplicates).await?;
        let out = duplicates.iter().map(|duplicate| {
            let record = |id: i64| records.get(&(duplicate.kind, id)).cloned();
            let (a, b) = (record(duplicate.record_a), record(duplicate.record_b));
            DuplicateOut::new(duplicate, a, b)
        });
        Ok(out.collect())
    }

    /// Merges the two records of a candidate: claims, manual values and everything that hangs on one go to the other,
    /// which is kept; the one that is not kept is deleted. `None` when there is no such candidate.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was decided already, the records belong to different companies, one is gone or a
    /// person has deleted the one to keep; [`Error::Unprocessable`] when `keep` is neither of them;
    /// [`Error::Forbidden`].
    pub async fn merge_duplicate(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
        which: DuplicateMergeIn,
    ) -> Result<Option<Outcome<DuplicateOut>>> {
        scope.require_technician(DECIDING)?;
        let Some(duplicate) = query::find(&self.0.db, scope, id).await? else {
            return Ok(None);
        };
        if let Some(done) = step_done(0)? {
            return self.decided(scope, id, Outcome::Applied(done)).await;
        }
        let kept = which.keep.unwrap_or(duplicate.record_a);
        let other = match kept {
            kept if kept == duplicate.record_a => duplicate.record_b,
            kept if kept == duplicate.record_b => duplicate.record_a,
            _ => return Err(neither(&duplicate)),
        };
        let mut tx = self.begin_step(0).await?;
        let merged = DuplicateState::Merged;
        self.decide_duplicate(&mut tx, author, id, merged, Some(kept))
            .await?;
        let author = Author {
            reason: Some(format!(
                "{} {other} was merged into {kept}: duplicate candidate {id}",
                duplicate.kind
            )),
            ..author.clone()
        };
        let summary = self
            .merge_records(&mut tx, &author, duplicate.kind, kept, other)
            .await?;
        query::withdraw(&mut tx, duplicate.kind.name(), other).await?;
        let merged = Self::conclude_step(tx, &author, summary, 0, ()).await?;
        self.decided(scope, id, merged).await
    }

    /// Keeps the two records of a candidate apart for ever. `None` when there is no such candidate.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was decided already, [`Error::Forbidden`].
    pub async fn reject_duplicate(
        &self,
        scope: &Scope,
        author: &Author,
        id: i64,
    ) -> Result<Option<Outcome<DuplicateOut>>> {
        scope.require_technician(DECIDING)?;
        if query::find(&self.0.db, scope, id).await?.is_none() {
            return Ok(None);
        }
        if let Some(done) = step_done(0)? {
            return self.decided(scope, id, Outcome::Applied(done)).await;
        }
        let mut tx = self.begin_step(0).await?;
        let rejected = DuplicateState::Rejected;
        self.decide_duplicate(&mut tx, author, id, rejected, None)
            .await?;
        let rejected = Self::conclude_step(tx, author, WriteSummary::default(), 0, ()).await?;
        self.decided(scope, id, rejected).await
    }

    /// A candidate as it is after a decision.
    async fn decided(
        &self,
        scope: &Scope,
        id: i64,
        decided: Outcome,
    ) -> Result<Option<Outcome<DuplicateOut>>> {
        let decided = decided.then(|()| self.duplicate(scope, id));
        Ok(decided.await?.transpose())
    }

    async fn decide_duplicate(
        &self,
        tx: &mut Tx,
        author: &Author,
        id: i64,
        state: DuplicateState,
        kept: Option<i64>,
    ) -> Result<()> {
        if query::decide(tx, id, state, kept, &author.actor, author.at).await? {
            return Ok(());
        }
        Err(Error::conflict(
            "the duplicate candidate was decided already",
        ))
    }

    async fn merge_records(
        &self,
        tx: &mut Tx,
        author: &Author,
        kind: RecordKind,
        kept: i64,
        other: i64,
    ) -> Result<WriteSummary> {
        let companies = match kind {
            RecordKind::Asset => {
                "select id, company_id from assets where company_id is not null and id in "
            }
            _ => {
                "select contact_id, company_id from contact_company where company_id is not null \
                 and contact_id in "
            }
        };
        let mut q = tx.query(companies);
        q.push_list([kept, other]);
        let all: Vec<(i64, i64)> = q.all().await?;
        let of = |record: i64| -> BTreeSet<i64> {
            let own = all.iter().filter(|(id, _)| *id == record);
            own.map(|(_, company)| *company).collect()
        };
        let (own, others) = (of(kept), of(other));
        if !own.is_empty() && !others.is_empty() && own.is_disjoint(&others) {
            let message = format!(
                "{kind} {kept} and {kind} {other} belong to different companies; give both the same company first"
            );
            return Err(Error::conflict(message));
        }
        let mut writer = self.writer(tx, author);
        match kind {
            RecordKind::Asset => writer.merge_records::<Asset>(kept, other).await,
            RecordKind::Contact => writer.merge_records::<Contact>(kept, other).await,
            _ => Err(Error::Corrupt {
                what: format!("duplicate candidate of the kind {kind}"),
                source: None,
            }),
        }
    }
}

fn neither(duplicate: &Duplicate) -> Error {
    let (a, b) = (duplicate.record_a, duplicate.record_b);
    Error::Unprocessable(vec![crate::Fault::at(
        "keep",
        format!("must be {a} or {b}, the records of this candidate"),
    )])
}
