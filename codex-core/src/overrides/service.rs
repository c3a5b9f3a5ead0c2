//! Overrides of companies through [`Codex`].

use serde_json::json;

use super::{Override, query, wire::OverrideIn};
use crate::{
    Error, Outcome, Result, Scope,
    billing_plans::service::KEEPING,
    codex::Codex,
    companies::{COMPANY_ID, Company},
    records::{Author, Resource as _},
};

impl Codex {
    /// A company's overrides, by key; disabled ones too.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn overrides(&self, scope: &Scope, company: &Company) -> Result<Vec<Override>> {
        query::of_company(&self.0.db, scope, company.id).await
    }

    /// A company's override for one key.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn override_of(
        &self,
        scope: &Scope,
        company: &Company,
        key: &str,
    ) -> Result<Option<Override>> {
        query::find(&self.0.db, scope, company.id, key).await
    }

    /// Sets a company's override for one key. `enabled` alone disables or enables the existing override.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`], [`Error::Changed`].
    pub async fn set_override(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        key: &str,
        sent: &OverrideIn,
    ) -> Result<Outcome<Override>> {
        scope.require(Override::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(Override::KIND).await?;
        let before = query::find_now(&mut tx, company.id, key).await?;
        let mut fields = sent.stated(key, before.is_some())?;
        let mut writer = self.writer(&mut tx, author);
        let edited = match &before {
            Some(row) => writer.edit::<Override>(row.id.0, fields.clone()).await?,
            None => None,
        };
        let summary = match edited {
            Some(summary) => summary,
            // What its author has seen has ended.
            None if author.unchanged_since.is_some() => return Err(Error::Changed),
            None => {
                fields.insert(COMPANY_ID.into(), json!(company.id));
                writer.create::<Override>(vec![fields]).await?.1
            }
        };
        let set = Self::conclude(tx, author, summary, ()).await?;
        let row = |()| async {
            let row = self.override_of(scope, company, key).await?;
            row.ok_or_else(|| Error::conflict("the override was deleted meanwhile"))
        };
        set.then(row).await
    }

    /// Deletes a company's override for one key; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn delete_override(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        key: &str,
    ) -> Result<Option<Outcome>> {
        scope.require(Override::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        let Some(row) = query::find_now(&mut tx, company.id, key).await? else {
            return Ok(None);
        };
        let (found, summary) = self
            .writer(&mut tx, author)
            .delete::<Override>(&[row.id.0])
            .await?;
        if found.is_empty() {
            return Ok(None);
        }
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }
}
