//! Reading the claims on one record, and the changes of its fields.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::{
    Result,
    records::{Resource, Stored, Tracked as _, resolve::Claim},
    store::{Db, Q},
};

/// The newest changes of a record that are looked at: what is older is unknown.
const NEWEST: i64 = 1_000;

sql! {
    /// Every claim on a record.
    CLAIMS = "select source, external_id, anchor, fields, extra, source_updated_at, first_seen, gone_at \
        from claims where kind = $1 and record_id = $2 order by id";
    /// The newest changes of a record.
    CHANGES = "select at, op, changes from change_log where kind = $1 and record_id = $2 \
        order by id desc limit $3";
    /// The row id of a live ticket by its number.
    TICKET = "select id from tickets where number = $1 and deleted_at is null";
    /// The row id of a live agent by its Keycloak id.
    AGENT = "select id from agents where keycloak_id = $1 and deleted_at is null";
}

/// A claim with its times.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ClaimRow {
    source: String,
    external_id: String,
    anchor: bool,
    fields: Json<Map<String, Value>>,
    extra: Json<Map<String, Value>>,
    pub source_updated_at: Option<DateTime<Utc>>,
    pub first_seen: DateTime<Utc>,
    pub gone_at: Option<DateTime<Utc>>,
}

impl ClaimRow {
    /// The claim as it is resolved.
    pub fn claim(&self) -> Claim {
        Claim {
            source: self.source.clone(),
            external_id: self.external_id.clone(),
            live: self.gone_at.is_none(),
            anchor: self.anchor,
            fields: self.fields.0.clone(),
            extra: self.extra.0.clone(),
        }
    }
}

/// A change of a record.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ChangeRow {
    pub at: DateTime<Utc>,
    pub op: String,
    pub changes: Json<Map<String, Value>>,
}

/// The live record with a row id.
pub(crate) async fn row<R: Resource>(db: &Db, id: i64) -> Result<Option<Stored<R::Fields>>> {
    let mut q = db.query(R::Fields::SELECT);
    q.push(" where deleted_at is null and id = ").push_bind(id);
    q.optional().await
}

/// Every claim on a record.
pub(crate) async fn claims(db: &Db, kind: &'static str, id: i64) -> Result<Vec<ClaimRow>> {
    db.query(CLAIMS).bind(kind).bind(id).all().await
}

/// The changes of a record, the newest first, and a thousand at most.
pub(crate) async fn changes(db: &Db, kind: &'static str, id: i64) -> Result<Vec<ChangeRow>> {
    db.query(CHANGES)
        .bind(kind)
        .bind(id)
        .bind(NEWEST)
        .all()
        .await
}

/// Begins the statement of [`account_numbers`].
pub(crate) const ACCOUNT_NUMBERS: &str = "select id, account_number from companies where id in ";

/// Account numbers of companies by row id, of deleted ones too.
pub(crate) async fn account_numbers(
    mut q: Q<'_>,
    ids: Vec<i64>,
) -> Result<Vec<(i64, Option<String>)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    q.push_list(ids);
    q.all().await
}
