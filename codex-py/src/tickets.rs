//! Tickets.

use codex_client::TicketOptions;
use codex_core::{
    Codex,
    companies::COMPANY_NUMBER,
    list::{Op, PageRequest, StaffFields as _},
    tickets::{
        Ticket,
        query::{LISTING, TicketFilter},
        status::Statuses,
        wire::{TicketDetailOut, TicketOut, TicketUpdateIn},
    },
};
use pyo3::{prelude::*, types::PyTuple};
use serde_json::{Map, Value, json};

use crate::{
    backend::{Backend, Change, Changed, Store, send, version_text},
    convert::Row,
    errors::Result,
    query::{Column, Feed, ListQuery, columns},
    records::{Answer, Api, Key, Records, found, id, object, row},
    resource,
};

/// Tickets behind either backend.
#[derive(Debug)]
pub(crate) struct TicketApi;

/// What clients asked for. A ticket is named by its number.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Tickets;

fn ticket_row(ticket: &Ticket, statuses: &Statuses) -> Row {
    let version = Some(version_text(ticket.updated_at));
    let mut all = row(&TicketOut::new(ticket, statuses), version);
    let number = json!(ticket.account_number);
    all.values.insert(COMPANY_NUMBER.to_owned(), number);
    resource::lay_under(&mut all, ticket.staff_fields());
    all
}

/// Takes the words of status and priority out of a question: the library filters by their numbers.
async fn words(codex: &Codex, request: &mut PageRequest) -> Result<TicketFilter> {
    let mut filter = TicketFilter::default();
    let filters = std::mem::take(&mut request.filters);
    for one in filters {
        match (one.name.as_str(), one.op) {
            ("status", Op::Eq) => filter.statuses = Some(codex.status_filter(&one.value).await?),
            ("priority", Op::Eq) => filter.priority = Some(Codex::priority_filter(&one.value)),
            _ => request.filters.push(one),
        }
    }
    Ok(filter)
}

fn options(query: &ListQuery) -> TicketOptions {
    let options = query.options();
    TicketOptions {
        company: options.company_id,
        limit: options.limit,
        sort: options.sort,
        q: options.q,
        filters: options.filters,
        ..TicketOptions::default()
    }
}

async fn detail(store: &Store, number: i64) -> Result<Option<TicketDetailOut>> {
    let Some((ticket, said)) = store.codex.ticket(&store.scope, number).await? else {
        return Ok(None);
    };
    let statuses = store.codex.ticket_statuses().await?;
    Ok(Some(TicketDetailOut::new(&ticket, said, &statuses)))
}

impl Api for TicketApi {
    fn class(&self) -> &'static str {
        "Ticket"
    }

    fn kind(&self) -> &'static str {
        "ticket"
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn is_of_companies(&self) -> bool {
        true
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, company, mut request| async move {
                let codex = &store.codex;
                let mut filter = words(codex, &mut request).await?;
                filter.company = company;
                let statuses = codex.ticket_statuses().await?;
                let page = codex.tickets_page(&store.scope, &filter, &request).await?;
                let rows = page
                    .items
                    .iter()
                    .map(|ticket| ticket_row(ticket, &statuses));
                Ok((rows.collect(), page.next))
            }),
            Backend::Http(client) => {
                let fields = resource::field_names("Ticket");
                query.stream(client.tickets().select(&fields, &options(&query)))
            }
        }
    }

    fn count<'a>(&'a self, backend: &'a Backend, query: &'a ListQuery) -> Answer<'a, Option<i64>> {
        Box::pin(async move {
            Ok(match backend {
                Backend::Store(store) => {
                    let (mut request, company) = query.counted(store).await?;
                    let mut filter = words(&store.codex, &mut request).await?;
                    filter.company = company;
                    let page = store.codex.tickets_page(&store.scope, &filter, &request);
                    page.await?.total
                }
                Backend::Http(client) => {
                    let options = TicketOptions {
                        limit: Some(1),
                        ..options(query)
                    };
                    let part = client.tickets().list(&options).await?;
                    Some(part.total)
                }
            })
        })
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let number = id(&key)?;
            match backend {
                Backend::Store(store) => {
                    let found = store.codex.ticket(&store.scope, number).await?;
                    let statuses = store.codex.ticket_statuses().await?;
                    Ok(found.map(|(ticket, _)| ticket_row(&ticket, &statuses)))
                }
                Backend::Http(client) => {
                    let fields = resource::field_names("Ticket");
                    let values = client.tickets().get_fields(number, &fields).await;
                    let row = |values: Map<String, Value>| Row {
                        values,
                        version: None,
                    };
                    Ok(found(values)?.map(row))
                }
            }
        })
    }
}

#[pymethods]
impl Tickets {
    /// Sets the status of a ticket and adds a private note, here at once; both go to the PSA by themselves.
    #[pyo3(signature = (key, /, *, status=None, notes=None, dry_run=false))]
    fn update<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        status: Option<String>,
        notes: Option<String>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let number = id(&key)?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let update = TicketUpdateIn {
            notes,
            status,
            ..TicketUpdateIn::default()
        };
        let done = records.connection.wait(py, async {
            Ok(match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, scope) = (&store.codex, &store.scope);
                    let done = codex.update_ticket(scope, &author, number, &update).await?;
                    Changed::of(done.ok_or_else(|| records.missing(&key))?)
                }
                Backend::Http(client) => send!(client.tickets().update(number, &update), change),
            })
        })?;
        match done {
            Changed::Applied(done) => object(py, "TicketUpdate", &done),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }

    /// What was said on a ticket, the oldest first.
    #[pyo3(signature = (key, /))]
    fn conversations<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let number = id(&key)?;
        let detail = records.connection.wait(py, async {
            let detail = match records.backend() {
                Backend::Store(store) => detail(store, number).await?,
                Backend::Http(client) => found(client.tickets().get(number).await)?,
            };
            detail.ok_or_else(|| records.missing(&key))
        })?;
        let said = detail.conversations.iter();
        let said = said.map(|one| object(py, "Conversation", one));
        PyTuple::new(py, said.collect::<PyResult<Vec<_>>>()?)
    }
}
