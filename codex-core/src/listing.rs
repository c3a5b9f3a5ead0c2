//! Lists that are narrowed, sorted and cut into pages, the same way for every kind of record.
//!
//! A page goes on behind the last record of the one before (its sort key and id), on any column, in either
//! direction. What is not known comes last, whichever way the rest is sorted.

use chrono::{DateTime, Utc};

use crate::{
    Error, Result,
    fold::SearchKey,
    paging::{Cursor, Filter, Op, Page, PageRequest, Sort},
    scope::Scope,
    search::{Term, query::found},
    store::{Db, Engine, Q, Record, Sql},
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared byte by byte.
    Text,
    /// Folded text, compared without regard to case and diacritics.
    Folded,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A moment.
    Time,
}

/// A column that a list can be narrowed and sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name for callers.
    pub name: &'static str,
    /// What it is in SQL.
    pub sql: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether every record has it; an index can be followed then.
    pub always: bool,
    /// Whether clients, who are not shown it, may not list by it either.
    pub staff: bool,
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
    /// Number of the kind in the search index.
    pub search: i64,
    /// The columns; the first is what the list is sorted by unless somebody says otherwise.
    pub columns: &'static [Column],
}

/// A column that may be unknown.
pub(crate) const fn column(name: &'static str, sql: &'static str, kind: Kind) -> Column {
    Column {
        name,
        sql,
        kind,
        always: false,
        staff: false,
    }
}

/// A column that may be unknown, and that clients are not shown.
pub(crate) const fn staff(name: &'static str, sql: &'static str, kind: Kind) -> Column {
    Column {
        staff: true,
        ..column(name, sql, kind)
    }
}

/// A column that every record has.
pub(crate) const fn always(name: &'static str, sql: &'static str, kind: Kind) -> Column {
    Column {
        always: true,
        ..column(name, sql, kind)
    }
}

impl Column {
    /// Adds the column where its order matters: that of text is by bytes, whatever the locale of the server.
    fn in_order<'q, 'a>(&self, q: &'q mut Q<'a>) -> &'q mut Q<'a> {
        q.push(self.sql);
        if self.kind == Kind::Text {
            q.push_sql(Sql::Per {
                sqlite: "",
                pg: " collate \"C\"",
            });
        }
        q
    }
}

impl Listing {
    /// Whether a parameter such as `name__contains` is about one of the columns.
    pub fn knows(&self, parameter: &str) -> bool {
        let name = Filter::new(parameter, "").name;
        self.columns.iter().any(|column| column.name == name)
    }

    fn column(&self, scope: &Scope, name: &str, parameter: &str) -> Result<&'static Column> {
        let column = self.columns.iter().find(|column| column.name == name);
        let column = column.ok_or_else(|| {
            let message = format!("there is no `{name}` to list by");
            Error::invalid(parameter.to_owned(), message)
        })?;
        if column.staff && scope.companies().is_some() {
            let message = format!("`{name}` is not shown to this role");
            return Err(Error::invalid(parameter.to_owned(), message));
        }
        Ok(column)
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
        Filter::within_bounds(&request.filters)?;
        let (column, descending) = match &request.sort {
            Some(Sort { name, descending }) => (self.column(scope, name, "sort")?, *descending),
            None => (&self.columns[0], false),
        };
        let mut total = None;
        if request.total {
            let mut q = db.query("select count(*) ");
            q.push(self.from);
            self.narrowed(&mut q, scope, db.engine(), request, &narrow)?;
            total = q.scalar::<i64>().await?;
        }
        // Ids first: what does not come on the page is neither joined nor carried through the sort.
        let mut q = db.query(self.select);
        q.push(" where ").push(self.id).push(" in (select ");
        q.push(self.id).push(self.from);
        self.narrowed(&mut q, scope, db.engine(), request, &narrow)?;
        if let Some(cursor) = &request.cursor {
            self.behind(&mut q, column, descending, cursor)?;
        }
        self.order(&mut q, column, descending);
        q.push(" limit ").push_bind(i64::from(limit) + 1).push(")");
        self.order(&mut q, column, descending);
        let mut items = q.all::<T>().await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = match items.last().filter(|_| more) {
            Some(last) => {
                let (id, key) = place(last);
                let own_order = column.name == self.columns[0].name;
                Some(if own_order {
                    Cursor::new(format!("={key}"), id)
                } else if column.sql == self.id {
                    Cursor::new(format!("={id}"), id)
                } else {
                    self.cursor(db, column, id).await?
                })
            }
            None => None,
        };
        Ok(Page { items, next, total })
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

    fn narrowed(
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
            condition(q, column, filter)?;
        }
        if let Some(text) = &request.search {
            let term = Term::new(text).ok_or_else(|| Error::invalid("q", "must not be empty"))?;
            q.push(" and ");
            found(q, engine, self.search, self.id, &term);
        }
        Ok(())
    }

    /// The records behind a cursor.
    fn behind(
        &self,
        q: &mut Q<'_>,
        column: &Column,
        descending: bool,
        cursor: &Cursor,
    ) -> Result<()> {
        let id = cursor.id();
        let beyond = if descending { " < " } else { " > " };
        let foreign = || Error::invalid("cursor", "is of a list that is sorted by something else");
        let Some(key) = cursor.key().strip_prefix('=') else {
            if !cursor.key().is_empty() {
                return Err(foreign());
            }
            q.push(" and ").push(column.sql).push(" is null and ");
            q.push(self.id).push(beyond).push_bind(id);
            return Ok(());
        };
        if column.always {
            q.push(" and (");
            column.in_order(q);
            q.push(", ").push(self.id).push(")");
            q.push(beyond).push("(");
            bind(q, column.kind, key).ok_or_else(foreign)?;
            q.push(", ").push_bind(id).push(")");
            return Ok(());
        }
        q.push(" and (");
        column.in_order(q);
        q.push(beyond);
        bind(q, column.kind, key).ok_or_else(foreign)?;
        q.push(" or (").push(column.sql).push(" = ");
        bind(q, column.kind, key).ok_or_else(foreign)?;
        q.push(" and ").push(self.id).push(beyond).push_bind(id);
        q.push(") or ").push(column.sql).push(" is null)");
        Ok(())
    }

    /// A cursor behind a record: `=` and its key, or nothing when it has none.
    async fn cursor(&self, db: &Db, column: &Column, id: i64) -> Result<Cursor> {
        let mut q = db.query("select ");
        q.push(column.sql)
            .push(" ")
            .push(self.from)
            .push(" where ")
            .push(self.id);
        q.push(" = ").push_bind(id);
        let key = match column.kind {
            Kind::Text | Kind::Folded => q.scalar::<Option<String>>().await?.flatten(),
            Kind::Int => q
                .scalar::<Option<i64>>()
                .await?
                .flatten()
                .map(|key| key.to_string()),
            Kind::Bool => q
                .scalar::<Option<bool>>()
                .await?
                .flatten()
                .map(|key| key.to_string()),
            Kind::Time => {
                let at = q.scalar::<Option<DateTime<Utc>>>().await?.flatten();
                at.map(|at| at.to_rfc3339())
            }
        };
        Ok(Cursor::new(
            key.map(|key| format!("={key}")).unwrap_or_default(),
            id,
        ))
    }
}

fn condition(q: &mut Q<'_>, column: &Column, filter: &Filter) -> Result<()> {
    let wrong = |what: &str| {
        let message = format!("`{}` is no {what}", filter.value);
        Error::invalid(filter.parameter.clone(), message)
    };
    let what = match column.kind {
        Kind::Text | Kind::Folded => "text",
        Kind::Int => "whole number",
        Kind::Bool => "true or false",
        Kind::Time => "time such as 2026-01-31",
    };
    let value = filter.value.as_str();
    let texts = matches!(column.kind, Kind::Text | Kind::Folded);
    let folded = if column.kind == Kind::Folded {
        SearchKey::new(value).to_string()
    } else {
        value.to_owned()
    };
    q.push(" and ");
    let compare = |q: &mut Q<'_>, operator: &'static str| {
        q.push(operator);
        bind(q, column.kind, value).ok_or_else(|| wrong(what))
    };
    match filter.op {
        Op::Eq => compare(q.push(column.sql), " = ")?,
        Op::Lt => compare(column.in_order(q), " < ")?,
        Op::Lte => compare(column.in_order(q), " <= ")?,
        Op::Gt => compare(column.in_order(q), " > ")?,
        Op::Gte => compare(column.in_order(q), " >= ")?,
        Op::Ne => {
            q.push("(");
            compare(q.push(column.sql), " <> ")?;
            q.push(" or ").push(column.sql).push(" is null)");
        }
        Op::In => {
            q.push(column.sql).push(" in (");
            for (index, value) in value.split(',').enumerate() {
                if index > 0 {
                    q.push(", ");
                }
                bind(q, column.kind, value).ok_or_else(|| wrong(what))?;
            }
            q.push(")");
        }
        Op::IsNull => {
            q.push(column.sql);
            q.push(match value {
                "true" => " is null",
                "false" => " is not null",
                _ => return Err(wrong("true or false")),
            });
        }
        Op::Contains if texts => {
            q.push_sql(Sql::Per {
                sqlite: "instr(",
                pg: "strpos(",
            })
            .push(column.sql)
            .push(", ")
            .push_bind(folded)
            .push(") > 0");
        }
        Op::StartsWith if texts => {
            q.push("substr(")
                .push(column.sql)
                .push(", 1, length(")
                .push_bind(folded.clone());
            q.push(")) = ").push_bind(folded);
        }
        Op::Contains | Op::StartsWith => {
            let message = format!("`{}` holds no text", column.name);
            return Err(Error::invalid(filter.parameter.clone(), message));
        }
    }
    Ok(())
}

/// Binds a value of a kind; `None` when the text is none.
fn bind(q: &mut Q<'_>, kind: Kind, text: &str) -> Option<()> {
    match kind {
        Kind::Text => q.push_bind(text),
        Kind::Folded => q.push_bind(SearchKey::new(text)),
        Kind::Int => q.push_bind(text.trim().parse::<i64>().ok()?),
        Kind::Bool => q.push_bind(text.trim().parse::<bool>().ok()?),
        Kind::Time => q.push_bind(crate::paging::moment(text)?),
    };
    Some(())
}
