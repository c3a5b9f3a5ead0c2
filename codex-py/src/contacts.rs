//! Contacts.

use codex_core::{
    bulk::BulkOut,
    companies::COMPANY_NUMBERS,
    contacts::{
        Contact,
        query::{ContactCompanies, LISTING},
        wire::{ContactBulkIn, ContactIn, ContactOut},
    },
    ids::ContactId,
    list::StaffFields as _,
};
use pyo3::{prelude::*, types::PyTuple};
use serde_json::json;

use crate::{
    assets::asset_row,
    backend::{Backend, Change, Changed, send, version_text},
    convert::Row,
    query::{Column, Feed, ListQuery, columns},
    records::{Answer, Api, Bulk, BulkRecords, Key, found, id, row, writes_by_id},
    resource::{self, bulk_rows, bulk_values},
};

/// Contacts behind either backend.
#[derive(Debug)]
pub(crate) struct ContactApi;

/// The people at the clients.
#[pyclass(frozen, extends = BulkRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Contacts;

pub(crate) fn contact_row((contact, companies): &(Contact, ContactCompanies)) -> Row {
    let out = ContactOut::new(contact, companies.compliance_level);
    let mut all = row(&out, Some(version_text(contact.updated_at)));
    let numbers = json!(companies.account_numbers);
    all.values.insert(COMPANY_NUMBERS.to_owned(), numbers);
    resource::lay_under(&mut all, contact.staff_fields());
    all
}

impl Api for ContactApi {
    fn class(&self) -> &'static str {
        "Contact"
    }

    fn kind(&self) -> &'static str {
        "contact"
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
                let page = store
                    .codex
                    .contacts(&store.scope, company, &request)
                    .await?;
                Ok((page.items.iter().map(contact_row).collect(), page.next))
            }),
            Backend::Http(client) => {
                let fields = resource::field_names("Contact");
                query.stream(client.contacts().select(&fields, &query.options()))
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
                        .contacts(&store.scope, company, &request)
                        .await?
                        .total
                }
                Backend::Http(client) => {
                    let page = client.contacts().list(&query.counted_options()).await?;
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
                    let found = store
                        .codex
                        .contact_with_companies(&store.scope, ContactId(id));
                    Ok(found.await?.as_ref().map(contact_row))
                }
                Backend::Http(client) => {
                    let Some(tagged) = found(client.contacts().get(id).tagged().await)? else {
                        return Ok(None);
                    };
                    let fields = resource::field_names("Contact");
                    let rows = client.contacts().select(&fields, &resource::of_id(id));
                    resource::with_tag(rows, &tagged).await
                }
            }
        })
    }

    writes_by_id! {
        |store, client, author, id, body: ContactIn|
        create store.codex.create_contact(&store.scope, author, body) => |ContactId(id)| id,
            client.contacts().create(body) => |contact| contact.id;
        update store.codex.update_contact(&store.scope, author, ContactId(id), body),
            client.contacts().update(id, body);
        delete store.codex.delete::<Contact>(&store.scope, author, id), client.contacts().delete(id);
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
                    let made = codex.bulk_write_contacts(scope, &author, action, atomic, rows);
                    Changed::of(made.await?)
                }
                Backend::Http(client) => {
                    let rows =
                        bulk_rows("Contact", rows, |id, contact| ContactBulkIn { id, contact })?;
                    send!(client.contacts().bulk_write(&rows, action, atomic), change)
                }
            })
        })
    }
}

#[pymethods]
impl Contacts {
    /// The assets that a contact uses, by host name, without their tags; ``update(key, asset_ids=[...])`` assigns them.
    /// In process alone.
    #[pyo3(signature = (key, /))]
    fn assets<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super().as_super()));
        let id = ContactId(id(&records.key_of(key)?)?);
        let assets = records.connection.wait(py, async {
            let store = resource::in_process(records.backend(), "assets")?;
            let assets = store.codex.contact_assets(&store.scope, id).await?;
            Ok(assets.iter().map(asset_row).collect::<Vec<_>>())
        })?;
        resource::objects(py, "Asset", assets)
    }
}
