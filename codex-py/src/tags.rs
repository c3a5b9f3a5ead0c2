//! Tags, and the records that have them.

use codex_core::{
    ids::TagId,
    tags::{
        Tag, TagIn, TagUses, TaggedKind,
        query::LISTING,
        wire::{TagOut, TagRecordsIn},
    },
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{
    backend::{Backend, Change, Changed, send, version_text},
    convert::Row,
    errors::Failure,
    query::{Column, Feed, ListQuery, columns, in_parts},
    records::{Answer, Api, EditableRecords, Key, found, id, object, row, writes_by_id},
    resource,
};

/// Tags behind either backend.
#[derive(Debug)]
pub(crate) struct TagApi;

/// Words that people put on companies, contacts and assets.
#[pyclass(frozen, extends = EditableRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Tags;

fn tag_row((tag, uses): &(Tag, TagUses)) -> Row {
    row(&TagOut::new(tag, *uses), Some(version_text(tag.updated_at)))
}

impl Api for TagApi {
    fn class(&self) -> &'static str {
        "Tag"
    }

    fn kind(&self) -> &'static str {
        "tag"
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, _, request| async move {
                let page = store.codex.tags(&store.scope, &request).await?;
                Ok((page.items.iter().map(tag_row).collect(), page.next))
            }),
            Backend::Http(client) => {
                let tags = client.tags().stream(&query.options());
                let rows = tags.map_ok(|tag| row(&tag, None)).map_err(Failure::from);
                in_parts(rows.boxed(), query.limit)
            }
        }
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            match backend {
                Backend::Store(store) => {
                    let found = store.codex.tag(&store.scope, TagId(id)).await?;
                    Ok(found.as_ref().map(tag_row))
                }
                Backend::Http(client) => {
                    let tagged = found(client.tags().get(id).tagged().await)?;
                    let version = |tag: &codex_client::Etag| Some(tag.as_str().to_owned());
                    Ok(tagged.map(|tagged| row(&tagged.record, version(&tagged.etag))))
                }
            }
        })
    }

    writes_by_id! {
        |store, client, author, id, body: TagIn|
        create store.codex.create_tag(&store.scope, author, body) => |(tag, _)| tag.id.0,
            client.tags().create(body) => |tag| tag.id;
        update store.codex.update_tag(&store.scope, author, TagId(id), body),
            client.tags().update(id, body);
        delete store.codex.delete::<Tag>(&store.scope, author, id), client.tags().delete(id);
    }
}

/// The records that a call names: of companies by account number, else by id.
fn named(kind: &str, keys: &Bound<'_, PyAny>) -> PyResult<TagRecordsIn> {
    let kind: TaggedKind = serde_json::from_value(Value::from(kind))
        .map_err(|error| Failure::Invalid(format!("kind: {error}")))?;
    let mut records = TagRecordsIn {
        kind,
        ids: Vec::new(),
        account_numbers: Vec::new(),
    };
    for key in keys.try_iter()? {
        let key = key?;
        match key.extract::<i64>() {
            Ok(id) => records.ids.push(id),
            Err(_) => match key.extract::<String>() {
                Ok(number) => records.account_numbers.push(number),
                Err(_) => return Err(crate::convert::unfit("keys", &key, "int or str")),
            },
        }
    }
    Ok(records)
}

#[pymethods]
impl Tags {
    /// Adds a tag to records of a kind, ``company``, ``contact`` or ``asset``: to all of them, or to none if one does
    /// not exist.
    #[pyo3(signature = (tag, kind, keys, /, *, dry_run=false))]
    fn add<'py>(
        slf: &Bound<'py, Self>,
        tag: &Bound<'py, PyAny>,
        kind: &str,
        keys: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super()));
        let (key, named) = (records.key_of(tag)?, named(kind, keys)?);
        let (id, change) = (
            id(&key)?,
            Change {
                dry_run,
                if_match: None,
            },
        );
        let added = records.connection.wait(py, async {
            Ok(match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let added = store
                        .codex
                        .add_tag(&store.scope, &author, TagId(id), &named);
                    Changed::of(added.await?.ok_or_else(|| records.missing(&key))?)
                }
                Backend::Http(client) => send!(client.tags().add(id, &named), change),
            })
        })?;
        match added {
            Changed::Applied(added) => object(py, "TagAdded", &added),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }

    /// Removes a tag from records of a kind: from all of them, or from none if one does not exist.
    #[pyo3(signature = (tag, kind, keys, /, *, dry_run=false))]
    fn remove<'py>(
        slf: &Bound<'py, Self>,
        tag: &Bound<'py, PyAny>,
        kind: &str,
        keys: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super()));
        let (key, named) = (records.key_of(tag)?, named(kind, keys)?);
        let (id, change) = (
            id(&key)?,
            Change {
                dry_run,
                if_match: None,
            },
        );
        let removed = records.connection.wait(py, async {
            Ok(match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let removed = store
                        .codex
                        .remove_tag(&store.scope, &author, TagId(id), &named);
                    Changed::of(removed.await?.ok_or_else(|| records.missing(&key))?)
                }
                Backend::Http(client) => send!(client.tags().remove(id, &named), change),
            })
        })?;
        match removed {
            Changed::Applied(removed) => object(py, "TagRemoved", &removed),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }
}
