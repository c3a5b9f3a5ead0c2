//! Billing plans.

use codex_core::{
    billing_plans::{BillingPlan, input::BillingPlanIn, query::LISTING, wire::BillingPlanOut},
    ids::BillingPlanId,
    records::{Intent, RecordBody as _},
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

/// Billing plans behind either backend.
#[derive(Debug)]
pub(crate) struct BillingPlanApi;

/// The plans that companies are billed by, by name and term.
#[pyclass(frozen, extends = EditableRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct BillingPlans;

fn plan_row(plan: &BillingPlan) -> Row {
    row(
        &BillingPlanOut::from(plan),
        Some(version_text(plan.updated_at)),
    )
}

impl Api for BillingPlanApi {
    fn class(&self) -> &'static str {
        "BillingPlan"
    }

    fn kind(&self) -> &'static str {
        "billing_plan"
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, _, request| async move {
                let page = store
                    .codex
                    .billing_plans_page(&store.scope, &request)
                    .await?;
                Ok((page.items.iter().map(plan_row).collect(), page.next))
            }),
            Backend::Http(client) => {
                let plans = client.billing().plans_where(&query.options());
                let rows = plans.map_ok(|plan| row(&plan, None)).map_err(Failure::from);
                in_parts(rows.boxed(), query.limit)
            }
        }
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            match backend {
                Backend::Store(store) => {
                    let plan = store.codex.billing_plan(&store.scope, BillingPlanId(id));
                    Ok(plan.await?.as_ref().map(plan_row))
                }
                Backend::Http(client) => {
                    let tagged = found(client.billing().plan(id).tagged().await)?;
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
            let body = BillingPlanIn::read(body, Intent::Create)?;
            let id = match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let made = store
                        .codex
                        .create_billing_plan(&store.scope, &author, &body);
                    Changed::of(made.await?).map(|BillingPlanId(id)| id)
                }
                Backend::Http(client) => send!(client.billing().create_plan(&body), change),
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
            let (id, body) = (id(&key)?, BillingPlanIn::read(body, Intent::Update)?);
            match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, id) = (&store.codex, BillingPlanId(id));
                    let made = codex.update_billing_plan(&store.scope, &author, id, &body);
                    Ok(made.await?.map(Changed::of))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        Ok(send_if!(client.billing().update_plan(id, &body), change))
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
                    let (codex, id) = (&store.codex, BillingPlanId(id));
                    let made = codex.delete_billing_plan(&store.scope, &author, id);
                    Ok(made.await?.map(Changed::of))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        Ok(send_if!(client.billing().delete_plan(id), change))
                    })
                    .await
                }
            }
        })
    }
}
