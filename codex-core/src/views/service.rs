//! Reading and writing views.

use serde_json::{Map, Value, json};

use super::{
    View, ViewAudience, ViewFields, ViewIn, query,
    rules::{faults, is_seen, require_change},
};
use crate::{
    Error, Outcome, Result, Scope,
    codex::Codex,
    idempotency::step_done,
    ids::ViewId,
    list::{ListedResource, Page, PageRequest},
    records::{
        Author, Intent, RecordBody as _, Resource as _, Stored, as_map, resolve::into_typed,
        writer::RecordWriter,
    },
    store::Tx,
};

/// The most personal views of a list that one person has, and the most that all staff see.
const MOST: i64 = 100;

impl Codex {
    /// A page of the views that the caller sees, by name. The caller is named as the author of changes is: views are
    /// personal.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming an unusable filter or sort key, [`Error::Forbidden`] for clients.
    pub async fn views(
        &self,
        scope: &Scope,
        actor: &str,
        page: &PageRequest,
    ) -> Result<Page<View>> {
        query::page(&self.0.db, scope, actor, page).await
    }

    /// The views of a list that the caller sees, by name; none for clients.
    pub async fn views_of(
        &self,
        scope: &Scope,
        actor: &str,
        list: ListedResource,
    ) -> Result<Vec<View>> {
        query::of_list(&self.0.db, scope, actor, list).await
    }

    /// A view; `None` when there is none that the caller sees.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn view(&self, scope: &Scope, actor: &str, id: ViewId) -> Result<Option<View>> {
        query::find(&self.0.db, scope, actor, id).await
    }

    /// Creates a view of the author. Staff have personal ones; technicians share some with all; administrators choose
    /// the default of a role.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the view that is the default already or
    /// when there are too many, [`Error::Forbidden`].
    pub async fn create_view(
        &self,
        scope: &Scope,
        author: &Author,
        view: &ViewIn,
    ) -> Result<Outcome<View>> {
        scope.require_staff("saving views")?;
        let created = match step_done(0)? {
            Some(id) => Outcome::Applied(id),
            None => self.new_view(scope, author, view).await?,
        };
        let view = |id| async move {
            let view = self.view(scope, &author.actor, ViewId(id)).await?;
            view.ok_or_else(|| Error::conflict("the view was deleted meanwhile"))
        };
        created.then(view).await
    }

    async fn new_view(
        &self,
        scope: &Scope,
        author: &Author,
        view: &ViewIn,
    ) -> Result<Outcome<i64>> {
        let mut stated = without_nulls(view.checked(Intent::Create)?);
        stated.insert("owner".to_owned(), json!(author.actor));
        let wanted = read_valid(stated)?;
        require_change(scope, &wanted, &author.actor)?;
        let mut tx = self.begin_step(0).await?;
        tx.advisory_lock(View::KIND).await?;
        require_room(&mut tx, &wanted, None).await?;
        let mut writer = self.writer(&mut tx, author);
        let (ids, summary) = writer.create::<View>(vec![as_map(&wanted)?]).await?;
        let id = ids.first().copied().unwrap_or_default();
        Self::conclude_step(tx, author, summary, 0, id).await
    }

    /// Updates a view; `None` when there is none that the author sees.
    ///
    /// # Errors
    /// As [`Codex::create_view`], and [`Error::Changed`].
    pub async fn update_view(
        &self,
        scope: &Scope,
        author: &Author,
        id: ViewId,
        edit: &ViewIn,
    ) -> Result<Option<Outcome<View>>> {
        scope.require_staff("saving views")?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(View::KIND).await?;
        let mut writer = self.writer(&mut tx, author);
        let Some(before) = locked(&mut writer, id).await? else {
            return Ok(None);
        };
        require_change(scope, &before.fields, &author.actor)?;
        let stated = without_nulls(edit.checked(Intent::Update)?);
        let mut after = as_map(&before.fields)?;
        after.extend(stated.clone());
        let after = read_valid(after)?;
        if after.resource != before.fields.resource {
            let message = format!("stays {}: create another view", before.fields.resource);
            return Err(Error::Unprocessable(vec![crate::Fault::at(
                "resource", message,
            )]));
        }
        require_change(scope, &after, &author.actor)?;
        require_room(writer.tx, &after, Some(&before)).await?;
        let summary = writer.edit::<View>(id.0, stated).await?;
        let updated = Self::conclude(tx, author, summary.unwrap_or_default(), ()).await?;
        let view = updated.then(|()| self.view(scope, &author.actor, id));
        Ok(view.await?.transpose())
    }

    /// Deletes a view; `None` when there is none that the author sees.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn delete_view(
        &self,
        scope: &Scope,
        author: &Author,
        id: ViewId,
    ) -> Result<Option<Outcome>> {
        scope.require_staff("deleting views")?;
        let mut tx = self.0.db.begin().await?;
        let mut writer = self.writer(&mut tx, author);
        let Some(view) = locked(&mut writer, id).await? else {
            return Ok(None);
        };
        require_change(scope, &view.fields, &author.actor)?;
        let (_, summary) = writer.delete::<View>(&[id.0]).await?;
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }
}

/// A live view that the author sees; nobody else changes it until the transaction ends.
async fn locked(writer: &mut RecordWriter<'_>, id: ViewId) -> Result<Option<Stored<ViewFields>>> {
    let mut rows = writer.lock::<View>(&[id.0]).await?;
    let actor = writer.author.actor.as_str();
    let view = rows.remove(&id.0);
    Ok(view.filter(|view| view.deleted_at.is_none() && is_seen(&view.fields, actor)))
}

/// Stated fields of which null means what a view has that does not state them.
fn without_nulls(mut stated: Map<String, Value>) -> Map<String, Value> {
    let plain = [("audience", ViewAudience::default().name()), ("query", "")];
    for (name, default) in plain {
        if let Some(value) = stated.get_mut(name).filter(|value| value.is_null()) {
            *value = default.into();
        }
    }
    stated
}

/// The fields of a view without faults.
fn read_valid(mut stated: Map<String, Value>) -> Result<ViewFields> {
    stated
        .entry("audience")
        .or_insert_with(|| ViewAudience::default().name().into());
    let fields: ViewFields = into_typed(View::KIND, stated)?;
    let parameters = url::form_urlencoded::parse(fields.query.as_bytes());
    let parameters: Vec<(String, String)> = parameters.into_owned().collect();
    let faults = faults(&fields, &parameters);
    if faults.is_empty() {
        Ok(fields)
    } else {
        Err(Error::Unprocessable(faults))
    }
}

/// Refuses a view that is one too many, or a second default of a role.
async fn require_room(
    tx: &mut Tx,
    view: &ViewFields,
    before: Option<&Stored<ViewFields>>,
) -> Result<()> {
    let is_personal = |fields: &ViewFields| fields.audience() == ViewAudience::Personal;
    let was_counted = before.is_some_and(|row| is_personal(&row.fields) == is_personal(view));
    if !was_counted {
        let (own, others) = query::counts(tx, &view.resource, &view.owner).await?;
        if is_personal(view) && own >= MOST {
            let message = format!("you have {MOST} views of {}: delete one", view.resource);
            return Err(Error::conflict(message));
        }
        if !is_personal(view) && others >= MOST {
            let message = format!("{} have {MOST} shared views: delete one", view.resource);
            return Err(Error::conflict(message));
        }
    }
    let mut keyed = view.clone();
    View::keys(&mut keyed);
    let (Some(key), Some(role)) = (keyed.default_key, &view.role) else {
        return Ok(());
    };
    match query::default_holder(tx, &key).await? {
        Some(holder) if before.is_none_or(|row| row.id != holder) => {
            let list = &view.resource;
            let message = format!("view {holder} is what the role {role} sees first of {list}");
            Err(Error::conflict(message))
        }
        _ => Ok(()),
    }
}
