//! What the record writer needs to know about a kind of record.

use std::{collections::HashMap, future::Future, sync::Arc};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    FieldDef, SearchDef, SourceRecord, match_imported,
    resolve::{Claim, MANUAL},
};
use crate::{
    Access, Error, RecordKind, Result,
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
    /// The tracked fields.
    const FIELDS: &'static [FieldDef];

    /// Binds the fields in the order of the columns.
    fn bind(&self, row: &mut Row<'_, '_>);
}

/// A kind of record that the record writer can write.
pub trait Resource: Sized + Send + Sync + std::fmt::Debug + 'static {
    /// The kind.
    const RECORD_KIND: RecordKind;
    /// Its name in claims and log.
    const KIND: &'static str = Self::RECORD_KIND.name();
    /// The field that names a record in paths; `None` where its row id does.
    const KEY: Option<&'static str> = None;
    /// Who may list, find and export such records.
    const READ_BY: Access;
    /// Who may create, update, delete and restore such records, and release their manual values.
    const WRITTEN_BY: Access;
    /// Whether a record belongs to one person. Then only that person may restore it.
    const IS_PERSONAL: bool = false;
    /// The named statements of its folder, for the test that prepares them.
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]];
    /// How its records are searched; `None` for a kind that is not.
    const SEARCH: Option<&'static SearchDef> = None;
    /// Reserves `$1` row ids, one row each; see `reserve_ids!`.
    const RESERVE: Sql;
    /// Whether an item is skipped when its source has already stated a newer one, by the source's own times of change.
    /// For sources whose deliveries race.
    const NEWEST_WINS: bool = false;
    /// Columns whose combined values must be unique among live records.
    const UNIQUE: &'static [&'static str] = &[];
    /// Its tracked fields.
    type Fields: Tracked;
    /// Volatile fields, which are written outside claims and log; `()` where there are none.
    type Status: Clone + PartialEq + Send + Sync + std::fmt::Debug;

    /// The folded text that search finds the record by, one part a line; only for kinds with [`Self::SEARCH`].
    fn search_text(_fields: &Self::Fields) -> String {
        String::new()
    }

    /// Normalizes fields and fills fall-backs, from the fields alone.
    fn derive(_fields: &mut Self::Fields) {}

    /// Fills the derived keys for search, order and identity.
    fn keys(_fields: &mut Self::Fields) {}

    /// The keys by which new items find imported records, by item id: the strongest first. Each begins with its kind of
    /// key, such as `device/4711`.
    fn import_keys(
        _tx: &mut Tx,
        source: &'static str,
        new: &[&SourceRecord<Self>],
    ) -> impl Future<Output = Result<HashMap<String, Vec<String>>>> + Send {
        let keys = new.iter().map(|item| {
            let key = match_imported::source_key(source, &item.external_id);
            (item.external_id.clone(), vec![key])
        });
        let keys: HashMap<String, Vec<String>> = keys.collect();
        async move { Ok(keys) }
    }

    /// Finds the manual records that new items stand for: record ids by item id. Uncertain matches go to `issues`.
    fn match_manual_records(
        _tx: &mut Tx,
        _source: &'static str,
        _new: &[&SourceRecord<Self>],
        _issues: &mut Vec<String>,
    ) -> impl Future<Output = Result<HashMap<String, i64>>> + Send {
        async { Ok(HashMap::new()) }
    }

    /// Resolves what depends on other records, such as the company, for a whole page in O(1) SQL statements.
    fn resolve_references(
        _tx: &mut Tx,
        _drafts: &mut [Draft<Self>],
        _issues: &mut Vec<String>,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Moves what belongs to one record to the record that it is merged into. Where only one of a thing is allowed and
    /// both have it, the kept record gets the newer one.
    fn move_dependents(
        _tx: &mut Tx,
        _from: i64,
        _to: i64,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Writes what belongs to the records of a page: status, secrets, links.
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
/// single writer may count on from the last row, and as rows are never removed no id is used twice. An import
/// leaves a floor behind: ids that the Flask service gave away.
macro_rules! reserve_ids {
    ($table:literal) => {
        $crate::store::Sql::Per {
            sqlite: concat!(
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < $1) \
                 select max((select coalesce(max(id), 0) from ",
                $table,
                "), (select coalesce(max(id), 0) from id_floors where table_name = '",
                $table,
                "')) + i from n"
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

/// The tracked fields of a row by name.
pub(crate) fn as_map<F: Tracked>(fields: &F) -> Result<Map<String, Value>> {
    match serde_json::to_value(fields) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::Corrupt {
            what: F::TABLE.into(),
            source: None,
        }),
        Err(source) => Err(Error::Corrupt {
            what: F::TABLE.into(),
            source: Some(source),
        }),
    }
}

/// A row with its tracked fields.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Stored<F> {
    /// Row id.
    pub id: i64,
    /// When the record was created here.
    pub created_at: DateTime<Utc>,
    /// When a tracked field last changed.
    pub updated_at: DateTime<Utc>,
    /// When the record was deleted, if it was.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Tracked fields.
    #[sqlx(flatten)]
    pub fields: F,
}

/// A record as its claims make it, before it is compared with its row.
#[derive(Debug)]
pub struct Draft<R: Resource> {
    /// Row id, reserved already for a new record.
    pub id: i64,
    /// The row as it is, `None` for a new record.
    pub before: Option<Stored<R::Fields>>,
    /// The fields as merged from the claims.
    pub fields: R::Fields,
    /// Every claim on it.
    pub claims: Vec<Claim>,
    /// Whether some claim keeps the record alive, and no person has deleted it.
    pub alive: bool,
}

impl<R: Resource> Draft<R> {
    /// Whether the field has a manual value.
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
    /// Change none of these records that was changed after its own moment, by row id.
    pub versions: Option<Arc<HashMap<i64, DateTime<Utc>>>>,
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
            versions: None,
        }
    }

    /// Whether a record is as the author has seen it.
    pub(crate) fn has_seen(&self, id: i64, updated_at: DateTime<Utc>) -> bool {
        let seen = self.unchanged_since.is_none_or(|at| at == updated_at);
        seen && self.has_planned(id, updated_at)
    }

    /// Whether a record is as in [`Author::versions`]; the others have no moment there.
    pub(crate) fn has_planned(&self, id: i64, updated_at: DateTime<Utc>) -> bool {
        let own = self.versions.as_ref().and_then(|seen| seen.get(&id));
        own.is_none_or(|at| *at == updated_at)
    }
}
