//! What is asked of a list, and the pages that come.

use codex_client::{ListOptions, Records};
use codex_core::{
    companies::COMPANY_NUMBER,
    ids::CompanyId,
    list::{ColumnType, Cursor, Filter, Listing, Op, PageRequest, Sort},
};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use pyo3::{prelude::*, types::PyDict};
use serde_json::{Map, Value};

use crate::{
    backend::Store,
    convert::{self, Row},
    errors::{Failure, Result},
    shapes::{Kind, of_column, shape},
};

/// Records that are read at once from the database; over HTTP the server has its own limit.
const PART: u32 = 2_000;
/// Records that Python gets at once.
const AT_ONCE: usize = 500;

/// The records of a list, some at a time.
pub(crate) type Feed = BoxStream<'static, Result<Vec<Row>>>;

/// What is asked of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListQuery {
    /// Account number of the only company.
    pub company: Option<String>,
    pub search: Option<String>,
    pub sort: Option<String>,
    /// The most records in all.
    pub limit: Option<usize>,
    pub filters: Vec<Filter>,
}

/// What a list filters and sorts by.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether it has an order, so that less and more mean something.
    pub is_ordered: bool,
    pub is_text: bool,
    /// Whether the list comes whole and is compared here, by equality alone.
    pub is_local: bool,
}

/// What a list without columns in the database filters by: the plain attributes of its records.
pub(crate) fn local_columns(class: &str) -> Vec<Column> {
    let attributes = shape(class).into_iter().flat_map(|shape| &shape.attributes);
    let plain = attributes.filter(|attribute| {
        let kind = &attribute.kind;
        matches!(kind, Kind::Text | Kind::Int | Kind::Bool | Kind::Words(_))
    });
    let column = plain.map(|attribute| Column {
        name: attribute.name.as_str(),
        kind: attribute.kind.clone(),
        is_ordered: false,
        is_text: false,
        is_local: true,
    });
    column.collect()
}

/// The columns of a list, from the registry of fields.
pub(crate) fn columns(listing: &Listing) -> Vec<Column> {
    let of = |name, column: ColumnType| Column {
        name,
        kind: of_column(column),
        is_ordered: column != ColumnType::Bool,
        is_text: matches!(
            column,
            ColumnType::Text | ColumnType::Folded | ColumnType::Mac
        ),
        is_local: false,
    };
    let fields = listing.fields.iter().copied().flatten();
    let fields = fields.filter_map(|field| {
        let name = field.listed?.name.unwrap_or(field.name);
        Some(of(name, field.column_type))
    });
    let own = listing
        .columns
        .iter()
        .map(|column| of(column.name, column.kind));
    own.chain(fields).collect()
}

impl Column {
    /// Its operators.
    pub(crate) fn ops(&self) -> impl Iterator<Item = Op> {
        let (is_ordered, is_text, is_local) = (self.is_ordered, self.is_text, self.is_local);
        Op::all().filter(move |op| match op {
            Op::Eq | Op::In => true,
            Op::Ne | Op::IsNull => !is_local,
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => is_ordered,
            Op::Exact | Op::Contains | Op::StartsWith => is_text,
        })
    }

    /// The arguments that filter by it: its name, and its name with each operator behind it.
    fn arguments(&self) -> impl Iterator<Item = String> {
        self.ops().map(|op| op.parameter(self.name))
    }
}

impl ListQuery {
    /// Reads keyword arguments; a name that is no column is refused with the one that is probably meant.
    pub(crate) fn read(
        known: &[Column],
        company: Option<String>,
        search: Option<String>,
        sort: Option<String>,
        limit: Option<usize>,
        arguments: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let mut query = Self {
            company,
            search,
            sort,
            limit,
            filters: Vec::new(),
        };
        let names = || known.iter().map(|column| column.name);
        for (name, value) in arguments.into_iter().flatten() {
            let name: String = name.extract()?;
            let column = Filter::new(&name, "").name;
            let Some(column) = known.iter().find(|known| known.name == column) else {
                let filters = known.iter().flat_map(Column::arguments);
                let filters: Vec<String> = filters.collect();
                let filters = filters.iter().map(String::as_str);
                return Err(Failure::unknown("filter", &name, filters).into());
            };
            let (parameter, text) = convert::condition(&name, &value)?;
            let filter = Filter::new(&parameter, &text);
            if !column.ops().any(|op| op == filter.op) {
                let message = format!("{name}: this column is not compared so");
                return Err(Failure::Invalid(message).into());
            }
            query.filters.push(filter);
        }
        let is_local = known.iter().all(|column| column.is_local);
        if is_local && (query.sort.is_some() || query.search.is_some()) {
            let message = "sort, q: this list has one order, and is not searched";
            return Err(Failure::Invalid(message.to_owned()).into());
        }
        if let Some(sort) = &query.sort {
            let name = Sort::new(sort).name;
            if !names().any(|known| known == name) {
                return Err(Failure::unknown("sort key", &name, names()).into());
            }
        }
        query.take_company()?;
        Ok(query)
    }

    /// The account number as a filter means the company, as it does over HTTP.
    fn take_company(&mut self) -> Result<()> {
        let is_company = |filter: &Filter| filter.name == COMPANY_NUMBER && filter.op == Op::Eq;
        let (named, others): (Vec<Filter>, Vec<Filter>) = std::mem::take(&mut self.filters)
            .into_iter()
            .partition(is_company);
        self.filters = others;
        for filter in named {
            if self
                .company
                .as_ref()
                .is_some_and(|company| *company != filter.value)
            {
                let message = format!("{COMPANY_NUMBER}: names another company than `company`");
                return Err(Failure::Invalid(message));
            }
            self.company = Some(filter.value);
        }
        Ok(())
    }

    /// The first page of the database.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest {
            limit: Some(self.part(PART)),
            most: Some(PART),
            sort: self.sort.as_deref().map(Sort::new),
            filters: self.filters.clone(),
            search: self.search.clone(),
            tags: true,
            ..PageRequest::default()
        }
    }

    /// The shortest page that says how long the list is, and its only company.
    pub(crate) async fn counted(&self, store: &Store) -> Result<(PageRequest, Option<CompanyId>)> {
        let company = match &self.company {
            Some(account) => Some(store.company(account).await?.id),
            None => None,
        };
        let request = PageRequest {
            limit: Some(1),
            total: true,
            tags: false,
            ..self.request()
        };
        Ok((request, company))
    }

    /// The same over HTTP.
    pub(crate) fn counted_options(&self) -> ListOptions {
        ListOptions {
            limit: Some(1),
            total: true,
            ..self.options()
        }
    }

    /// How many records a page should have.
    fn part(&self, most: u32) -> u32 {
        let limit = self.limit.and_then(|limit| u32::try_from(limit).ok());
        limit.unwrap_or(most).clamp(1, most)
    }

    /// The same question over HTTP.
    pub(crate) fn options(&self) -> ListOptions {
        ListOptions {
            company_id: self.company.clone(),
            limit: Some(self.part(codex_core::list::MAX_LIMIT)),
            sort: self.sort.clone(),
            q: self.search.clone(),
            filters: self.conditions(),
            ..ListOptions::default()
        }
    }

    /// Its conditions over HTTP.
    pub(crate) fn conditions(&self) -> Vec<codex_client::Filter> {
        let filters = self.filters.iter().map(|filter| codex_client::Filter {
            column: filter.name.clone(),
            op: filter.op,
            value: filter.value.clone(),
        });
        filters.collect()
    }

    /// Reads page after page from the database.
    pub(crate) fn pages<F, Fut>(self, store: &Store, fetch: F) -> Feed
    where
        F: Fn(Store, Option<CompanyId>, PageRequest) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(Vec<Row>, Option<Cursor>)>> + Send + 'static,
    {
        let (store, limit) = (store.clone(), self.limit);
        let first = Some((self.request(), None, limit));
        let pages = stream::try_unfold((first, fetch), move |(next, fetch)| {
            let (store, account) = (store.clone(), self.company.clone());
            async move {
                let Some((mut request, company, left)) = next else {
                    return Ok(None);
                };
                if left == Some(0) {
                    return Ok(None);
                }
                let company = match (company, account) {
                    (None, Some(account)) => Some(store.company(&account).await?.id),
                    (known, _) => known,
                };
                let (mut rows, end) = fetch(store, company, request.clone()).await?;
                rows.truncate(left.unwrap_or(usize::MAX));
                let left = left.map(|left| left - rows.len());
                let next = end.map(|cursor| {
                    request.cursor = Some(cursor);
                    (request, company, left)
                });
                Ok(Some((rows, (next, fetch))))
            }
        });
        pages.boxed()
    }

    /// Reads the records of a stream of the client.
    pub(crate) fn stream(&self, records: Records<Map<String, Value>>) -> Feed {
        let rows = records.map_ok(|values| Row {
            values,
            version: None,
        });
        in_parts(rows.map_err(Failure::from).boxed(), self.limit)
    }
}

/// Single records as parts of a feed.
pub(crate) fn in_parts(rows: BoxStream<'static, Result<Row>>, limit: Option<usize>) -> Feed {
    let rows = rows.take(limit.unwrap_or(usize::MAX));
    let parts = rows.ready_chunks(AT_ONCE);
    parts.map(|part| part.into_iter().collect()).boxed()
}

/// A list that comes whole, of which those rows are kept that fit.
pub(crate) fn whole<F>(query: ListQuery, read: F) -> Feed
where
    F: Future<Output = Result<Vec<Row>>> + Send + 'static,
{
    let read = async move {
        let mut rows = read.await?;
        for filter in &query.filters {
            let wanted = match filter.op {
                Op::In => filter.values()?,
                _ => vec![filter.value.clone()],
            };
            rows.retain(|row| {
                let value = row.values.get(&filter.name);
                let text = match value {
                    Some(Value::String(text)) => text.clone(),
                    Some(value) => value.to_string(),
                    None => return false,
                };
                wanted.contains(&text)
            });
        }
        rows.truncate(query.limit.unwrap_or(usize::MAX));
        Ok(rows)
    };
    stream::once(read).boxed()
}
