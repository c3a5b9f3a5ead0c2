//! Assets.

use codex_core::{
    assets::{
        Asset,
        audit::wire::AssetAuditOut,
        query::LISTING,
        wire::{AssetBulkIn, AssetIn, AssetOut},
    },
    bulk::BulkOut,
    companies::{COMPANY_NUMBER, CompanyRef},
    ids::AssetId,
    list::StaffFields as _,
};
use pyo3::{prelude::*, types::PyTuple};
use serde_json::json;

use crate::{
    backend::{Backend, Change, Changed, send, version_text},
    contacts::contact_row,
    convert::Row,
    query::{Column, Feed, ListQuery, columns},
    records::{Answer, Api, Bulk, BulkRecords, Key, found, id, object, row, writes_by_id},
    resource::{self, bulk_rows, bulk_values},
};

/// Assets behind either backend.
#[derive(Debug)]
pub(crate) struct AssetApi;

/// The devices of the clients.
#[pyclass(frozen, extends = BulkRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Assets;

pub(crate) fn asset_row((asset, company): &(Asset, Option<CompanyRef>)) -> Row {
    let level = company.as_ref().map(|company| company.compliance_level);
    let out = AssetOut::new(asset, level.unwrap_or_default());
    let mut all = row(&out, Some(version_text(asset.updated_at)));
    let number = company.as_ref().map(|company| &company.account_number);
    all.values.insert(COMPANY_NUMBER.to_owned(), json!(number));
    resource::lay_under(&mut all, asset.staff_fields());
    all
}

impl Api for AssetApi {
    fn class(&self) -> &'static str {
        "Asset"
    }

    fn kind(&self) -> &'static str {
        "asset"
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn is_of_companies(&self) -> bool {
        true
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, company, request| async move {
                let page = store.codex.assets(&store.scope, company, &request).await?;
                Ok((page.items.iter().map(asset_row).collect(), page.next))
            }),
            Backend::Http(client) => {
                let fields = resource::field_names("Asset");
                query.stream(client.assets().select(&fields, &query.options()))
            }
        }
    }

    fn count<'a>(&'a self, backend: &'a Backend, query: &'a ListQuery) -> Answer<'a, Option<i64>> {
        Box::pin(async move {
            Ok(match backend {
                Backend::Store(store) => {
                    let (request, company) = query.counted(store).await?;
                    store
                        .codex
                        .assets(&store.scope, company, &request)
                        .await?
                        .total
                }
                Backend::Http(client) => {
                    let page = client.assets().list(&query.counted_options()).await?;
                    page.total.and_then(|total| i64::try_from(total).ok())
                }
            })
        })
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            match backend {
                Backend::Store(store) => {
                    let found = store.codex.asset_with_company(&store.scope, AssetId(id));
                    Ok(found.await?.as_ref().map(asset_row))
                }
                Backend::Http(client) => {
                    let Some(tagged) = found(client.assets().get(id).tagged().await)? else {
                        return Ok(None);
                    };
                    let fields = resource::field_names("Asset");
                    let rows = client.assets().select(&fields, &resource::of_id(id));
                    resource::with_tag(rows, &tagged).await
                }
            }
        })
    }

    writes_by_id! {
        |store, client, author, id, body: AssetIn|
        create store.codex.create_asset(&store.scope, author, body) => |AssetId(id)| id,
            client.assets().create(body) => |asset| asset.id;
        update store.codex.update_asset(&store.scope, author, AssetId(id), body),
            client.assets().update(id, body);
        delete store.codex.delete::<Asset>(&store.scope, author, id), client.assets().delete(id);
    }

    fn bulk<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        bulk: Bulk,
    ) -> Answer<'a, Changed<BulkOut>> {
        Box::pin(async move {
            let Bulk {
                action,
                atomic,
                rows,
            } = bulk;
            Ok(match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, rows) = (&store.codex, bulk_values(rows));
                    let scope = &store.scope;
                    let made = codex.bulk_write_assets(scope, &author, action, atomic, rows);
                    Changed::of(made.await?)
                }
                Backend::Http(client) => {
                    let rows = bulk_rows("Asset", rows, |id, asset| AssetBulkIn { id, asset })?;
                    send!(client.assets().bulk_write(&rows, action, atomic), change)
                }
            })
        })
    }
}

#[pymethods]
impl Assets {
    /// The hardware and software of an asset, from the RMM's inventory. In process the RMM is asked first for a newer
    /// one, for at most three seconds.
    #[pyo3(signature = (key, /))]
    fn audit<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super().as_super()));
        let key = records.key_of(key)?;
        let id = id(&key)?;
        let audit = records.connection.wait(py, async {
            let audit = match records.backend() {
                Backend::Store(store) => {
                    let audit = store.codex.asset_audit(&store.scope, AssetId(id)).await?;
                    audit.map(|(asset, audit)| AssetAuditOut::new(&asset, audit.as_ref()))
                }
                Backend::Http(client) => found(client.assets().audit(id).await)?,
            };
            audit.ok_or_else(|| records.missing(&key))
        })?;
        object(py, "AssetAudit", &audit)
    }

    /// The people who use an asset, by name, without their tags; ``update(key, contact_ids=[...])`` assigns them. In
    /// process alone.
    #[pyo3(signature = (key, /))]
    fn contacts<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super().as_super()));
        let id = AssetId(id(&records.key_of(key)?)?);
        let users = records.connection.wait(py, async {
            let store = resource::in_process(records.backend(), "contacts")?;
            let users = store.codex.asset_users(&store.scope, id).await?;
            Ok(users.iter().map(contact_row).collect::<Vec<_>>())
        })?;
        resource::objects(py, "Contact", users)
    }

    /// The names of an asset's secret fields that have a value, such as ``udf2``. In process alone.
    #[pyo3(signature = (key, /))]
    fn secret_names<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super().as_super()));
        let id = AssetId(id(&records.key_of(key)?)?);
        let names = records.connection.wait(py, async {
            let store = resource::in_process(records.backend(), "secret_names")?;
            Ok(store.codex.asset_secret_names(&store.scope, id).await?)
        })?;
        PyTuple::new(py, names)
    }

    /// Reveals a secret field of an asset; ``None`` when it has no value. The change log names who has read it. In process
    /// alone.
    #[pyo3(signature = (key, name, /))]
    fn reveal_secret<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        name: &str,
    ) -> PyResult<Option<String>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super().as_super()));
        let id = AssetId(id(&records.key_of(key)?)?);
        records.connection.wait(py, async {
            let store = resource::in_process(records.backend(), "reveal_secret")?;
            let author = store.author(&Change::default())?;
            let (codex, scope) = (&store.codex, &store.scope);
            Ok(codex.reveal_asset_secret(scope, &author, id, name).await?)
        })
    }
}
