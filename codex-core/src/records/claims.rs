//! Reading and writing claims: what each source last stated about a record.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use super::{Author, Resource, resolve::Claim};
use crate::{Result, dates, records::SourceRecord, store::Tx};

/// The most binds in one SQL statement; both engines take more.
pub(crate) const MAX_BINDS: usize = 10_000;
/// Binds of a claim.
const COLUMNS: usize = 12;

/// Who states something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimSource {
    /// A source whose claims create records and keep them alive.
    Main(&'static str),
    /// A part of a source (`datto.interfaces`): it adds to records that the source has created.
    Part {
        /// Its own name.
        name: &'static str,
        /// The source.
        of: &'static str,
    },
}

impl ClaimSource {
    /// Its name in claims.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main(name) | Self::Part { name, .. } => name,
        }
    }

    /// The source whose record it is about.
    pub fn owner(self) -> &'static str {
        match self {
            Self::Main(name) | Self::Part { of: name, .. } => name,
        }
    }

    /// Whether its claims create records.
    pub fn is_main(self) -> bool {
        matches!(self, Self::Main(_))
    }
}

/// Identity of a claim within a kind: who states it, and about which item.
pub(super) type Key = (&'static str, String);

/// An item, and who states it.
pub type Statement<R> = (ClaimSource, SourceRecord<R>);

pub(super) fn key<R: Resource>((origin, item): &Statement<R>) -> Key {
    (origin.name(), item.external_id.clone())
}

/// Claims by the record that they are about.
pub(super) type ClaimsByRecord = HashMap<i64, Vec<Claim>>;

/// A claim as classification needs it.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Known {
    source: String,
    external_id: String,
    pub record_id: i64,
    hash: i64,
    scope: String,
    missing_since: Option<DateTime<Utc>>,
    gone_at: Option<DateTime<Utc>>,
    source_updated_at: Option<DateTime<Utc>>,
}

impl Known {
    /// Whether the claim is newer than an item. A stored time in the future is not compared.
    pub fn is_newer_than<R: Resource>(&self, item: &SourceRecord<R>, now: DateTime<Utc>) -> bool {
        let known = self.source_updated_at;
        let known = known.filter(|at| dates::has_happened(*at, now));
        R::NEWEST_WINS && item.source_updated_at.is_some_and(|at| known > Some(at))
    }

    /// Whether the claim is in force, and its item is still in the same collection.
    pub fn is_in_force<R: Resource>(&self, item: &SourceRecord<R>) -> bool {
        self.scope == item.scope && self.gone_at.is_none() && self.missing_since.is_none()
    }

    /// Whether an item with this hash states what the claim states already.
    pub fn states_the_same<R: Resource>(&self, item: &SourceRecord<R>, hash: i64) -> bool {
        self.hash == hash && self.is_in_force(item)
    }
}

#[derive(Debug, sqlx::FromRow)]
struct ClaimRow {
    record_id: i64,
    source: String,
    external_id: String,
    anchor: bool,
    gone_at: Option<DateTime<Utc>>,
    fields: Json<Map<String, Value>>,
    extra: Json<Map<String, Value>>,
}

/// The existing claims on a page's items: those of the source or part that states them, and of the sources that own
/// them.
pub(super) async fn known<R: Resource>(
    tx: &mut Tx,
    page: &[Statement<R>],
) -> Result<HashMap<Key, Known>> {
    if page.is_empty() {
        return Ok(HashMap::new());
    }
    let sources: BTreeSet<&'static str> = page
        .iter()
        .flat_map(|(origin, _)| [origin.name(), origin.owner()])
        .collect();
    let ids: BTreeSet<&str> = page
        .iter()
        .map(|(_, item)| item.external_id.as_str())
        .collect();
    let mut q = tx.query(
        "select source, external_id, record_id, hash, scope, missing_since, gone_at, \
         source_updated_at from claims where kind = ",
    );
    q.push_bind(R::KIND).push(" and source in ");
    q.push_list(sources.iter().copied());
    q.push(" and external_id in ").push_list(ids);
    let rows = q.all::<Known>().await?;
    let named = |row: Known| {
        let source = sources.get(row.source.as_str())?;
        Some(((*source, row.external_id.clone()), row))
    };
    Ok(rows.into_iter().filter_map(named).collect())
}

/// Every claim on records.
pub(super) async fn of_records<R: Resource>(tx: &mut Tx, ids: &[i64]) -> Result<ClaimsByRecord> {
    let mut claims = ClaimsByRecord::new();
    if ids.is_empty() {
        return Ok(claims);
    }
    let mut q = tx.query(
        "select record_id, source, external_id, anchor, gone_at, fields, extra \
         from claims where kind = ",
    );
    q.push_bind(R::KIND)
        .push(" and record_id in ")
        .push_list(ids.iter().copied());
    for row in q.all::<ClaimRow>().await? {
        claims.entry(row.record_id).or_default().push(Claim {
            source: row.source,
            external_id: row.external_id,
            live: row.gone_at.is_none(),
            anchor: row.anchor,
            fields: row.fields.0,
            extra: row.extra.0,
        });
    }
    Ok(claims)
}

/// A claim about to be written.
#[derive(Debug)]
pub(super) struct NewClaim<'c> {
    pub source: &'c str,
    pub external_id: &'c str,
    pub record_id: i64,
    pub scope: &'c str,
    pub anchor: bool,
    pub fields: &'c Map<String, Value>,
    pub extra: &'c Map<String, Value>,
    pub hash: i64,
    pub source_updated_at: Option<DateTime<Utc>>,
    /// Whether its source has the record; false in a manual claim once a person has deleted the record.
    pub live: bool,
}

/// Writes claims.
pub(super) async fn save<R: Resource>(
    tx: &mut Tx,
    author: &Author,
    claims: &[NewClaim<'_>],
) -> Result<()> {
    for chunk in claims.chunks(MAX_BINDS / COLUMNS) {
        let insert = "insert into claims (source, kind, external_id, record_id, scope, anchor, \
            fields, extra, hash, source_updated_at, first_seen, gone_at) ";
        let mut q = tx.query(insert).of_kind(R::KIND);
        q.push_upsert_rows(
            chunk,
            |claim| (claim.source, claim.external_id),
            |row, claim| {
                row.bind(claim.source)
                    .bind(R::KIND)
                    .bind(claim.external_id)
                    .bind(claim.record_id)
                    .bind(claim.scope)
                    .bind(claim.anchor)
                    .bind(Json(claim.fields))
                    .bind(Json(claim.extra))
                    .bind(claim.hash)
                    .bind(claim.source_updated_at)
                    .bind(author.at)
                    .bind((!claim.live).then_some(author.at));
            },
        );
        q.push(
            " on conflict (source, kind, external_id) do update set scope = excluded.scope, \
             anchor = excluded.anchor, \
             fields = excluded.fields, extra = excluded.extra, hash = excluded.hash, \
             source_updated_at = excluded.source_updated_at, missing_since = null, \
             missing_run = null, gone_at = excluded.gone_at",
        );
        q.execute().await?;
    }
    Ok(())
}

/// Marks claims of a source and its parts as gone; returns the records that they are about.
pub(super) async fn retire<R: Resource>(
    tx: &mut Tx,
    author: &Author,
    source: &str,
    external_ids: &[String],
) -> Result<Vec<i64>> {
    let mut q = tx.query("update claims set gone_at = ").of_kind(R::KIND);
    q.push_bind(author.at)
        .push(" where kind = ")
        .push_bind(R::KIND);
    q.push(" and (source = ").push_bind(source);
    q.push(" or source like ")
        .push_bind(format!("{source}.%"))
        .push(")");
    q.push(" and gone_at is null and external_id in ");
    q.push_list(external_ids.iter().map(String::as_str))
        .push(" returning record_id");
    q.scalars().await
}

/// Keeps the last of several statements about one item: a vendor's page may hold an item twice, and one SQL statement
/// must not write a row twice.
pub(super) fn last_of_each<R: Resource>(page: Vec<Statement<R>>) -> Vec<Statement<R>> {
    let mut at = HashMap::with_capacity(page.len());
    let mut unique: Vec<Statement<R>> = Vec::with_capacity(page.len());
    for statement in page {
        let key = key(&statement);
        if let Some(index) = at.get(&key) {
            unique[*index] = statement;
        } else {
            at.insert(key, unique.len());
            unique.push(statement);
        }
    }
    unique
}

/// Hash over what is tracked: stated fields and unmapped members, neither status nor secrets.
pub(super) fn content_hash<R: Resource>(item: &SourceRecord<R>) -> i64 {
    let mut hash = Sha256::new();
    for part in [&item.fields, &item.extra] {
        // Maps of strings to JSON always serialize, with their keys in order.
        hash.update(serde_json::to_vec(part).unwrap_or_default());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(first)
}
