//! Saved views.

use codex_core::{
    ids::ViewId,
    records::{Intent, RecordBody as _},
    views::{
        View,
        query::LISTING,
        wire::{ViewIn, ViewOut},
    },
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed, send, send_if, version_text},
    convert::Row,
    errors::Failure,
    query::{Column, Feed, ListQuery, columns, in_parts},
    records::{Answer, Api, EditableRecords, Key, found, id, row},
    resource,
};

/// Views behind either backend.
#[derive(Debug)]
pub(crate) struct ViewApi;

/// Queries of lists under a name: one's own, and those that all staff see.
#[pyclass(frozen, extends = EditableRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Views;

fn view_row(view: &View) -> Row {
    row(&ViewOut::new(view), Some(version_text(view.updated_at)))
}

impl Api for ViewApi {
    fn class(&self) -> &'static str {
        "View"
    }

    fn kind(&self) -> &'static str {
        "view"
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, _, request| async move {
                let (codex, actor) = (&store.codex, store.actor.as_str());
                let page = codex.views(&store.scope, actor, &request).await?;
                Ok((page.items.iter().map(view_row).collect(), page.next))
            }),
            Backend::Http(client) => {
                let views = client.views().stream(&query.options());
                let rows = views.map_ok(|view| row(&view, None)).map_err(Failure::from);
                in_parts(rows.boxed(), query.limit)
            }
        }
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            match backend {
                Backend::Store(store) => {
                    let (codex, actor) = (&store.codex, store.actor.as_str());
                    let view = codex.view(&store.scope, actor, ViewId(id)).await?;
                    Ok(view.as_ref().map(view_row))
                }
                Backend::Http(client) => {
                    let tagged = found(client.views().get(id).tagged().await)?;
                    let version = |tag: &codex_client::Etag| Some(tag.as_str().to_owned());
                    Ok(tagged.map(|tagged| row(&tagged.record, version(&tagged.etag))))
                }
            }
        })
    }

    fn create<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        body: Map<String, Value>,
    ) -> Answer<'a, Changed<Key>> {
        Box::pin(async move {
            let body = ViewIn::read(body, Intent::Create)?;
            let id = match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let made = store.codex.create_view(&store.scope, &author, &body);
                    Changed::of(made.await?).map(|view| view.id.0)
                }
                Backend::Http(client) => {
                    send!(client.views().create(&body), change).map(|view| view.id)
                }
            };
            Ok(id.map(|id| vec![id.to_string()]))
        })
    }

    fn update<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        key: Key,
        body: Map<String, Value>,
    ) -> Answer<'a, Option<Changed<()>>> {
        Box::pin(async move {
            let (id, body) = (id(&key)?, ViewIn::read(body, Intent::Update)?);
            match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, id) = (&store.codex, ViewId(id));
                    let made = codex.update_view(&store.scope, &author, id, &body);
                    let made = made.await?.map(Changed::of);
                    Ok(made.map(|made| made.map(|_| ())))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        Ok(send_if!(client.views().update(id, &body), change).map(|_| ()))
                    })
                    .await
                }
            }
        })
    }

    fn delete<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        key: Key,
    ) -> Answer<'a, Option<Changed<()>>> {
        Box::pin(async move {
            let id = id(&key)?;
            match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, id) = (&store.codex, ViewId(id));
                    let made = codex.delete_view(&store.scope, &author, id);
                    Ok(made.await?.map(Changed::of))
                }
                Backend::Http(client) => {
                    let delete = async { Ok(send_if!(client.views().delete(id), change)) };
                    resource::there(delete).await
                }
            }
        })
    }
}
