//! The SQL of a list.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{
    TableRows, condition,
    term::{Term, found},
};
use crate::{
    Error, Result,
    list::{ColumnType, Cursor, Filter, Op, Page, PageRequest, Sort},
    nearest::hint,
    records::{FieldDef, SearchDef},
    scope::Scope,
    store::{Db, Engine, Q, Record, Sql},
};

/// A column that a list can be narrowed and sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name for callers.
    pub name: &'static str,
    /// What it is in SQL.
    pub sql: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// Whether every record has it; an index can be followed then.
    pub always: bool,
    /// Whether clients, who are not shown it, may not list by it either.
    pub staff: bool,
    /// Whether it has few values, so that lists count them.
    pub faceted: bool,
    /// The text as it was written, in SQL, where `sql` is folded.
    pub spelled: Option<&'static str>,
    /// What stands before and behind the condition, where a record has several of it: such a column has no order.
    pub several: Option<Several>,
}

/// A column that is on other records, of which a record has several.
#[derive(Debug, Clone, Copy)]
pub struct Several {
    /// Before the condition on such a record.
    pub before: &'static str,
    /// The company of such a record in SQL: a clients' own alone count.
    pub company: &'static str,
    /// Behind the condition.
    pub behind: &'static str,
}

/// What names a row: the number of a record, or a text such as the id of a job.
#[derive(Debug, Clone, Copy)]
enum RowId<'i> {
    Number(i64),
    Text(&'i str),
}

impl RowId<'_> {
    fn bind(self, q: &mut Q<'_>) {
        match self {
            Self::Number(id) => q.push_bind(id),
            Self::Text(id) => q.push_bind(id),
        };
    }
}

/// What names the rows of a list.
#[derive(Debug, Clone, Copy)]
enum NamedBy {
    Number,
    Text,
}

impl NamedBy {
    /// The sort key and the row of a cursor; `None` for a cursor of another list. A text stands in a line before the key.
    fn place(self, cursor: &Cursor) -> Option<(&str, RowId<'_>)> {
        match self {
            Self::Number => Some((cursor.key(), RowId::Number(cursor.id()))),
            Self::Text => {
                let (id, key) = cursor.key().split_once('\n')?;
                Some((key, RowId::Text(id)))
            }
        }
    }
}

/// A kind of record as a list.
#[derive(Debug)]
pub struct Listing {
    /// The select, which ends before `where`.
    pub select: &'static str,
    /// The tables and joins of the select alone.
    pub from: &'static str,
    /// The live records.
    pub live: &'static str,
    /// The id in SQL.
    pub id: &'static str,
    /// How its records are searched; `None` for a list without `q`.
    pub search: Option<&'static SearchDef>,
    /// Name of the column that it is sorted by unless somebody says otherwise.
    pub order: &'static str,
    /// The fields of a record.
    pub fields: &'static [&'static [FieldDef]],
    /// What it filters and sorts by beside fields.
    pub columns: &'static [Column],
}

/// A column that may be unknown.
pub(crate) const fn column(name: &'static str, sql: &'static str, kind: ColumnType) -> Column {
    Column {
        name,
        sql,
        kind,
        always: false,
        staff: false,
        faceted: false,
        spelled: None,
        several: None,
    }
}

/// A column that every record has.
pub(crate) const fn always(name: &'static str, sql: &'static str, kind: ColumnType) -> Column {
    Column {
        always: true,
        ..column(name, sql, kind)
    }
}

impl Column {
    /// Lists count its values.
    pub(crate) const fn faceted(self) -> Self {
        Self {
            faceted: true,
            ..self
        }
    }

    /// Of a column on several other records.
    pub(crate) const fn several(self, several: Several) -> Self {
        Self {
            several: Some(several),
            ..self
        }
    }

    /// Whether it holds text.
    pub fn is_text(&self) -> bool {
        matches!(
            self.kind,
            ColumnType::Text | ColumnType::Folded | ColumnType::Mac
        )
    }

    /// Whether a list can be sorted by it.
    pub fn has_order(&self) -> bool {
        self.several.is_none()
    }

    /// The comparisons that it knows.
    pub fn operators(&self) -> impl Iterator<Item = Op> {
        let (text, kind, order) = (self.is_text(), self.kind, self.has_order());
        Op::all().filter(move |op| match op {
            Op::Eq | Op::Ne | Op::In | Op::IsNull => true,
            Op::Exact | Op::Contains | Op::StartsWith => text,
            Op::Lt | Op::Lte | Op::Gt | Op::Gte => {
                order && !matches!(kind, ColumnType::Word | ColumnType::Bool | ColumnType::Mac)
            }
        })
    }

    /// The parameters that filter by it: its name, and its name with each operator behind it.
    pub fn parameters(&self) -> impl Iterator<Item = (String, Op)> {
        self.operators().map(|op| (op.parameter(self.name), op))
    }

    /// Adds the column where its order matters: that of text is by bytes, whatever the locale of the server.
    pub(crate) fn in_order<'q, 'a>(&self, q: &'q mut Q<'a>) -> &'q mut Q<'a> {
        q.push(self.sql);
        if matches!(self.kind, ColumnType::Text | ColumnType::Mac) {
            q.push_sql(Sql::Per {
                sqlite: "",
                pg: " collate \"C\"",
            });
        }
        q
    }
}

impl Listing {
    /// What it filters and sorts by.
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        let fields = self.fields.iter().copied().flatten();
        let fields = fields.filter_map(FieldDef::column);
        self.columns.iter().copied().chain(fields)
    }

    /// The parameters that filter it.
    pub fn filters(&self) -> Vec<String> {
        let columns: Vec<Column> = self.columns().collect();
        let filters = columns.iter().flat_map(Column::parameters);
        filters.map(|(name, _)| name).collect()
    }

    /// Whether a parameter such as `name__contains` is about one of the columns.
    pub fn knows(&self, parameter: &str) -> bool {
        let name = Filter::new(parameter, "").name;
        self.columns().any(|column| column.name == name)
    }

    pub(super) fn column(&self, scope: &Scope, name: &str, parameter: &str) -> Result<Column> {
        let column = self.columns().find(|column| column.name == name);
        let column = column.ok_or_else(|| {
            let hint = self.hint(name, parameter);
            let message = format!("there is no `{name}` to list by{hint}");
            Error::invalid(parameter.to_owned(), message)
        })?;
        if column.staff && scope.companies().is_some() {
            let message = format!("`{name}` is not shown to this role");
            return Err(Error::invalid(parameter.to_owned(), message));
        }
        Ok(column)
    }

    /// Suggests a parameter for an unknown one, and otherwise a column: that of `sort`.
    fn hint(&self, name: &str, parameter: &str) -> String {
        if name != parameter {
            return hint(name, self.columns().map(|column| column.name));
        }
        let filters = self.filters();
        hint(name, filters.iter().map(String::as_str))
    }

    fn own_order(&self) -> Result<Column> {
        self.column(&Scope::system(), self.order, "sort")
    }

    /// The column that a list is sorted by, and whether the largest comes first.
    fn order_of(&self, scope: &Scope, request: &PageRequest) -> Result<(Column, bool)> {
        let Some(Sort { name, descending }) = &request.sort else {
            return Ok((self.own_order()?, false));
        };
        let column = self.column(scope, name, "sort")?;
        if column.has_order() {
            return Ok((column, *descending));
        }
        let message = format!("a record has several `{name}`: they have no order");
        Err(Error::invalid("sort", message))
    }

    /// Whether the caller may sort by a column.
    pub(crate) fn sorts_by(&self, scope: &Scope, name: &str) -> bool {
        let column = self.column(scope, name, "sort");
        column.is_ok_and(|column| column.has_order())
    }

    /// A page of the records that `narrow` and the request leave. `place` is the row id of a record and its key
    /// in the list's own order.
    pub(crate) async fn page<T: Record>(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        narrow: impl Fn(&mut Q<'_>),
        place: impl Fn(&T) -> (i64, String),
    ) -> Result<Page<T>> {
        let limit = request.limit()?;
        let (mut items, total) = self
            .read::<T>(db, scope, request, &narrow, NamedBy::Number)
            .await?;
        let (column, _) = self.order_of(scope, request)?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = match items.last().filter(|_| more) {
            Some(last) => {
                let (id, key) = place(last);
                let own_order = column.name == self.order;
                Some(if own_order {
                    Cursor::new(format!("={key}"), id)
                } else if column.sql == self.id {
                    Cursor::new(format!("={id}"), id)
                } else {
                    Cursor::new(self.key(db, &column, RowId::Number(id)).await?, id)
                })
            }
            None => None,
        };
        Ok(Page { items, next, total })
    }

    /// The same of rows that texts name; `id` is that of a row.
    pub(crate) async fn page_of_texts<T: Record>(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        id: impl Fn(&T) -> &str,
    ) -> Result<Page<T>> {
        let limit = request.limit()?;
        let narrow = |_: &mut Q<'_>| ();
        let (mut items, total) = self
            .read::<T>(db, scope, request, &narrow, NamedBy::Text)
            .await?;
        let (column, _) = self.order_of(scope, request)?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = match items.last().filter(|_| more) {
            Some(last) => {
                let id = id(last);
                let key = self.key(db, &column, RowId::Text(id)).await?;
                Some(Cursor::new(format!("{id}\n{key}"), 0))
            }
            None => None,
        };
        Ok(Page { items, next, total })
    }

    /// The same without a cursor to the next page; the request says by its offset which page.
    pub(crate) async fn rows<T: Record>(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        narrow: impl Fn(&mut Q<'_>),
    ) -> Result<TableRows<T>> {
        let (mut rows, total) = self
            .read(db, scope, request, &narrow, NamedBy::Number)
            .await?;
        rows.truncate(request.limit()? as usize);
        let total = total.unwrap_or_default();
        Ok(TableRows { rows, total })
    }

    /// The records of a page and one more, and the length of the whole list where the request asks for it.
    async fn read<T: Record>(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        narrow: &impl Fn(&mut Q<'_>),
        named_by: NamedBy,
    ) -> Result<(Vec<T>, Option<i64>)> {
        let limit = request.limit()?;
        Filter::within_bounds(&request.filters)?;
        let (column, descending) = self.order_of(scope, request)?;
        let mut total = None;
        if request.total {
            let mut q = db.query("select count(*) ");
            q.push(self.from);
            self.narrowed(&mut q, scope, db.engine(), request, narrow)?;
            total = q.scalar::<i64>().await?;
        }
        // Ids first: what does not come on the page is neither joined nor carried through the sort.
        let mut q = db.query(self.select);
        q.push(" where ").push(self.id).push(" in (select ");
        q.push(self.id).push(self.from);
        self.narrowed(&mut q, scope, db.engine(), request, narrow)?;
        if let Some(cursor) = &request.cursor {
            let place = named_by.place(cursor).ok_or_else(foreign)?;
            behind(&mut q, self.id, (&column, descending), place)?;
        }
        self.order(&mut q, &column, descending);
        q.push(" limit ").push_bind(i64::from(limit) + 1);
        if let (Some(offset), None) = (request.offset, &request.cursor) {
            q.push(" offset ").push_bind(offset);
        }
        q.push(")");
        self.order(&mut q, &column, descending);
        Ok((q.all().await?, total))
    }

    /// The row ids of all records that `narrow` and the request leave, in its order.
    pub(crate) async fn ids(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        narrow: impl Fn(&mut Q<'_>),
    ) -> Result<Vec<i64>> {
        Filter::within_bounds(&request.filters)?;
        let (column, descending) = self.order_of(scope, request)?;
        let mut q = db.query("select ");
        q.push(self.id).push(self.from);
        self.narrowed(&mut q, scope, db.engine(), request, &narrow)?;
        self.order(&mut q, &column, descending);
        q.scalars().await
    }

    /// The row ids of the records that `narrow` and the request leave, in order, each with when it last changed; one
    /// more than `most` at most.
    pub(crate) async fn versions(
        &self,
        db: &Db,
        scope: &Scope,
        request: &PageRequest,
        most: usize,
        narrow: impl Fn(&mut Q<'_>),
    ) -> Result<Vec<(i64, DateTime<Utc>)>> {
        Filter::within_bounds(&request.filters)?;
        let changed = self.column(&Scope::system(), "updated_at", "sort")?;
        let mut q = db.query("select ");
        q.push(self.id).push(", ").push(changed.sql).push(self.from);
        self.narrowed(&mut q, scope, db.engine(), request, &narrow)?;
        q.push(" order by ").push(self.id).push(" limit ");
        q.push_bind(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1));
        q.all().await
    }

    /// Those of some records that are live and that `narrow` leaves, in the order of their row ids here; `id` is the
    /// row id of a record.
    pub(crate) async fn of_ids<T: Record>(
        &self,
        db: &Db,
        ids: &[i64],
        narrow: impl Fn(&mut Q<'_>),
        id: impl Fn(&T) -> i64,
    ) -> Result<Vec<T>> {
        let mut q = db.query(self.select);
        q.push(" where ")
            .push(self.live)
            .push(" and ")
            .push(self.id);
        q.push(" in ").push_list(ids.iter().copied());
        narrow(&mut q);
        let mut records: Vec<T> = q.all().await?;
        let places: HashMap<i64, usize> = ids.iter().copied().zip(0..).collect();
        records.sort_unstable_by_key(|record| places.get(&id(record)));
        Ok(records)
    }

    fn order(&self, q: &mut Q<'_>, column: &Column, descending: bool) {
        q.push(" order by ");
        if !column.always {
            q.push("case when ")
                .push(column.sql)
                .push(" is null then 1 else 0 end, ");
        }
        column.in_order(q);
        q.push(if descending { " desc, " } else { ", " });
        q.push(self.id).push(if descending { " desc" } else { "" });
    }

    pub(super) fn narrowed(
        &self,
        q: &mut Q<'_>,
        scope: &Scope,
        engine: Engine,
        request: &PageRequest,
        narrow: &impl Fn(&mut Q<'_>),
    ) -> Result<()> {
        q.push(" where ").push(self.live);
        narrow(q);
        for filter in &request.filters {
            let column = self.column(scope, &filter.name, &filter.parameter)?;
            condition::push(q, scope, &column, filter)?;
        }
        if let Some(text) = &request.search {
            let unsearched = || Error::invalid("q", "this list is not searched by text");
            let search = self.search.ok_or_else(unsearched)?;
            let term = Term::new(text).ok_or_else(|| Error::invalid("q", "must not be empty"))?;
            q.push(" and ");
            found(q, engine, search, self.id, &term);
        }
        Ok(())
    }

    /// The key of a cursor behind a record: `=` and its value, or nothing when it has none.
    async fn key(&self, db: &Db, column: &Column, id: RowId<'_>) -> Result<String> {
        let mut q = db.query("select ");
        q.push(column.sql)
            .push(" ")
            .push(self.from)
            .push(" where ")
            .push(self.id);
        q.push(" = ");
        id.bind(&mut q);
        let key = match column.kind {
            ColumnType::Text | ColumnType::Folded | ColumnType::Mac => {
                q.scalar::<Option<String>>().await?.flatten()
            }
            ColumnType::Int | ColumnType::Word => q
                .scalar::<Option<i64>>()
                .await?
                .flatten()
                .map(|key| key.to_string()),
            ColumnType::Bool => q
                .scalar::<Option<bool>>()
                .await?
                .flatten()
                .map(|key| key.to_string()),
            ColumnType::Json => None,
            ColumnType::Time => {
                let at = q.scalar::<Option<DateTime<Utc>>>().await?.flatten();
                at.map(|at| at.to_rfc3339())
            }
        };
        Ok(key.map(|key| format!("={key}")).unwrap_or_default())
    }
}

fn foreign() -> Error {
    Error::invalid("cursor", "is of a list that is sorted by something else")
}

/// Adds the condition that a record is behind the one that a cursor names.
fn behind(
    q: &mut Q<'_>,
    id_column: &'static str,
    (column, descending): (&Column, bool),
    (key, id): (&str, RowId<'_>),
) -> Result<()> {
    let beyond = if descending { " < " } else { " > " };
    let Some(key) = key.strip_prefix('=') else {
        if !key.is_empty() {
            return Err(foreign());
        }
        q.push(" and ").push(column.sql).push(" is null and ");
        q.push(id_column).push(beyond);
        id.bind(q);
        return Ok(());
    };
    if column.always {
        q.push(" and (");
        column.in_order(q);
        q.push(", ").push(id_column).push(")");
        q.push(beyond).push("(");
        condition::bind(q, column.kind, key).ok_or_else(foreign)?;
        q.push(", ");
        id.bind(q);
        q.push(")");
        return Ok(());
    }
    q.push(" and (");
    column.in_order(q);
    q.push(beyond);
    condition::bind(q, column.kind, key).ok_or_else(foreign)?;
    q.push(" or (").push(column.sql).push(" = ");
    condition::bind(q, column.kind, key).ok_or_else(foreign)?;
    q.push(" and ").push(id_column).push(beyond);
    id.bind(q);
    q.push(") or ").push(column.sql).push(" is null)");
    Ok(())
}

#[cfg(all(test, feature = "sync"))]
mod tests {
    use super::*;
    use crate::{Codex, assets::query::LISTING};

    /// The condition must be the indexed expression, letter by letter; see `0034_lookups.sql`.
    #[tokio::test]
    async fn asset_identifier_lookups_use_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let db = codex.db();
        for (parameter, value, index) in [
            ("serial_number", "SN000007", "assets_serial_lower"),
            ("serial_number__in", "SN1,sn2", "assets_serial_lower"),
            ("mac_address", "3C:52:82:00:00:01", "assets_mac_digits"),
        ] {
            let request = PageRequest {
                filters: vec![Filter::new(parameter, value)],
                ..PageRequest::default()
            };
            let mut q = db.query("explain query plan select ");
            q.push(LISTING.id).push(LISTING.from);
            let narrow = |_: &mut Q<'_>| ();
            let scope = Scope::system();
            LISTING
                .narrowed(&mut q, &scope, db.engine(), &request, &narrow)
                .unwrap();
            LISTING.order(&mut q, &LISTING.own_order().unwrap(), false);
            let plan: Vec<(i64, i64, i64, String)> = q.all().await.unwrap();
            let plan: Vec<String> = plan.into_iter().map(|(.., step)| step).collect();
            let plan = plan.join("; ");
            assert!(plan.contains(index), "{parameter}: {plan}");
        }
        codex.close().await;
    }
}
