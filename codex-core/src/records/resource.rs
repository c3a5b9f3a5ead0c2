//! What a kind of record is to the writer.

use std::{collections::HashMap, future::Future};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    SourceRecord,
    resolve::{Claim, MANUAL},
};
use crate::{
    Result,
    store::{Record, Row, Sql, Tx},
};

/// The stored form of a record's tracked fields; written by the `record!` declaration.
pub trait Tracked:
    Record
    + Serialize
    + DeserializeOwned
    + Clone
    + Default
    + PartialEq
    + Sync
    + std::fmt::Debug
    + 'static
{
    /// The table.
    const TABLE: &'static str;
    /// `select id, ..., from table`, without a condition.
    const SELECT: &'static str;
    /// `insert into table (...) `, to be followed by values.
    const INSERT: &'static str;
    /// The clause that turns the insert into an update.
    const ON_CONFLICT: &'static str;
    /// How many columns a row has.
    const COLUMNS: usize;
    /// Names of the tracked fields.
    const NAMES: &'static [&'static str];

    /// Binds the fields in the order of the columns.
    fn bind(&self, row: &mut Row<'_, '_>);
}

/// A kind of record that the door can write.
pub trait Resource: Sized + Send + Sync + std::fmt::Debug + 'static {
    /// Name of the kind in claims and log.
    const KIND: &'static str;
    /// Reserves `$1` row ids, one row each; see `reserve_ids!`.
    const RESERVE: Sql;
    /// Whether a statement that is older, by its source's own time of change, than what the source has
    /// said already says nothing: where several deliveries of one source race.
    const NEWEST_WINS: bool = false;
    /// Columns that no two live records share the values of.
    const UNIQUE: &'static [&'static str] = &[];
    /// Fields that an index holds the text of: what a source states of them is cut to what it takes.
    const INDEXED: &'static [&'static str] = &[];
    /// Its tracked fields.
    type Fields: Tracked;
    /// What moves with every poll and is written outside the log; `()` where nothing does.
    type Status: Clone + PartialEq + Send + Sync + std::fmt::Debug;

    /// What a record is found by, folded, one part a line; only kinds of [`crate::search::KINDS`] are.
    fn search_text(_fields: &Self::Fields) -> String {
        String::new()
    }

    /// Fills what follows from the fields alone, besides keys: fall-backs.
    fn derive(_fields: &mut Self::Fields) {}

    /// Fills the keys that the record is searched, sorted and told apart by.
    fn keys(_fields: &mut Self::Fields) {}

    /// Which of the records that only people keep an arriving item stands for, by the item's id; whoever
    /// could be meant but not for certain goes to `issues`.
    fn match_manual_records(
        _tx: &mut Tx,
        _source: &'static str,
        _new: &[&SourceRecord<Self>],
        _issues: &mut Vec<String>,
    ) -> impl Future<Output = Result<HashMap<String, i64>>> + Send {
        async { Ok(HashMap::new()) }
    }

    /// Settles what depends on other records, for a whole page in O(1) statements.
    fn resolve_references(
        _tx: &mut Tx,
        _drafts: &mut [Draft<Self>],
        _issues: &mut Vec<String>,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Gives what hangs on one record to another, into which it is merged. Where both have something of which there
    /// can be only one, the newer stays with the record that is kept.
    fn hand_over(_tx: &mut Tx, _from: i64, _to: i64) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Writes what hangs on the records of a page: status, secrets, links.
    fn after_write(
        _tx: &mut Tx,
        _page: &WrittenPage<'_, Self>,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}

/// The statement that reserves row ids of a table.
///
/// The engines differ: `PostgreSQL` has a sequence, which leaves gaps but needs no lock; on `SQLite` the
/// single writer may count on from the last row, and as rows are never removed no id is used twice.
macro_rules! reserve_ids {
    ($table:literal) => {
        $crate::store::Sql::Per {
            sqlite: concat!(
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < $1) \
                 select (select coalesce(max(id), 0) from ",
                $table,
                ") + i from n"
            ),
            pg: concat!(
                "select nextval('",
                $table,
                "_id_seq') from generate_series(1, $1::bigint)"
            ),
        }
    };
}
pub(crate) use reserve_ids;

/// A row with its tracked fields.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Stored<F> {
    /// Row id.
    pub id: i64,
    /// When the record was made here.
    pub created_at: DateTime<Utc>,
    /// When a tracked field last changed.
    pub updated_at: DateTime<Utc>,
    /// When the record was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Tracked fields.
    #[sqlx(flatten)]
    pub fields: F,
}

/// A record about to be written.
#[derive(Debug)]
pub struct Draft<R: Resource> {
    /// Row id, reserved already for a new record.
    pub id: i64,
    /// The row as it is, `None` for a new record.
    pub before: Option<Stored<R::Fields>>,
    /// The fields as the claims resolve.
    pub fields: R::Fields,
    /// What each source says.
    pub claims: Vec<Claim>,
    /// Whether a source still has the record.
    pub alive: bool,
}

impl<R: Resource> Draft<R> {
    /// Whether a person states the field.
    pub fn is_manual(&self, field: &str) -> bool {
        self.claims
            .iter()
            .any(|claim| claim.source == MANUAL && claim.fields.contains_key(field))
    }

    /// What the live sources state for a field, with their names.
    pub fn stated<'d>(&'d self, field: &'d str) -> impl Iterator<Item = (&'d Claim, &'d Value)> {
        self.claims
            .iter()
            .filter(|claim| claim.live && claim.source != MANUAL)
            .filter_map(move |claim| claim.fields.get(field).map(|value| (claim, value)))
    }
}

/// A page after its records are written.
#[derive(Debug)]
pub struct WrittenPage<'p, R: Resource> {
    /// The source that states the items, or whose parts do.
    pub source: &'p str,
    /// Every item with the record that it belongs to.
    pub items: &'p [(i64, SourceRecord<R>)],
    /// Records whose row was written, with what it was before.
    pub written: &'p [Draft<R>],
    /// Who writes and when.
    pub author: &'p Author,
}

/// Who changes something, when and why: goes into every log entry.
#[derive(Debug, Clone)]
pub struct Author {
    /// A user's `sub`, `service:<name>`, `source:<name>` or `system`.
    pub actor: String,
    /// What people call the actor: a person's login name. `None` for what has no such name.
    pub name: Option<String>,
    /// The time of the change.
    pub at: DateTime<Utc>,
    /// Why, in words.
    pub reason: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// The sync run that caused it.
    pub run_id: Option<String>,
    /// Only tell what would change.
    pub dry_run: bool,
    /// Change nothing that was changed after this moment.
    pub unchanged_since: Option<DateTime<Utc>>,
}

impl Author {
    /// An author without reason, request or run.
    pub fn new(actor: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self {
            actor: actor.into(),
            name: None,
            at,
            reason: None,
            request_id: None,
            run_id: None,
            dry_run: false,
            unchanged_since: None,
        }
    }
}
