//! Options of features through [`Codex`].

use serde_json::{Map, Value};

use super::{
    FeatureOption, query,
    wire::{self, FeatureOptionIn},
};
use crate::{
    Error, Outcome, Result, Scope,
    billing_plans::service::KEEPING,
    codex::Codex,
    idempotency::step_done,
    ids::FeatureOptionId,
    records::{Author, Resource as _, WriteSummary, writer::RecordWriter},
};

impl Codex {
    /// The options of features, of one kind or all.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn feature_options(
        &self,
        scope: &Scope,
        category: Option<&str>,
    ) -> Result<Vec<FeatureOption>> {
        query::list(&self.0.db, scope, category).await
    }

    /// Creates an option of a feature unless it exists; returns whether it is new.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`].
    pub async fn create_feature_option(
        &self,
        scope: &Scope,
        author: &Author,
        option: &FeatureOptionIn,
    ) -> Result<Outcome<(FeatureOption, bool)>> {
        scope.require(FeatureOption::WRITTEN_BY, KEEPING)?;
        let fields = wire::stated(option.body())?;
        let created = if let Some(done) = step_done(0)? {
            Outcome::Applied(done)
        } else {
            let mut tx = self.begin_step(0).await?;
            tx.advisory_lock(FeatureOption::KIND).await?;
            let mut summary = WriteSummary::default();
            let mut writer = self.writer(&mut tx, author);
            let added = add(&mut writer, fields, &mut summary).await?;
            Self::conclude_step(tx, author, summary, 0, added).await?
        };
        let option = |(id, new)| async move {
            let option = query::find(&self.0.db, id).await?;
            let gone = || Error::conflict("the option was deleted meanwhile");
            Ok((option.ok_or_else(gone)?, new))
        };
        created.then(option).await
    }

    /// Updates an option of a feature; `None` when there is no such option. Plans keep the value that they have.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the option that has the value,
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn update_feature_option(
        &self,
        scope: &Scope,
        author: &Author,
        id: FeatureOptionId,
        option: &FeatureOptionIn,
    ) -> Result<Option<Outcome>> {
        scope.require(FeatureOption::WRITTEN_BY, KEEPING)?;
        let mut fields = wire::stated(option.body())?;
        for blank in ["display_name", "description"] {
            fields.entry(blank).or_insert(Value::Null);
        }
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(FeatureOption::KIND).await?;
        let (category, value) = (&option.feature_category, &option.option_value);
        let holder = query::holder(&mut tx, category, value).await?;
        if let Some(holder) = holder.filter(|holder| *holder != id.0) {
            let message = format!("option {holder} of `{category}` is `{value}` already");
            return Err(Error::conflict(message));
        }
        let mut writer = self.writer(&mut tx, author);
        let summary = writer.edit::<FeatureOption>(id.0, fields).await?;
        let Some(summary) = summary else {
            return Ok(None);
        };
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }
}

/// The option with a value, made if it is not there; tells whether it was.
pub(crate) async fn add(
    writer: &mut RecordWriter<'_>,
    fields: Map<String, Value>,
    summary: &mut WriteSummary,
) -> Result<(i64, bool)> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let (category, value) = (text("feature_category"), text("option_value"));
    if let Some(id) = query::holder(writer.tx, category, value).await? {
        return Ok((id, false));
    }
    let (ids, made) = writer.create::<FeatureOption>(vec![fields]).await?;
    summary.add(made);
    Ok((ids.first().copied().unwrap_or_default(), true))
}
