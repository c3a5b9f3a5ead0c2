//! Held deletions.

use crate::{
    Error, Result, Scope,
    codex::Codex,
    holds::{Hold, HoldStatus, query},
    idempotency::{keep_step, step_done},
    kinds::by_kind,
    records::{Author, Resource},
};

/// Records deleted in one transaction.
const CHUNK: usize = 250;

impl Codex {
    /// The newest held deletions, 500 at most; those of one state when it is named.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn holds(&self, scope: &Scope, status: Option<HoldStatus>) -> Result<Vec<Hold>> {
        self.expire_holds().await?;
        query::list(&self.0.db, scope, status).await
    }

    /// Deletes what a hold keeps: the records that the source no longer lists. They can come back by the
    /// source itself. `None` when there is no such hold.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was decided or has expired, [`Error::Forbidden`].
    pub async fn approve_hold(
        &self,
        scope: &Scope,
        author: &Author,
        id: &str,
    ) -> Result<Option<Hold>> {
        if step_done::<()>(0)?.is_some() {
            return query::find(&self.0.db, scope, id).await;
        }
        let Some(hold) = self.waiting(scope, id).await? else {
            return Ok(None);
        };
        let author = Author {
            reason: Some(format!("held deletion {id} was approved")),
            ..author.clone()
        };
        let unknown = || Error::Corrupt {
            what: format!("held deletion of the kind {}", hold.kind),
            source: None,
        };
        by_kind!(hold.kind.as_str(), R => self.retire_held::<R>(&author, &hold).await?)
            .ok_or_else(unknown)?;
        self.decide(&author, id, HoldStatus::Approved).await
    }

    /// Keeps what a hold keeps: runs that miss the same records or fewer of them ask nobody again.
    /// `None` when there is no such hold.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was decided or has expired, [`Error::Forbidden`].
    pub async fn reject_hold(
        &self,
        scope: &Scope,
        author: &Author,
        id: &str,
    ) -> Result<Option<Hold>> {
        if step_done::<()>(0)?.is_some() {
            return query::find(&self.0.db, scope, id).await;
        }
        match self.waiting(scope, id).await? {
            Some(_) => self.decide(author, id, HoldStatus::Rejected).await,
            None => Ok(None),
        }
    }

    async fn waiting(&self, scope: &Scope, id: &str) -> Result<Option<Hold>> {
        scope.require_admin("deciding on held deletions")?;
        self.expire_holds().await?;
        let hold = query::find(&self.0.db, scope, id).await?;
        match hold.as_ref().map(|hold| hold.status) {
            None | Some(HoldStatus::Held) => Ok(hold),
            Some(HoldStatus::Expired) => Err(Error::conflict(
                "the held deletion has expired; the next run holds it anew",
            )),
            Some(_) => Err(Error::conflict("the held deletion was decided already")),
        }
    }

    async fn expire_holds(&self) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        query::expire(&mut tx, self.now()).await?;
        tx.commit().await
    }

    async fn retire_held<R: Resource>(&self, author: &Author, hold: &Hold) -> Result<()> {
        for chunk in hold.external_ids.0.chunks(CHUNK) {
            let mut tx = self.0.db.begin().await?;
            let mut writer = self.writer(&mut tx, author);
            writer.retire::<R>(&hold.source, chunk).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn decide(&self, author: &Author, id: &str, status: HoldStatus) -> Result<Option<Hold>> {
        let mut tx = self.begin_step(0).await?;
        if !query::decide(&mut tx, id, status, &author.actor, author.at).await? {
            return Err(Error::conflict("somebody else decided in the meantime"));
        }
        keep_step(&mut tx, 0, &()).await?;
        tx.commit().await?;
        query::find(&self.0.db, &Scope::system(), id).await
    }
}
