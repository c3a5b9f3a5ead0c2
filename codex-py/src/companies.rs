//! Companies.

use codex_core::{
    companies::{
        Company,
        query::LISTING,
        wire::{self, CompanyIn},
    },
    list::StaffFields as _,
    records::{Intent, RecordBody as _},
};
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed, Store, send, send_if, version_text},
    convert::Row,
    query::{Column, Feed, ListQuery, columns},
    records::{Answer, Api, Bulk, BulkRecords, Key, found, object, row},
    resource::{self, bulk_rows, bulk_values},
};

/// Companies behind either backend.
#[derive(Debug)]
pub(crate) struct CompanyApi;

/// The clients of the MSP. A company is named by its account number.
#[pyclass(frozen, extends = BulkRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Companies;

fn company_row(store: &Store, company: &Company) -> Row {
    let mut all = row(
        &wire::seen_by(company, &store.scope),
        Some(version_text(company.updated_at)),
    );
    resource::lay_under(&mut all, company.staff_fields());
    all
}

fn number(key: &[String]) -> &str {
    key.last().map_or("", String::as_str)
}

impl Api for CompanyApi {
    fn class(&self) -> &'static str {
        "Company"
    }

    fn kind(&self) -> &'static str {
        "company"
    }

    fn key(&self) -> &'static [&'static str] {
        &["account_number"]
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, _, request| async move {
                let page = store.codex.companies_page(&store.scope, &request).await?;
                let rows = page
                    .items
                    .iter()
                    .map(|company| company_row(&store, company));
                Ok((rows.collect(), page.next))
            }),
            Backend::Http(client) => {
                let fields = resource::field_names("Company");
                query.stream(client.companies().select(&fields, &query.options()))
            }
        }
    }

    fn count<'a>(&'a self, backend: &'a Backend, query: &'a ListQuery) -> Answer<'a, Option<i64>> {
        Box::pin(async move {
            Ok(match backend {
                Backend::Store(store) => {
                    let (request, _) = query.counted(store).await?;
                    store
                        .codex
                        .companies_page(&store.scope, &request)
                        .await?
                        .total
                }
                Backend::Http(client) => {
                    let page = client.companies().page(&query.counted_options()).await?;
                    page.total.and_then(|total| i64::try_from(total).ok())
                }
            })
        })
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            match backend {
                Backend::Store(store) => {
                    let found = store.codex.company(&store.scope, number(&key)).await?;
                    let Some(company) = found else {
                        return Ok(None);
                    };
                    let company = store.codex.with_tags(&store.scope, company).await?;
                    Ok(Some(company_row(store, &company)))
                }
                Backend::Http(client) => {
                    let tagged = client.companies().get(number(&key)).tagged().await;
                    let Some(tagged) = found(tagged)? else {
                        return Ok(None);
                    };
                    let options =
                        resource::of_text("account_number", &tagged.record.account_number);
                    let fields = resource::field_names("Company");
                    let rows = client.companies().select(&fields, &options);
                    resource::with_tag(rows, &tagged).await
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
            let body = CompanyIn::read(body, Intent::Create)?;
            Ok(match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let made = store.codex.create_company(&store.scope, &author, &body);
                    let number =
                        |company: Company| company.fields.account_number.unwrap_or_default();
                    Changed::of(made.await?).map(|company| vec![number(company)])
                }
                Backend::Http(client) => {
                    let made = send!(client.companies().create(&body), change);
                    made.map(|company| vec![company.account_number])
                }
            })
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
            let body = CompanyIn::read(body, Intent::Update)?;
            match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, number) = (&store.codex, number(&key));
                    let made = codex.update_company(&store.scope, &author, number, &body);
                    Ok(made.await?.map(|outcome| Changed::of(outcome).map(|_| ())))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        let edit = client.companies().update(number(&key), &body);
                        Ok(send_if!(edit, change).map(|_| ()))
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
            match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, number) = (&store.codex, number(&key));
                    let made = codex.delete_company(&store.scope, &author, number);
                    Ok(made.await?.map(Changed::of))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        Ok(send_if!(client.companies().delete(number(&key)), change))
                    })
                    .await
                }
            }
        })
    }

    fn bulk<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        bulk: Bulk,
    ) -> Answer<'a, Changed<codex_core::bulk::BulkOut>> {
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
                    let made =
                        codex.bulk_write_companies(&store.scope, &author, action, atomic, rows);
                    Changed::of(made.await?)
                }
                Backend::Http(client) => {
                    let rows = bulk_rows("Company", rows, |_, company: CompanyIn| company)?;
                    send!(client.companies().bulk_write(&rows, action, atomic), change)
                }
            })
        })
    }
}

#[pymethods]
impl Companies {
    /// Gives a company another account number; the old one leads to it for ever.
    #[pyo3(signature = (key, account_number, /, *, dry_run=false))]
    fn renumber<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        account_number: &str,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), resource::records(slf.as_super().as_super()));
        let (key, change) = (
            records.key_of(key)?,
            Change {
                dry_run,
                if_match: None,
            },
        );
        let wanted = account_number.trim();
        let done = records.connection.wait(py, async {
            Ok(match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, number) = (&store.codex, number(&key));
                    let done = codex.renumber_company(&store.scope, &author, number, wanted);
                    Changed::of(done.await?.ok_or_else(|| records.missing(&key))?)
                }
                Backend::Http(client) => {
                    send!(client.companies().renumber(number(&key), wanted), change)
                }
            })
        })?;
        match done {
            Changed::Applied(done) => object(py, "Renumbered", &done),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }
}
