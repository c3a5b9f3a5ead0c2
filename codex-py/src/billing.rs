//! Billing plans, feature options, overrides, and what companies are billed.

use std::sync::Arc;

use codex_core::{
    billing_plans::{BillingPlan, input::BillingPlanIn, query::LISTING, wire::BillingPlanOut},
    feature_options::wire::{FeatureOptionIn, FeatureOptionOut},
    ids::BillingPlanId,
    overrides::wire::{OverrideIn, OverrideOut},
    records::{Intent, RecordBody as _},
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::{prelude::*, types::PyDict};
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed, Connection, send, send_if, version_text},
    convert::{self, Row},
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, columns, handed_over, whole},
    records::{Answer, Api, EditableRecords, Key, Records, found, id, object, row},
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
                handed_over(rows.boxed(), query.limit)
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

/// Feature options behind either backend.
#[derive(Debug)]
pub(crate) struct FeatureOptionApi;

/// What can be chosen for each kind of feature.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct FeatureOptions;

async fn options(backend: Backend) -> Result<Vec<Row>> {
    Ok(match backend {
        Backend::Store(store) => {
            let options = store.codex.feature_options(&store.scope, None).await?;
            let rows = options.iter().map(FeatureOptionOut::from);
            rows.map(|option| row(&option, None)).collect()
        }
        Backend::Http(client) => {
            let options = client.billing().feature_options(None).await?;
            options.iter().map(|option| row(option, None)).collect()
        }
    })
}

impl Api for FeatureOptionApi {
    fn class(&self) -> &'static str {
        "FeatureOption"
    }

    fn kind(&self) -> &'static str {
        "feature_option"
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        whole(query, options(backend.clone()))
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            let rows = options(backend.clone()).await?;
            let is_it = |row: &Row| row.values.get("id").and_then(Value::as_i64) == Some(id);
            Ok(rows.into_iter().find(is_it))
        })
    }

    fn create<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        body: Map<String, Value>,
    ) -> Answer<'a, Changed<Key>> {
        Box::pin(async move {
            let body = FeatureOptionIn::read(body, Intent::Create)?;
            let id = match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let made = store
                        .codex
                        .create_feature_option(&store.scope, &author, &body);
                    Changed::of(made.await?).map(|(option, _)| option.id.0)
                }
                Backend::Http(client) => {
                    send!(client.billing().create_feature_option(&body), change)
                }
            };
            Ok(id.map(|id| vec![id.to_string()]))
        })
    }
}

#[pymethods]
impl FeatureOptions {
    /// Creates an option unless it exists, and returns it.
    #[pyo3(signature = (*, dry_run=false, **fields))]
    fn create<'py>(
        slf: &Bound<'py, Self>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let change = Change {
            dry_run,
            if_match: None,
        };
        let created = records
            .api
            .create(records.backend(), change, convert::body(fields)?);
        let created = records.connection.wait(py, created)?;
        records.changed(py, created)
    }
}

/// Overrides behind either backend.
#[derive(Debug)]
pub(crate) struct OverrideApi;

/// What a company has agreed besides its plan. An override is named by the company's account number and its key:
/// ``codex.overrides.get(("100001", "per_user_cost"))``. Lists need ``company``.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Overrides;

async fn overrides(backend: Backend, company: Option<String>) -> Result<Vec<Row>> {
    let required = || Failure::Invalid("company: the account number is required".to_owned());
    let company = company.ok_or_else(required)?;
    Ok(match backend {
        Backend::Store(store) => {
            let company = store.company(&company).await?;
            let overrides = store.codex.overrides(&store.scope, &company).await?;
            let rows = overrides.iter().map(OverrideOut::from);
            rows.map(|out| row(&out, None)).collect()
        }
        Backend::Http(client) => {
            let overrides = client.billing().overrides(&company).await?;
            overrides.iter().map(|out| row(out, None)).collect()
        }
    })
}

impl Api for OverrideApi {
    fn class(&self) -> &'static str {
        "Override"
    }

    fn kind(&self) -> &'static str {
        "override"
    }

    fn key(&self) -> &'static [&'static str] {
        &["company", "key"]
    }

    fn is_of_companies(&self) -> bool {
        true
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        let read = overrides(backend.clone(), query.company.clone());
        whole(query, read)
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            match backend {
                Backend::Store(store) => {
                    let company = store.company(&key[0]).await?;
                    let found = store
                        .codex
                        .override_of(&store.scope, &company, &key[1])
                        .await?;
                    let version = |updated_at| Some(version_text(updated_at));
                    Ok(found
                        .map(|found| row(&OverrideOut::from(&found), version(found.updated_at))))
                }
                Backend::Http(client) => {
                    let read = client
                        .billing()
                        .get_override(&key[0], &key[1])
                        .tagged()
                        .await;
                    let row = |tagged: codex_client::Tagged<OverrideOut>| {
                        row(&tagged.record, Some(tagged.etag.as_str().to_owned()))
                    };
                    Ok(found(read)?.map(row))
                }
            }
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
            let body = OverrideIn::read(&key[1], &body, true)?;
            let set = match backend {
                Backend::Store(store) => {
                    let (author, company) = (store.author(&change)?, store.company(&key[0]).await?);
                    let (codex, scope) = (&store.codex, &store.scope);
                    let set = codex.set_override(scope, &author, &company, &key[1], &body);
                    Changed::of(set.await?).map(|_| ())
                }
                Backend::Http(client) => {
                    let set = client.billing().set_override(&key[0], &key[1], &body);
                    send_if!(set, change).map(|_| ())
                }
            };
            Ok(Some(set))
        })
    }

    fn delete<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        key: Key,
    ) -> Answer<'a, Option<Changed<()>>> {
        Box::pin(async move {
            match backend {
                Backend::Store(store) => {
                    let (author, company) = (store.author(&change)?, store.company(&key[0]).await?);
                    let (codex, scope) = (&store.codex, &store.scope);
                    let made = codex.delete_override(scope, &author, &company, &key[1]);
                    Ok(made.await?.map(Changed::of))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        let delete = client.billing().delete_override(&key[0], &key[1]);
                        Ok(send_if!(delete, change))
                    })
                    .await
                }
            }
        })
    }
}

#[pymethods]
impl Overrides {
    /// Sets a company's override for one key: ``value``, or ``enabled`` of one that is there.
    #[pyo3(signature = (key, /, *, if_match=None, dry_run=false, **fields))]
    fn set<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        if_match: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let if_match = crate::records::if_match(if_match)?;
        let change = Change { dry_run, if_match };
        let (key, body) = (records.key_of(key)?, convert::body(fields)?);
        let set = records
            .api
            .update(records.backend(), change, key.clone(), body);
        let set = records.connection.wait(py, set)?;
        let set = set.ok_or_else(|| records.missing(&key))?;
        records.changed(py, set.map(|()| key))
    }

    /// Deletes a company's override for one key.
    #[pyo3(signature = (key, /, *, dry_run=false))]
    fn delete<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let deleted = records.api.delete(records.backend(), change, key.clone());
        let deleted = records.connection.wait(py, deleted)?;
        match deleted.ok_or_else(|| records.missing(&key))? {
            Changed::Applied(()) => Ok(None),
            Changed::Planned(planned) => object(py, "DryRun", &planned).map(Some),
        }
    }
}

/// What companies are billed.
#[pyclass(frozen, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Billing {
    pub(crate) connection: Arc<Connection>,
}

#[pymethods]
impl Billing {
    /// Replaces all billing plans and feature options, in one transaction. A plan whose name and term are there keeps its
    /// id; what is not named is deleted. ``Invalid`` has the faults of all rows.
    #[pyo3(signature = (plans, feature_options, /, *, dry_run=false))]
    fn replace<'py>(
        &self,
        py: Python<'py>,
        plans: &Bound<'py, PyAny>,
        feature_options: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        match crate::replace::replace(py, &self.connection, plans, feature_options, dry_run)? {
            Changed::Applied(replaced) => object(py, "BillingReplaced", &replaced),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }

    /// The plan of a company after its overrides, with the origin of each value.
    #[pyo3(signature = (company, /))]
    fn effective_plan<'py>(&self, py: Python<'py>, company: &str) -> PyResult<Bound<'py, PyAny>> {
        let plan = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => {
                    let company = store.company(company).await?;
                    store.codex.effective_plan(&store.scope, &company).await?
                }
                Backend::Http(client) => client.billing().plan_of(company).await?,
            })
        })?;
        object(py, "EffectivePlan", &plan)
    }

    /// The billable counts of a company, with the records behind each number.
    #[pyo3(signature = (company, /))]
    fn billable<'py>(&self, py: Python<'py>, company: &str) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => {
                    let company = store.company(company).await?;
                    store.codex.billable(&store.scope, &company).await?
                }
                Backend::Http(client) => client.billing().billable(company).await?,
            })
        })?;
        object(py, "Billable", &counts)
    }
}
