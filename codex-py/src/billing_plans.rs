//! Billing plans.

use codex_core::{
    billing_plans::{BillingPlan, input::BillingPlanIn, query::LISTING, wire::BillingPlanOut},
    ids::BillingPlanId,
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

    writes_by_id! {
        |store, client, author, id, body: BillingPlanIn|
        create store.codex.create_billing_plan(&store.scope, author, body)
            => |BillingPlanId(id)| id, client.billing().create_plan(body) => |id| id;
        update store.codex.update_billing_plan(&store.scope, author, BillingPlanId(id), body),
            client.billing().update_plan(id, body);
        delete store.codex.delete_billing_plan(&store.scope, author, BillingPlanId(id)),
            client.billing().delete_plan(id);
    }
}
