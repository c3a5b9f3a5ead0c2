//! Saved views.

use codex_core::{
    ids::ViewId,
    views::{
        View,
        query::LISTING,
        wire::{ViewIn, ViewOut},
    },
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::prelude::*;

use crate::{
    backend::{Backend, version_text},
    convert::Row,
    errors::Failure,
    query::{Column, Feed, ListQuery, columns, in_parts},
    records::{Answer, Api, EditableRecords, Key, found, id, row, writes_by_id},
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

    writes_by_id! {
        |store, client, author, id, body: ViewIn|
        create store.codex.create_view(&store.scope, author, body) => |view| view.id.0,
            client.views().create(body) => |view| view.id;
        update store.codex.update_view(&store.scope, author, ViewId(id), body),
            client.views().update(id, body);
        delete store.codex.delete_view(&store.scope, author, ViewId(id)), client.views().delete(id);
    }
}
