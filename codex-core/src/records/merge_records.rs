//! Merges two records into one.

use super::{
    Resource, bump_revision, claims,
    manual::empty_manual_claim,
    resolve::{Claim, MANUAL},
};
use crate::{
    Error, Result,
    records::writer::{RecordWriter, WriteSummary},
};

sql! {
    /// Moves the sources' claims on one record to another.
    MOVE_CLAIMS = "update claims set record_id = $3 where kind = $1 and record_id = $2 and source <> 'manual'";
    /// Deletes the manual claim on a record after it was merged into that of another.
    FORGET_MANUAL = "delete from claims where kind = $1 and record_id = $2 and source = 'manual'";
}

impl RecordWriter<'_> {
    /// Merges `other` into `kept`: claims, manual values and what belongs to the record move, `other` is soft-deleted
    /// and keeps its last values. A manual value of `kept` wins over one of `other`, which stays in the change log and
    /// in the deleted row.
    ///
    /// # Errors
    /// [`Error::Conflict`] when one of them no longer exists, or a person has deleted `kept`.
    pub(crate) async fn merge_records<R: Resource>(
        &mut self,
        kept: i64,
        other: i64,
    ) -> Result<WriteSummary> {
        let both = [kept.min(other), kept.max(other)];
        let rows = self.lock::<R>(&both).await?;
        if rows.len() < both.len() {
            let message = format!("{} {kept} or {other} is not there any more", R::KIND);
            return Err(Error::conflict(message));
        }
        let mut claims = claims::of_records::<R>(self.tx, &both).await?;
        let mut manual = |id: i64| -> Option<Claim> {
            let all = claims.remove(&id).unwrap_or_default();
            all.into_iter().find(|claim| claim.source == MANUAL)
        };
        let (own, others) = (manual(kept), manual(other));
        if own.as_ref().is_some_and(|claim| !claim.live) {
            let message = format!(
                "a person has deleted {} {kept}: restore it, or keep {other}",
                R::KIND
            );
            return Err(Error::conflict(message));
        }
        if let Some(others) = others {
            let manual = [(kept, united(kept, own, others))];
            self.save_manual_claims::<R>(&manual).await?;
            let q = self.tx.query(FORGET_MANUAL).bind(R::KIND);
            q.bind(other).execute().await?;
        }
        let q = self.tx.query(MOVE_CLAIMS).bind(R::KIND).bind(other);
        q.bind(kept).execute().await?;
        R::move_dependents(self.tx, other, kept).await?;
        let summary = self.refresh::<R>(&both).await?;
        bump_revision::<R>(self.tx, self.author, std::iter::once(kept)).await?;
        Ok(summary)
    }
}

/// The manual claims on both records as one claim on the kept one.
fn united(kept: i64, own: Option<Claim>, others: Claim) -> Claim {
    let mut claim = own.unwrap_or_else(|| empty_manual_claim(kept));
    // A manual record that a person had deleted keeps nothing alive.
    claim.anchor |= others.anchor && others.live;
    for (name, value) in others.extra {
        if !claim.fields.contains_key(&name) {
            claim.extra.entry(name).or_insert(value);
        }
    }
    for (name, value) in others.fields {
        claim.fields.entry(name).or_insert(value);
    }
    claim
}
