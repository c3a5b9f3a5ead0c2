//! One statement with its binds: the only place that matches on the engine for every call.

use std::{borrow::Cow, collections::HashMap, hash::Hash, sync::atomic::Ordering};

use sqlx::{
    Arguments, AssertSqlSafe, ColumnIndex, Encode, FromRow, PgPool, Postgres, Row as _, Sqlite,
    SqlitePool, Type,
    postgres::{PgArguments, PgConnection, PgRow},
    sqlite::{SqliteArguments, SqliteConnection, SqliteRow},
};

use super::{
    Shared, Sql,
    revisions::{Written, note_read, written},
};
use crate::Result;

/// A value that both engines can take.
pub trait Bind:
    for<'q> Encode<'q, Sqlite> + Type<Sqlite> + for<'q> Encode<'q, Postgres> + Type<Postgres> + Send
{
}
impl<T> Bind for T where
    T: for<'q> Encode<'q, Sqlite>
        + Type<Sqlite>
        + for<'q> Encode<'q, Postgres>
        + Type<Postgres>
        + Send
{
}

/// A row that both engines can give.
pub trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Record for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// A single column's value that both engines can give.
pub trait Scalar:
    for<'r> sqlx::Decode<'r, Sqlite>
    + Type<Sqlite>
    + for<'r> sqlx::Decode<'r, Postgres>
    + Type<Postgres>
{
}
impl<T> Scalar for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + Type<Postgres>
{
}

/// The longest list that is filled up.
const PADDED: usize = 1_024;

pub(super) enum Target<'e> {
    Sqlite(&'e SqlitePool),
    SqliteTx(&'e mut SqliteConnection),
    Pg(&'e PgPool),
    PgTx(&'e mut PgConnection),
}

enum Args {
    Sqlite(SqliteArguments),
    Pg(PgArguments),
}

/// A statement being put together: text is `'static`, values are always bound.
///
/// A whole statement numbers its placeholders (`$1`); one that is built with [`Q::push`] and
/// [`Q::push_bind`] gets them written in order: `?` on `SQLite`, where numbered ones cost the square
/// of their count.
#[must_use = "a statement does nothing until it is run"]
pub struct Q<'e> {
    target: Target<'e>,
    sql: Cow<'static, str>,
    args: Args,
    error: Option<sqlx::error::BoxDynError>,
    /// Whether the engine keeps the prepared statement, and with it its plan.
    kept: bool,
    /// Whether it has rows of which two may have one key; see [`Q::push_upsert_rows`].
    rows_may_repeat: bool,
    /// Of which kind of record the claims are that it changes.
    kind: Option<&'static str>,
    shared: &'e Shared,
    /// Where a transaction notes what it changes.
    written: Option<&'e mut Written>,
}

impl std::fmt::Debug for Q<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Q").field(&self.sql).finish()
    }
}

/// Runs `$run` with the statement and its executor for whichever engine it is, and notes the table that the statement
/// changes where `$changed` says of what came, `$came`, that it did.
///
/// Expands to a match with one arm per target, each naming the same expression.
macro_rules! on_engine {
    ($q:expr, |$query:ident, $executor:ident| $run:expr, |$came:ident| $changed:expr) => {{
        let Q {
            target,
            sql,
            args,
            error,
            kept,
            kind,
            shared,
            written: noted,
            ..
        } = $q;
        if let Some(error) = error {
            return Err(sqlx::Error::Encode(error).into());
        }
        shared.statements.fetch_add(1, Ordering::Relaxed);
        note_read(&sql);
        let noted = noted.and_then(|noted| Some((noted, written(&sql, kind)?)));
        let sql = AssertSqlSafe(sql);
        let writes = matches!(target, Target::SqliteTx(_) | Target::PgTx(_));
        let done = match (target, args) {
            (Target::Sqlite($executor), Args::Sqlite(args)) => {
                let $query = sqlx::query_with::<Sqlite, _>(sql, args).persistent(kept);
                $run
            }
            (Target::SqliteTx($executor), Args::Sqlite(args)) => {
                let $query = sqlx::query_with::<Sqlite, _>(sql, args).persistent(kept);
                $run
            }
            // Behind pgbouncer in transaction mode the two messages of a statement without a name meet only within a
            // transaction.
            (Target::Pg(pool), Args::Pg(args)) if !kept => {
                let work = async move {
                    let mut tx = pool.begin().await?;
                    let $executor = &mut *tx;
                    let $query = sqlx::query_with::<Postgres, _>(sql, args).persistent(false);
                    let done = $run?;
                    tx.commit().await?;
                    Ok::<_, sqlx::Error>(done)
                };
                Box::pin(work).await
            }
            (Target::Pg($executor), Args::Pg(args)) => {
                let $query = sqlx::query_with::<Postgres, _>(sql, args).persistent(kept);
                $run
            }
            (Target::PgTx($executor), Args::Pg(args)) => {
                let $query = sqlx::query_with::<Postgres, _>(sql, args).persistent(kept);
                $run
            }
            _ => unreachable!("arguments are made for their target"),
        };
        if let (true, Err(error)) = (writes, &done) {
            shared.writing.failed(error);
        }
        if let (Some((noted, table)), Ok($came)) = (noted, &done)
            && $changed
        {
            noted.add(table);
        }
        done
    }};
}

/// One group of a multi-row `values`.
#[derive(Debug)]
pub struct Row<'r, 'e> {
    q: &'r mut Q<'e>,
    first: bool,
}

impl Row<'_, '_> {
    /// Binds the next column.
    pub fn bind(&mut self, value: impl Bind) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.q.push(", ");
        }
        self.q.push_bind(value);
        self
    }

    /// Binds the next column with a text that may be null.
    pub fn bind_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => self.bind(text),
            None => self.bind(None::<String>),
        }
    }
}

impl<'e> Q<'e> {
    pub(super) fn new(
        target: Target<'e>,
        sql: Sql,
        shared: &'e Shared,
        written: Option<&'e mut Written>,
    ) -> Self {
        let (sql, args) = match &target {
            Target::Sqlite(_) | Target::SqliteTx(_) => {
                (sql.sqlite(), Args::Sqlite(SqliteArguments::default()))
            }
            Target::Pg(_) | Target::PgTx(_) => (sql.pg(), Args::Pg(PgArguments::default())),
        };
        Self {
            target,
            sql: Cow::Borrowed(sql),
            args,
            error: None,
            kept: true,
            rows_may_repeat: false,
            kind: None,
            shared,
            written,
        }
    }

    /// Binds the next numbered placeholder.
    pub fn bind(mut self, value: impl Bind) -> Self {
        self.add(value);
        self
    }

    /// Binds a text that may be null.
    ///
    /// `Option<&str>` itself cannot be bound: sqlx wants what is inside to live as long as the encoding.
    pub fn bind_text(self, value: Option<&str>) -> Self {
        match value {
            Some(text) => self.bind(text),
            None => self.bind(None::<String>),
        }
    }

    /// Says of which kind of record all claims are that it changes: those of other kinds count as they were.
    pub fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Has the statement planned for its values each time. `PostgreSQL` plans a kept statement for any value
    /// after a few runs, and then reads all rows for a term whose index would have been faster.
    pub fn unprepared(&mut self) -> &mut Self {
        self.kept = false;
        self
    }

    /// Appends text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        debug_assert!(
            !(self.rows_may_repeat && text.contains("do update set")),
            "rows of an upsert are appended with `push_upsert_rows`"
        );
        self.sql.to_mut().push_str(text);
        self
    }

    /// Appends text that is another for each engine.
    pub fn push_sql(&mut self, sql: Sql) -> &mut Self {
        match &self.args {
            Args::Sqlite(_) => self.push(sql.sqlite()),
            Args::Pg(_) => self.push(sql.pg()),
        }
    }

    /// Appends a placeholder and binds its value.
    pub fn push_bind(&mut self, value: impl Bind) -> &mut Self {
        self.add(value);
        match &self.args {
            Args::Sqlite(_) => self.sql.to_mut().push('?'),
            Args::Pg(args) => {
                let number = args.len();
                let sql = self.sql.to_mut();
                sql.push('$');
                sql.push_str(&number.to_string());
            }
        }
        self
    }

    /// Appends `(a, b, ...)`; an empty list becomes `(null)`, which matches nothing. Up to `PADDED` values are
    /// filled up with the last of them to a power of two: a statement for every length would be planned anew each
    /// time, and would drive others out of the cache.
    pub fn push_list<T: Bind + Clone>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        self.push("(");
        let (mut count, mut last) = (0_usize, None);
        for value in values {
            self.push(if count == 0 { "" } else { ", " });
            count += 1;
            last = Some(value.clone());
            self.push_bind(value);
        }
        let Some(last) = last else {
            return self.push("null)");
        };
        if count <= PADDED {
            for _ in count..count.next_power_of_two() {
                self.push(", ").push_bind(last.clone());
            }
        }
        self.push(")")
    }

    /// Appends `values (...), (...)`, one group per item.
    pub fn push_rows<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        bind: impl FnMut(&mut Row<'_, 'e>, T),
    ) -> &mut Self {
        self.rows_may_repeat = true;
        self.push_groups(items, bind)
    }

    /// Appends `values (...), (...)` for `on conflict ... do update`: one group per key, the last item of each.
    ///
    /// Vendors list items twice, and `PostgreSQL` refuses a statement that would update one row twice, where
    /// `SQLite` keeps the last.
    pub fn push_upsert_rows<T, K: Hash + Eq>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> K,
        bind: impl FnMut(&mut Row<'_, 'e>, T),
    ) -> &mut Self {
        let mut places = HashMap::new();
        let mut rows: Vec<Option<T>> = Vec::new();
        for item in items {
            if let Some(earlier) = places.insert(key(&item), rows.len()) {
                rows[earlier] = None;
            }
            rows.push(Some(item));
        }
        self.push_groups(rows.into_iter().flatten(), bind)
    }

    fn push_groups<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut bind: impl FnMut(&mut Row<'_, 'e>, T),
    ) -> &mut Self {
        self.push("values ");
        for (index, item) in items.into_iter().enumerate() {
            self.push(if index == 0 { "(" } else { ", (" });
            bind(
                &mut Row {
                    q: self,
                    first: true,
                },
                item,
            );
            self.push(")");
        }
        self
    }

    /// Appends a row lock where the engine has one; `SQLite` has a single writer instead. It lets others refer to
    /// the row meanwhile.
    pub fn for_update(&mut self) -> &mut Self {
        if matches!(self.args, Args::Pg(_)) {
            self.push(" for no key update")
        } else {
            self
        }
    }

    fn add(&mut self, value: impl Bind) {
        let added = match &mut self.args {
            Args::Sqlite(args) => args.add(value),
            Args::Pg(args) => args.add(value),
        };
        if let Err(error) = added {
            self.error.get_or_insert(error);
        }
    }

    /// Runs it and gives the number of rows touched.
    pub async fn execute(self) -> Result<u64> {
        Ok(on_engine!(
            self,
            |query, executor| query
                .execute(executor)
                .await
                .map(|done| done.rows_affected()),
            |rows| *rows > 0
        )?)
    }

    /// All rows.
    pub async fn all<T: Record>(self) -> Result<Vec<T>> {
        Ok(on_engine!(
            self,
            |query, executor| query
                .try_map(|row| T::from_row(&row))
                .fetch_all(executor)
                .await,
            |rows| !rows.is_empty()
        )?)
    }

    /// The first row, if there is one.
    pub async fn optional<T: Record>(self) -> Result<Option<T>> {
        Ok(on_engine!(
            self,
            |query, executor| query
                .try_map(|row| T::from_row(&row))
                .fetch_optional(executor)
                .await,
            |row| row.is_some()
        )?)
    }

    /// The first column of the first row, if there is one.
    pub async fn scalar<T: Scalar + Send + Unpin>(self) -> Result<Option<T>>
    where
        usize: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        Ok(on_engine!(
            self,
            |query, executor| query
                .try_map(|row| row.try_get::<T, _>(0))
                .fetch_optional(executor)
                .await,
            |value| value.is_some()
        )?)
    }

    /// The first column of every row.
    pub async fn scalars<T: Scalar + Send + Unpin>(self) -> Result<Vec<T>> {
        Ok(on_engine!(
            self,
            |query, executor| query
                .try_map(|row| row.try_get::<T, _>(0))
                .fetch_all(executor)
                .await,
            |values| !values.is_empty()
        )?)
    }
}
