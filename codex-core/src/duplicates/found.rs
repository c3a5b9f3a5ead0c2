//! Writing what a run has found.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{DuplicateState, evidence::Evidence};
use crate::{
    RecordKind, Result,
    store::{Db, Tx},
};

/// Rows of one statement.
const ROWS: usize = 500;

sql! {
    /// The two are one record: written down even when nobody was asked.
    MERGED = "insert into duplicate_candidates (kind, record_a, record_b, score, evidence, state, first_seen, \
        decided_by, decided_at, kept) values ($1, $2, $3, $4, $5, 'merged', $6, $7, $6, $8) \
        on conflict (kind, record_a, record_b) do update set state = excluded.state, score = excluded.score, \
        evidence = excluded.evidence, decided_by = excluded.decided_by, decided_at = excluded.decided_at, \
        kept = excluded.kept";
    /// Nobody needs to decide on two records of which none is there.
    PRUNE_ASSETS = "delete from duplicate_candidates where state = 'open' and kind = 'asset' and not exists \
        (select 1 from assets r where r.id in (record_a, record_b) and r.deleted_at is null)";
    PRUNE_CONTACTS = "delete from duplicate_candidates where state = 'open' and kind = 'contact' and not exists \
        (select 1 from contacts r where r.id in (record_a, record_b) and r.deleted_at is null)";
}

/// A pair of records, the older first.
pub(crate) type Pair = (i64, i64);

/// The pairs of a kind that are known already, of those whose newer record is one of these.
pub(crate) async fn known(
    db: &Db,
    kind: &str,
    newer: BTreeSet<i64>,
) -> Result<Vec<(i64, i64, DuplicateState)>> {
    let mut q =
        db.query("select record_a, record_b, state from duplicate_candidates where kind = ");
    q.push_bind(kind.to_owned())
        .push(" and record_b in ")
        .push_list(newer);
    q.all().await
}

/// Writes candidates; those that were decided stay as they are, of open ones the evidence is renewed.
pub(crate) async fn propose(
    tx: &mut Tx,
    kind: &str,
    at: DateTime<Utc>,
    found: &[(Pair, Evidence)],
) -> Result<()> {
    for chunk in found.chunks(ROWS) {
        let mut q = tx.query(
            "insert into duplicate_candidates (kind, record_a, record_b, score, evidence, state, first_seen) ",
        );
        q.push_upsert_rows(
            chunk,
            |(pair, _)| *pair,
            |row, ((a, b), evidence)| {
                row.bind(kind.to_owned()).bind(*a).bind(*b);
                row.bind(evidence.score()).bind(Json(&evidence.facts));
                row.bind(DuplicateState::Open).bind(at);
            },
        );
        q.push(
            " on conflict (kind, record_a, record_b) do update set score = excluded.score, \
             evidence = excluded.evidence where duplicate_candidates.state = 'open' \
             and duplicate_candidates.score <> excluded.score",
        );
        q.execute().await?;
    }
    Ok(())
}

/// Writes down that a run has merged a pair by itself.
pub(crate) async fn merged(
    tx: &mut Tx,
    kind: &str,
    (kept, other): Pair,
    evidence: (i64, &[super::Fact]),
    (by, at): (&str, DateTime<Utc>),
) -> Result<()> {
    let (score, facts) = evidence;
    let q = tx.query(MERGED).bind(kind.to_owned());
    let q = q.bind(kept.min(other)).bind(kept.max(other));
    let q = q.bind(score).bind(Json(facts)).bind(at);
    q.bind(by.to_owned()).bind(kept).execute().await?;
    Ok(())
}

/// Forgets open candidates of which neither record is there any more.
pub(crate) async fn prune(tx: &mut Tx, kind: &str) -> Result<()> {
    let sql = if kind == RecordKind::Asset.name() {
        PRUNE_ASSETS
    } else {
        PRUNE_CONTACTS
    };
    tx.query(sql).execute().await?;
    Ok(())
}
