//! Takes claims in, lets records out.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::types::Json;

use super::{
    Attached, Author, Draft, Resource, Stored, Tracked,
    log::{self, Entry, Op},
    resolve::{self, Claim, MANUAL, Precedence},
};
use crate::{Error, Result, store::Tx, sync::Incoming};

/// The most binds in one statement; both engines take more (storage.md section 2).
const MAX_BINDS: usize = 10_000;

/// What a page of claims did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records made.
    pub created: u64,
    /// Records changed.
    pub updated: u64,
    /// Items whose payload was the same as last time.
    pub unchanged: u64,
    /// Records brought back.
    pub restored: u64,
    /// Records deleted.
    pub deleted: u64,
    /// What a person should look at.
    pub issues: Vec<String>,
    /// The changes in detail.
    pub changes: Vec<Change>,
}

/// One change of one record, as a plan or an edit shows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Change {
    /// Kind of record.
    pub kind: &'static str,
    /// Row id.
    pub record_id: i64,
    /// `create`, `update`, `delete` or `restore`.
    pub op: &'static str,
    /// Fields with before and after.
    pub fields: Map<String, Value>,
}

/// Where a page of claims comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// A source whose claims make records and keep them alive.
    Main(&'static str),
    /// A part of a source (`datto.interfaces`): it adds to records that `of` has made.
    Part {
        name: &'static str,
        of: &'static str,
    },
}

impl Origin {
    fn name(self) -> &'static str {
        match self {
            Self::Main(name) | Self::Part { name, .. } => name,
        }
    }
}

/// A claim as the page check needs it.
#[derive(Debug, sqlx::FromRow)]
struct Known {
    external_id: String,
    record_id: i64,
    hash: i64,
    scope: String,
    missing_since: Option<DateTime<Utc>>,
    gone_at: Option<DateTime<Utc>>,
}

#[derive(Debug, sqlx::FromRow)]
struct ClaimRow {
    record_id: i64,
    source: String,
    external_id: String,
    anchor: bool,
    gone_at: Option<DateTime<Utc>>,
    fields: Json<Map<String, Value>>,
}

/// Writes records of any kind in one transaction.
#[derive(Debug)]
pub(crate) struct Door<'t> {
    pub tx: &'t mut Tx,
    pub author: &'t Author,
    pub precedence: &'t Precedence,
}

type ClaimsByRecord = HashMap<i64, Vec<Claim>>;

impl Door<'_> {
    /// Takes a page of items of one source. An item that says what it said last time writes nothing
    /// but its status; the number of statements does not depend on the number of items.
    pub async fn apply<R: Resource>(
        &mut self,
        origin: Origin,
        items: Vec<Incoming<R>>,
    ) -> Result<Outcome> {
        let items = last_of_each(items);
        let mut known = self.known::<R>(origin.name(), &items).await?;
        let owners = match origin {
            Origin::Main(_) => BTreeMap::new(),
            Origin::Part { of, .. } => self.known::<R>(of, &items).await?,
        };
        let mut outcome = Outcome::default();
        let mut page = Vec::with_capacity(items.len());
        let mut changed = Vec::new();
        let mut new = Vec::new();
        for item in items {
            let hash = content_hash(&item);
            match (known.remove(&item.external_id), origin) {
                (Some(claim), _) if claim.says_the_same(&item, hash) => {
                    outcome.unchanged += 1;
                    page.push((claim.record_id, item));
                }
                (Some(claim), _) => changed.push((claim.record_id, item, hash)),
                (None, Origin::Main(_)) => new.push((item, hash)),
                // A part of a record that we do not have says nothing to us.
                (None, Origin::Part { .. }) => {
                    if let Some(owner) = owners.get(&item.external_id) {
                        changed.push((owner.record_id, item, hash));
                    }
                }
            }
        }
        let existing: Vec<i64> = changed.iter().map(|(id, ..)| *id).collect();
        let mut before = self.lock::<R>(&existing).await?;
        let mut claims = self.claims::<R>(&existing).await?;
        let reserved = self.reserve::<R>(new.len()).await?;
        let new = new
            .into_iter()
            .zip(reserved)
            .map(|((item, hash), id)| (id, item, hash));
        let changed: Vec<_> = changed.into_iter().chain(new).collect();
        for (id, item, _) in &changed {
            state(claims.entry(*id).or_default(), origin, item);
        }
        self.save_claims(origin, &changed, &claims).await?;

        let mut ids: Vec<i64> = changed.iter().map(|(id, ..)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let drafts = ids.iter().map(|id| (*id, before.remove(id))).collect();
        let written = self.write::<R>(drafts, claims, &mut outcome).await?;
        page.extend(changed.into_iter().map(|(id, item, _)| (id, item)));
        self.attach(origin.name(), &page, &written).await?;
        Ok(outcome)
    }

    /// Marks claims as gone; a record that no claim keeps alive is soft-deleted.
    pub async fn retire<R: Resource>(
        &mut self,
        source: &str,
        external_ids: &[String],
    ) -> Result<Outcome> {
        let mut q = self.tx.query("update claims set gone_at = ");
        q.push_bind(self.author.at)
            .push(" where kind = ")
            .push_bind(R::KIND);
        // The parts of a source go with it.
        q.push(" and (source = ").push_bind(source);
        q.push(" or source like ")
            .push_bind(format!("{source}.%"))
            .push(")");
        q.push(" and gone_at is null and external_id in ");
        q.push_list(external_ids.iter().map(String::as_str))
            .push(" returning record_id");
        let ids = q.scalars::<i64>().await?;
        self.refresh::<R>(&ids).await
    }

    /// Resolves records again because something that their rules look at has changed.
    pub async fn refresh<R: Resource>(&mut self, ids: &[i64]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let before = self.lock::<R>(ids).await?;
        let claims = self.claims::<R>(ids).await?;
        let mut drafts: Vec<_> = before
            .into_iter()
            .map(|(id, row)| (id, Some(row)))
            .collect();
        drafts.sort_by_key(|(id, _)| *id);
        let written = self.write::<R>(drafts, claims, &mut outcome).await?;
        self.attach::<R>(MANUAL, &[], &written).await?;
        Ok(outcome)
    }

    /// States fields of one record by hand; they win over the sources until they are released.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that the kind does not have or whose type is wrong.
    pub async fn edit<R: Resource>(
        &mut self,
        id: i64,
        stated: Map<String, Value>,
    ) -> Result<Option<Outcome>> {
        for (name, value) in &stated {
            check_field::<R>(name, value)?;
        }
        self.change_manual::<R>(id, |fields| resolve::restate(fields, stated))
            .await
    }

    /// Takes manual values back, so that the sources' values show again.
    pub async fn release<R: Resource>(
        &mut self,
        id: i64,
        names: &[&str],
    ) -> Result<Option<Outcome>> {
        self.change_manual::<R>(id, |fields| {
            fields.retain(|name, _| !names.contains(&name.as_str()));
        })
        .await
    }

    async fn change_manual<R: Resource>(
        &mut self,
        id: i64,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<Option<Outcome>> {
        if self
            .lock::<R>(&[id])
            .await?
            .get(&id)
            .is_none_or(|row| row.deleted_at.is_some())
        {
            return Ok(None);
        }
        let claims = self.claims::<R>(&[id]).await?;
        let manual = claims
            .get(&id)
            .and_then(|all| all.iter().find(|claim| claim.source == MANUAL));
        let anchor = manual.is_some_and(|claim| claim.anchor);
        let mut fields = manual.map(|claim| claim.fields.clone()).unwrap_or_default();
        change(&mut fields);
        let mut q = self.tx.query(CLAIM_INSERT);
        q.push_rows([()], |row, ()| {
            row.bind(MANUAL)
                .bind(R::KIND)
                .bind(id.to_string())
                .bind(id)
                .bind("")
                .bind(anchor);
            row.bind(Json(&fields)).bind(Json(Map::new())).bind(0_i64);
            row.bind(None::<DateTime<Utc>>).bind(self.author.at);
        });
        q.push(CLAIM_ON_CONFLICT);
        q.execute().await?;
        self.refresh::<R>(&[id]).await.map(Some)
    }

    async fn known<R: Resource>(
        &mut self,
        source: &str,
        items: &[Incoming<R>],
    ) -> Result<BTreeMap<String, Known>> {
        if items.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut q = self.tx.query(
            "select external_id, record_id, hash, scope, missing_since, gone_at from claims where source = ",
        );
        q.push_bind(source).push(" and kind = ").push_bind(R::KIND);
        q.push(" and external_id in ");
        q.push_list(items.iter().map(|item| item.external_id.as_str()));
        let rows = q.all::<Known>().await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.external_id.clone(), row))
            .collect())
    }

    /// The rows of `ids`, locked: an edit that commits meanwhile must not be resolved away.
    async fn lock<R: Resource>(&mut self, ids: &[i64]) -> Result<HashMap<i64, Stored<R::Fields>>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut q = self.tx.query(R::Fields::SELECT);
        q.push(" where id in ")
            .push_list(ids.iter().copied())
            .push(" order by id")
            .push_row_lock();
        let rows = q.all::<Stored<R::Fields>>().await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    async fn claims<R: Resource>(&mut self, ids: &[i64]) -> Result<ClaimsByRecord> {
        let mut claims = ClaimsByRecord::new();
        if ids.is_empty() {
            return Ok(claims);
        }
        let mut q = self.tx.query(
            "select record_id, source, external_id, anchor, gone_at, fields from claims where kind = ",
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
            });
        }
        Ok(claims)
    }

    async fn reserve<R: Resource>(&mut self, count: usize) -> Result<Vec<i64>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.tx.query(R::RESERVE).bind(count).scalars().await
    }

    async fn save_claims<R: Resource>(
        &mut self,
        origin: Origin,
        changed: &[(i64, Incoming<R>, i64)],
        claims: &ClaimsByRecord,
    ) -> Result<()> {
        let empty = Map::new();
        for chunk in changed.chunks(MAX_BINDS / 11) {
            let mut q = self.tx.query(CLAIM_INSERT);
            q.push_rows(chunk, |row, (id, item, hash)| {
                let stated = claims.get(id).and_then(|all| {
                    all.iter()
                        .find(|c| c.source == origin.name() && c.external_id == item.external_id)
                });
                row.bind(origin.name())
                    .bind(R::KIND)
                    .bind(item.external_id.as_str())
                    .bind(*id);
                row.bind(item.scope.as_str())
                    .bind(matches!(origin, Origin::Main(_)));
                row.bind(Json(stated.map_or(&empty, |claim| &claim.fields)));
                row.bind(Json(&item.extra)).bind(*hash);
                row.bind(item.source_updated_at).bind(self.author.at);
            });
            q.push(CLAIM_ON_CONFLICT);
            q.execute().await?;
        }
        Ok(())
    }

    /// Resolves, settles, compares and writes; gives the drafts whose row was written.
    async fn write<R: Resource>(
        &mut self,
        rows: Vec<(i64, Option<Stored<R::Fields>>)>,
        mut claims: ClaimsByRecord,
        outcome: &mut Outcome,
    ) -> Result<Vec<Draft<R>>> {
        let mut drafts = Vec::with_capacity(rows.len());
        for (id, before) in rows {
            let claims = claims.remove(&id).unwrap_or_default();
            let current = before.as_ref().map(|row| as_map(&row.fields)).transpose()?;
            let fields = match current {
                // Its claims were handed to another record: it keeps its last values.
                Some(current) if claims.is_empty() => current,
                current => resolve::resolve(self.precedence, R::KIND, &claims, current.as_ref()),
            };
            let mut draft = Draft {
                id,
                before,
                fields: resolve::typed(R::KIND, &fields)?,
                alive: claims.iter().any(|claim| claim.live && claim.anchor),
                claims,
            };
            R::derive(&mut draft.fields);
            drafts.push(draft);
        }
        R::settle(self.tx, &mut drafts, &mut outcome.issues).await?;

        let mut written = Vec::new();
        let mut entries = Vec::new();
        for draft in drafts {
            let Some(entry) = entry_of(&draft, outcome)? else {
                continue;
            };
            outcome.changes.push(Change {
                kind: R::KIND,
                record_id: draft.id,
                op: entry.op.name(),
                fields: entry.changes.clone(),
            });
            entries.push(entry);
            written.push(draft);
        }
        for chunk in written.chunks(MAX_BINDS / R::Fields::COLUMNS) {
            let at = self.author.at;
            let mut q = self.tx.query(R::Fields::INSERT);
            q.push_rows(chunk, |row, draft: &Draft<R>| {
                let created = draft.before.as_ref().map_or(at, |before| before.created_at);
                row.bind(draft.id)
                    .bind(created)
                    .bind(at)
                    .bind((!draft.alive).then_some(at));
                draft.fields.bind(row);
            });
            q.push(R::Fields::ON_CONFLICT);
            q.execute().await?;
        }
        for chunk in entries.chunks(MAX_BINDS / 9) {
            log::append(self.tx, self.author, chunk).await?;
        }
        Ok(written)
    }

    async fn attach<R: Resource>(
        &mut self,
        source: &str,
        items: &[(i64, Incoming<R>)],
        written: &[Draft<R>],
    ) -> Result<()> {
        let page = Attached {
            source,
            items,
            written,
            author: self.author,
        };
        R::attach(self.tx, &page).await
    }
}

const CLAIM_INSERT: &str = "insert into claims (source, kind, external_id, record_id, scope, anchor, \
                            fields, extra, hash, source_updated_at, first_seen) ";
const CLAIM_ON_CONFLICT: &str = " on conflict (source, kind, external_id) do update set \
    scope = excluded.scope, fields = excluded.fields, extra = excluded.extra, hash = excluded.hash, \
    source_updated_at = excluded.source_updated_at, missing_since = null, missing_run = null, \
    gone_at = null";

impl Known {
    fn says_the_same<R: Resource>(&self, item: &Incoming<R>, hash: i64) -> bool {
        self.hash == hash
            && self.scope == item.scope
            && self.gone_at.is_none()
            && self.missing_since.is_none()
    }
}

/// Puts an item's statement among the claims of its record.
fn state<R: Resource>(claims: &mut Vec<Claim>, origin: Origin, item: &Incoming<R>) {
    let same =
        |claim: &&mut Claim| claim.source == origin.name() && claim.external_id == item.external_id;
    if let Some(claim) = claims.iter_mut().find(same) {
        resolve::restate(&mut claim.fields, item.fields.clone());
        claim.live = true;
    } else {
        claims.push(Claim {
            source: origin.name().to_owned(),
            external_id: item.external_id.clone(),
            live: true,
            anchor: matches!(origin, Origin::Main(_)),
            fields: item.fields.clone(),
        });
    }
}

/// A vendor's page may hold an item twice, and one statement may not touch a row twice: the last wins.
fn last_of_each<R: Resource>(items: Vec<Incoming<R>>) -> Vec<Incoming<R>> {
    let mut at = HashMap::with_capacity(items.len());
    let mut unique: Vec<Incoming<R>> = Vec::with_capacity(items.len());
    for item in items {
        if let Some(index) = at.get(&item.external_id) {
            unique[*index] = item;
        } else {
            at.insert(item.external_id.clone(), unique.len());
            unique.push(item);
        }
    }
    unique
}

/// Hash over what is tracked: stated fields and the unmapped rest, neither status nor secrets.
fn content_hash<R: Resource>(item: &Incoming<R>) -> i64 {
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

fn as_map<F: Tracked>(fields: &F) -> Result<Map<String, Value>> {
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

/// The log entry of a draft and its count, or `None` when nothing differs.
fn entry_of<R: Resource>(draft: &Draft<R>, outcome: &mut Outcome) -> Result<Option<Entry>> {
    let entry = |op, changes| Entry {
        kind: R::KIND,
        record_id: draft.id,
        op,
        changes,
    };
    let Some(before) = &draft.before else {
        outcome.created += 1;
        return Ok(Some(entry(Op::Create, Map::new())));
    };
    let changes = log::difference(&as_map(&before.fields)?, &as_map(&draft.fields)?);
    Ok(match (before.deleted_at.is_none(), draft.alive) {
        (true, false) => {
            outcome.deleted += 1;
            Some(entry(Op::Delete, Map::new()))
        }
        (false, true) => {
            outcome.restored += 1;
            Some(entry(Op::Restore, changes))
        }
        (true, true) if !changes.is_empty() => {
            outcome.updated += 1;
            Some(entry(Op::Update, changes))
        }
        _ => None,
    })
}

fn check_field<R: Resource>(name: &str, value: &Value) -> Result<()> {
    if !R::Fields::NAMES.contains(&name) {
        return Err(Error::invalid(
            name.to_owned(),
            format!("a {} has no such field", R::KIND),
        ));
    }
    if has_nul(value) {
        return Err(Error::invalid(
            name.to_owned(),
            "must not hold the character NUL",
        ));
    }
    let one = Map::from_iter([(name.to_owned(), value.clone())]);
    match resolve::typed::<R::Fields>(R::KIND, &one) {
        Err(Error::Corrupt {
            source: Some(cause),
            ..
        }) => Err(Error::invalid(name.to_owned(), cause.to_string())),
        Err(other) => Err(other),
        Ok(_) => Ok(()),
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}
