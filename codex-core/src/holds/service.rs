//! Held deletions.

use std::{collections::HashMap, ops::Range};

use chrono::{DateTime, Utc};

use crate::{
    Error, Result, Scope,
    codex::Codex,
    holds::{Hold, HoldStatus, query},
    idempotency::{keep_step, step_done},
    list::{FacetOut, Filter, Page, PageRequest, Sort},
    records::{
        Author, Resource,
        service::names::{self, RecordName},
    },
};

/// A record that a held deletion keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRecord {
    /// The source's id.
    pub external_id: String,
    /// The record; `None` when it is no longer known by this id.
    pub record: Option<RecordName>,
    /// Since when the source does not list it, where that was noted.
    pub missing_since: Option<DateTime<Utc>>,
}

/// Records deleted in one transaction.
const CHUNK: usize = 250;

impl Codex {
    /// The newest held deletions, 500 at most; those of one state when it is named.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn holds(&self, scope: &Scope, status: Option<HoldStatus>) -> Result<Vec<Hold>> {
        let newest = PageRequest {
            sort: Some(Sort::new("-held_at")),
            filters: status
                .map(|status| Filter::new("state", status.name()))
                .into_iter()
                .collect(),
            ..PageRequest::default()
        };
        Ok(self.holds_page(scope, &newest).await?.items)
    }

    /// A page of held deletions.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming an unusable filter or sort key, [`Error::Forbidden`].
    pub async fn holds_page(&self, scope: &Scope, request: &PageRequest) -> Result<Page<Hold>> {
        scope.require_staff("reading held deletions")?;
        self.expire_holds().await?;
        query::page(&self.0.db, scope, request).await
    }

    /// How many held deletions of a list there are of each kind and source, and in each state.
    ///
    /// # Errors
    /// As [`Codex::holds_page`].
    pub async fn hold_facets(&self, scope: &Scope, request: &PageRequest) -> Result<Vec<FacetOut>> {
        query::facets(&self.0.db, scope, request).await
    }

    /// A held deletion; `None` when there is no such one.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn hold(&self, scope: &Scope, id: &str) -> Result<Option<Hold>> {
        scope.require_staff("reading held deletions")?;
        self.expire_holds().await?;
        query::find(&self.0.db, scope, id).await
    }

    /// Some of the records that a held deletion keeps, by their place among its ids.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn held_records(
        &self,
        scope: &Scope,
        hold: &Hold,
        places: Range<usize>,
    ) -> Result<Vec<HeldRecord>> {
        scope.require_staff("reading held deletions")?;
        let ids = &hold.external_ids.0;
        let end = places.end.min(ids.len());
        let ids = &ids[places.start.min(end)..end];
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let db = &self.0.db;
        let mut missing: HashMap<String, (i64, Option<DateTime<Utc>>)> = HashMap::new();
        for (external_id, record, since) in query::missing(db, scope, hold, ids).await? {
            missing.insert(external_id, (record, since));
        }
        let records = missing.values();
        let records: Vec<_> = records.map(|(id, _)| (hold.kind, *id)).collect();
        let named = names::names(db, scope, records).await?;
        let record = |external_id: &String| {
            let found = missing.get(external_id).copied();
            let name = found.and_then(|(id, _)| named.get(&(hold.kind, id)).cloned());
            HeldRecord {
                external_id: external_id.clone(),
                record: name,
                missing_since: found.and_then(|(_, since)| since),
            }
        };
        Ok(ids.iter().map(record).collect())
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
        by_kind!(hold.kind, R => self.retire_held::<R>(&author, &hold).await?);
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
