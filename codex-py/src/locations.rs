//! Locations.

use codex_core::{
    companies::{COMPANY_NUMBER, level_of},
    ids::LocationId,
    list::StaffFields as _,
    locations::{
        Location,
        query::LISTING,
        wire::{LocationIn, LocationOut},
    },
    records::{Intent, RecordBody as _},
};
use futures::StreamExt as _;
use pyo3::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    backend::{Backend, Change, Changed, Store, send, send_if, version_text},
    convert::Row,
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, columns},
    records::{Answer, Api, EditableRecords, Key, found, id, row},
    resource,
};

/// Locations behind either backend.
#[derive(Debug)]
pub(crate) struct LocationApi;

/// The addresses of companies. A location is named by its company's account number and its id:
/// ``codex.locations.get(("100001", 7))``. Over HTTP, lists need ``company``.
#[pyclass(frozen, extends = EditableRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Locations;

/// The key of the company in the body of a new location.
const COMPANY: &str = "company";

async fn location_row(store: &Store, location: &Location) -> Result<Row> {
    let found = store
        .codex
        .location_with_company(&store.scope, location.id)
        .await?;
    let company = found.and_then(|(_, company)| company);
    Ok(with_company(location, company.as_ref()))
}

fn with_company(location: &Location, company: Option<&codex_core::companies::CompanyRef>) -> Row {
    let out = LocationOut::new(location, level_of(company));
    let mut all = row(&out, Some(version_text(location.updated_at)));
    let number = company.map(|company| &company.account_number);
    all.values.insert(COMPANY_NUMBER.to_owned(), json!(number));
    resource::lay_under(&mut all, location.staff_fields());
    all
}

impl Api for LocationApi {
    fn class(&self) -> &'static str {
        "Location"
    }

    fn kind(&self) -> &'static str {
        "location"
    }

    fn key(&self) -> &'static [&'static str] {
        &[COMPANY_NUMBER, "id"]
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
                let (codex, scope) = (&store.codex, &store.scope);
                let Some(company) = company else {
                    let page = codex.locations_page(scope, &request).await?;
                    let rows = page.items.iter();
                    let rows =
                        rows.map(|(location, company)| with_company(location, company.as_ref()));
                    return Ok((rows.collect(), page.next));
                };
                let page = codex
                    .company_locations_page(scope, company, &request)
                    .await?;
                let company = match page.items.first() {
                    Some(first) => codex.location_with_company(scope, first.id).await?,
                    None => None,
                };
                let company = company.and_then(|(_, company)| company);
                let rows = page.items.iter();
                let rows = rows.map(|location| with_company(location, company.as_ref()));
                Ok((rows.collect(), page.next))
            }),
            Backend::Http(client) => {
                let Some(company) = &query.company else {
                    let message = "company: over HTTP, locations are listed company by company";
                    let failure = Failure::Invalid(message.to_owned());
                    return futures::stream::once(async { Err(failure) }).boxed();
                };
                let fields = resource::field_names("Location");
                let mut options = query.options();
                options.company_id = None;
                let companies = client.companies();
                query.stream(companies.select_locations(company, &fields, &options))
            }
        }
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let (number, id) = (&key[0], id(&key)?);
            match backend {
                Backend::Store(store) => {
                    let Some(company) = store.codex.company(&store.scope, number).await? else {
                        return Ok(None);
                    };
                    let found = store.codex.location(&store.scope, &company, LocationId(id));
                    match found.await? {
                        Some(location) => location_row(store, &location).await.map(Some),
                        None => Ok(None),
                    }
                }
                Backend::Http(client) => {
                    let companies = client.companies();
                    let Some(tagged) = found(companies.location(number, id).tagged().await)? else {
                        return Ok(None);
                    };
                    let fields = resource::field_names("Location");
                    let options = resource::of_id(id);
                    let rows = companies.select_locations(number, &fields, &options);
                    resource::with_tag(rows, &tagged).await
                }
            }
        })
    }

    fn create<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        mut body: Map<String, Value>,
    ) -> Answer<'a, Changed<Key>> {
        Box::pin(async move {
            let Some(Value::String(company)) = body.remove(COMPANY) else {
                return Err(Failure::Invalid(
                    "company: the account number is required".into(),
                ));
            };
            let body = LocationIn::read(body, Intent::Create)?;
            let id = match backend {
                Backend::Store(store) => {
                    let (author, of) = (store.author(&change)?, store.company(&company).await?);
                    let made = store
                        .codex
                        .create_location(&store.scope, &author, &of, &body);
                    Changed::of(made.await?).map(|location| location.id.0)
                }
                Backend::Http(client) => {
                    let made = client.companies().create_location(&company, &body);
                    send!(made, change).map(|location| location.id)
                }
            };
            Ok(id.map(|id| vec![company, id.to_string()]))
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
            let (number, id) = (&key[0], id(&key)?);
            let body = LocationIn::read(body, Intent::Update)?;
            match backend {
                Backend::Store(store) => {
                    let (author, company) = (store.author(&change)?, store.company(number).await?);
                    let (codex, id) = (&store.codex, LocationId(id));
                    let made = codex.update_location(&store.scope, &author, &company, id, &body);
                    Ok(made.await?.map(|outcome| Changed::of(outcome).map(|_| ())))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        let edit = client.companies().update_location(number, id, &body);
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
            let (number, id) = (&key[0], id(&key)?);
            match backend {
                Backend::Store(store) => {
                    let (author, company) = (store.author(&change)?, store.company(number).await?);
                    let (codex, id) = (&store.codex, LocationId(id));
                    let made = codex.delete_location(&store.scope, &author, &company, id);
                    Ok(made.await?.map(Changed::of))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        let delete = client.companies().delete_location(number, id);
                        Ok(send_if!(delete, change))
                    })
                    .await
                }
            }
        })
    }
}
