//! Feature options, overrides, and what companies are billed.

use std::sync::Arc;

use codex_core::{
    billing_plans::wire::BillingExport,
    feature_options::wire::{FeatureOptionIn, FeatureOptionOut},
    overrides::wire::{OverrideIn, OverrideOut},
    records::{Intent, RecordBody as _},
};
use pyo3::{prelude::*, types::PyDict};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed, Connection, send, send_if, version_text},
    convert::{self, Row},
    errors::{Failure, Result},
    query::{Feed, ListQuery, whole},
    records::{Answer, Api, Key, Records, found, id, if_match, object, row},
    resource,
    shapes::Kind,
};

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
        let records = slf.as_super().get();
        records.create_with(slf.py(), dry_run, fields)
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
        let if_match = self::if_match(if_match)?;
        let change = Change { dry_run, if_match };
        let records = slf.as_super().get();
        records.update_with(slf.py(), key, change, fields)
    }

    /// Deletes a company's override for one key.
    #[pyo3(signature = (key, /, *, dry_run=false))]
    fn delete<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        dry_run: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let change = Change {
            dry_run,
            if_match: None,
        };
        slf.as_super().get().delete_with(slf.py(), key, change)
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

    /// Every billing plan and feature option as plain dicts, as :meth:`import_plans` takes them.
    fn export_plans<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let export = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => store.codex.export_billing(&store.scope).await?,
                Backend::Http(client) => client.billing().export().await?,
            })
        })?;
        let export = serde_json::to_value(&export).unwrap_or_default();
        convert::to_python(py, export, &Kind::Any)
    }

    /// Imports plans and feature options from an export: all or nothing, and those that are there stay as they are.
    #[pyo3(signature = (export, /, *, dry_run=false))]
    fn import_plans<'py>(
        &self,
        py: Python<'py>,
        export: &Bound<'py, PyDict>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let import = import(convert::body(Some(export))?)?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let imported = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, scope) = (&store.codex, &store.scope);
                    Changed::of(codex.import_billing(scope, &author, &import).await?)
                }
                Backend::Http(client) => send!(client.billing().import(&import), change),
            })
        })?;
        match imported {
            Changed::Applied(imported) => object(py, "BillingImported", &imported),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }
}

/// What is to be imported.
fn import(mut export: Map<String, Value>) -> Result<BillingExport> {
    let plans = listed(&mut export, "plans")?;
    let options = listed(&mut export, "feature_options")?;
    if let Some(key) = export.keys().next() {
        let known = ["plans", "feature_options"];
        return Err(Failure::unknown("key", key, known));
    }
    Ok(BillingExport::read(plans, &options)?)
}

/// A list of an export; empty where the export has none.
fn listed<T: DeserializeOwned>(export: &mut Map<String, Value>, key: &str) -> Result<Vec<T>> {
    let list = export.remove(key).unwrap_or(Value::Array(Vec::new()));
    let wrong = |error| Failure::Invalid(format!("{key}: {error}"));
    serde_json::from_value(list).map_err(wrong)
}
