//! Reading and writing tags, and adding them to records.

use serde_json::{Map, Value};

use super::{
    Tag, TagFields, TagUses,
    links::{self, Counts, LinkChange},
    query,
    wire::{TagAddedOut, TagIn, TagRecordsIn, TagRemovedOut},
};
use crate::{
    Error, Outcome, Result, Scope,
    codex::Codex,
    idempotency::step_done,
    ids::TagId,
    list::{Page, PageRequest},
    records::{Author, Intent, RecordBody as _, Resource as _, Stored, writer::RecordWriter},
    store::Tx,
};

const CHANGING: &str = "changing tags";

impl Codex {
    /// A page of tags by name, each with how many live records have it.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming an unusable filter or sort key, [`Error::Forbidden`] for clients.
    pub async fn tags(&self, scope: &Scope, page: &PageRequest) -> Result<Page<(Tag, TagUses)>> {
        query::page(&self.0.db, scope, page).await
    }

    /// A tag, with how many live records have it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn tag(&self, scope: &Scope, id: TagId) -> Result<Option<(Tag, TagUses)>> {
        query::find(&self.0.db, scope, id).await
    }

    /// Creates a tag.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the tag that has the name,
    /// [`Error::Forbidden`].
    pub async fn create_tag(
        &self,
        scope: &Scope,
        author: &Author,
        tag: &TagIn,
    ) -> Result<Outcome<(Tag, TagUses)>> {
        scope.require(Tag::WRITTEN_BY, CHANGING)?;
        let created = match step_done(0)? {
            Some(id) => Outcome::Applied(id),
            None => self.new_tag(author, tag).await?,
        };
        let tag = |id| async move {
            let tag = self.tag(scope, TagId(id)).await?;
            tag.ok_or_else(|| Error::conflict("the tag was deleted meanwhile"))
        };
        created.then(tag).await
    }

    async fn new_tag(&self, author: &Author, tag: &TagIn) -> Result<Outcome<i64>> {
        let fields = tag.checked(Intent::Create)?;
        let mut tx = self.begin_step(0).await?;
        tx.advisory_lock(Tag::KIND).await?;
        require_free_name(&mut tx, &fields, None).await?;
        let mut writer = self.writer(&mut tx, author);
        let (ids, summary) = writer.create::<Tag>(vec![fields]).await?;
        let id = ids.first().copied().unwrap_or_default();
        Self::conclude_step(tx, author, summary, 0, id).await
    }

    /// Updates a tag; `None` when there is no such tag.
    ///
    /// # Errors
    /// As [`Codex::create_tag`], and [`Error::Changed`].
    pub async fn update_tag(
        &self,
        scope: &Scope,
        author: &Author,
        id: TagId,
        edit: &TagIn,
    ) -> Result<Option<Outcome<(Tag, TagUses)>>> {
        scope.require(Tag::WRITTEN_BY, CHANGING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(Tag::KIND).await?;
        let mut writer = self.writer(&mut tx, author);
        // An unknown tag is reported before faults of the body.
        if locked(&mut writer, id).await?.is_none() {
            return Ok(None);
        }
        let fields = edit.checked(Intent::Update)?;
        require_free_name(writer.tx, &fields, Some(id)).await?;
        let summary = writer.edit::<Tag>(id.0, fields).await?;
        let updated = Self::conclude(tx, author, summary.unwrap_or_default(), ()).await?;
        Ok(updated.then(|()| self.tag(scope, id)).await?.transpose())
    }

    /// Adds a tag to the records that `named` names, all of them or none; `None` when there is no such tag.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault and every record that does not exist, [`Error::Forbidden`].
    pub async fn add_tag(
        &self,
        scope: &Scope,
        author: &Author,
        id: TagId,
        named: &TagRecordsIn,
    ) -> Result<Option<Outcome<TagAddedOut>>> {
        let counts = self.change_links(scope, author, id, named, LinkChange::Add);
        let out = |(added, unchanged)| TagAddedOut { added, unchanged };
        Ok(counts.await?.map(|counts| counts.map(out)))
    }

    /// Removes a tag from the records that `named` names, all of them or none; `None` when there is no such tag.
    ///
    /// # Errors
    /// As [`Codex::add_tag`].
    pub async fn remove_tag(
        &self,
        scope: &Scope,
        author: &Author,
        id: TagId,
        named: &TagRecordsIn,
    ) -> Result<Option<Outcome<TagRemovedOut>>> {
        let counts = self.change_links(scope, author, id, named, LinkChange::Remove);
        let out = |(removed, unchanged)| TagRemovedOut { removed, unchanged };
        Ok(counts.await?.map(|counts| counts.map(out)))
    }

    async fn change_links(
        &self,
        scope: &Scope,
        author: &Author,
        id: TagId,
        named: &TagRecordsIn,
        change: LinkChange,
    ) -> Result<Option<Outcome<Counts>>> {
        scope.require(Tag::WRITTEN_BY, "tagging records")?;
        let misfits = named.misfits();
        if !misfits.is_empty() {
            return Err(Error::Unprocessable(misfits));
        }
        if let Some(counts) = step_done(0)? {
            return Ok(Some(Outcome::Applied(counts)));
        }
        let mut tx = self.begin_step(0).await?;
        let tag = locked(&mut self.writer(&mut tx, author), id).await?;
        let Some(tag) = tag else {
            return Ok(None);
        };
        if author
            .unchanged_since
            .is_some_and(|at| at != tag.updated_at)
        {
            return Err(Error::Changed);
        }
        let (counts, summary) = by_tagged_kind!(named.kind, R => {
            links::change::<R>(&mut tx, author, &tag, named, change).await?
        });
        let changed = Self::conclude_step(tx, author, summary, 0, counts);
        changed.await.map(Some)
    }
}

/// A live tag, which nobody else changes or deletes until the transaction ends.
async fn locked(writer: &mut RecordWriter<'_>, id: TagId) -> Result<Option<Stored<TagFields>>> {
    let mut rows = writer.lock::<Tag>(&[id.0]).await?;
    let tag = rows.remove(&id.0);
    Ok(tag.filter(|tag| tag.deleted_at.is_none()))
}

/// Refuses a stated name that another tag has.
async fn require_free_name(
    tx: &mut Tx,
    fields: &Map<String, Value>,
    own: Option<TagId>,
) -> Result<()> {
    let Some(name) = fields.get("name").and_then(Value::as_str) else {
        return Ok(());
    };
    match query::holder(tx, name).await? {
        Some((holder, name)) if Some(holder) != own => Err(Error::conflict(format!(
            "tag {holder} is called `{name}` already"
        ))),
        _ => Ok(()),
    }
}
