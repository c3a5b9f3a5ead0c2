//! Takes claims in, lets records out.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use serde_json::{Map, Value};

use super::{
    Author, Draft, Resource, Stored, Tracked, WrittenPage,
    claims::{self, ClaimsByRecord, MAX_BINDS, NewClaim, Statement, content_hash, key},
    resolve::{self, Claim, MANUAL, Precedence},
};
use crate::{
    Error, Result, dates, records,
    records::{
        SourceRecord,
        change_log::{self, Entry, Op},
        patch::indexable,
        search_index,
    },
    store::Tx,
};

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
    /// Fields that a person set or released without another value.
    pub(crate) statements: Vec<Change>,
}

impl Outcome {
    /// Adds what another page did.
    pub(crate) fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.restored += other.restored;
        self.deleted += other.deleted;
        self.issues.extend(other.issues);
        self.changes.extend(other.changes);
        self.statements.extend(other.statements);
    }
}

/// One change of one record, as a plan or an edit shows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// Kind of record.
    pub kind: Cow<'static, str>,
    /// Row id.
    pub record_id: i64,
    /// `create`, `update`, `delete` or `restore`.
    pub op: Cow<'static, str>,
    /// Fields with before and after.
    pub fields: Map<String, Value>,
}

impl Change {
    /// Whether it is the same change, though a new record may have another row.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        (&self.kind, &self.op, &self.fields) == (&other.kind, &other.op, &other.fields)
            && (self.is_new() || self.record_id == other.record_id)
    }

    /// Whether it makes a record.
    pub(crate) fn is_new(&self) -> bool {
        self.op == Op::Create.name()
    }
}

impl From<&Entry> for Change {
    fn from(entry: &Entry) -> Self {
        Self {
            kind: entry.kind.into(),
            record_id: entry.record_id,
            op: entry.op.name().into(),
            fields: entry.changes.clone(),
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        records::wire::in_words(f, &self.op, &self.kind, self.record_id, &self.fields)
    }
}

/// Writes records of any kind in one transaction.
#[derive(Debug)]
pub(crate) struct RecordWriter<'t> {
    pub tx: &'t mut Tx,
    pub author: &'t Author,
    pub precedence: &'t Precedence,
}

impl RecordWriter<'_> {
    /// Takes a page of statements of one source and its parts. One that says what it said last time
    /// writes nothing but its status; the number of statements does not depend on the number of items.
    pub async fn apply<R: Resource>(&mut self, page: Vec<Statement<R>>) -> Result<Outcome> {
        let mut page = claims::last_of_each(page);
        let mut outcome = Outcome::default();
        self.forget_times_to_come(&mut page, &mut outcome.issues);
        let Some(source) = page.first().map(|(origin, _)| origin.owner()) else {
            return Ok(outcome);
        };
        let known = claims::known(self.tx, &page).await?;
        let new: Vec<&SourceRecord<R>> = page
            .iter()
            .filter(|statement| statement.0.is_main() && !known.contains_key(&key(statement)))
            .map(|(_, item)| item)
            .collect();
        let adopted = if new.is_empty() {
            HashMap::new()
        } else {
            R::match_manual_records(self.tx, source, &new, &mut outcome.issues).await?
        };
        let new: Vec<String> = new
            .into_iter()
            .map(|item| item.external_id.clone())
            .filter(|id| !adopted.contains_key(id))
            .collect();
        let reserved = self.reserve::<R>(new.len()).await?;
        let new: HashMap<String, i64> = new.into_iter().zip(reserved).collect();

        let (mut items, mut changed) = (Vec::with_capacity(page.len()), Vec::new());
        for statement in page {
            let hash = content_hash(&statement.1);
            let claim = known.get(&key(&statement));
            if claim.is_some_and(|claim| claim.is_newer_than(&statement.1, self.author.at)) {
                outcome.unchanged += u64::from(statement.0.is_main());
                continue;
            }
            let same = known
                .get(&key(&statement))
                .filter(|claim| claim.says_the_same(&statement.1, hash));
            if let Some(claim) = same {
                outcome.unchanged += u64::from(statement.0.is_main());
                items.push((claim.record_id, statement.1));
                continue;
            }
            let owner = (statement.0.owner(), statement.1.external_id.clone());
            let record = known
                .get(&key(&statement))
                .or_else(|| known.get(&owner))
                .map(|claim| claim.record_id)
                .or_else(|| new.get(&owner.1).or_else(|| adopted.get(&owner.1)).copied());
            // A part of a record that we do not have says nothing to us.
            if let Some(id) = record {
                changed.push((id, statement, hash));
            }
        }

        let fresh: HashSet<i64> = new.into_values().collect();
        let existing = distinct(
            changed
                .iter()
                .map(|(id, ..)| *id)
                .filter(|id| !fresh.contains(id)),
        );
        let mut before = self.lock::<R>(&existing).await?;
        let mut claims = claims::of_records::<R>(self.tx, &existing).await?;
        let mut written = Vec::with_capacity(changed.len());
        for (id, statement, hash) in changed {
            let differs = state(claims.entry(id).or_default(), &statement);
            let stands = known
                .get(&key(&statement))
                .is_some_and(|claim| claim.stands(&statement.1));
            // The same in another shape: a vendor's list and its single view state different fields.
            if stands && !differs {
                outcome.unchanged += u64::from(statement.0.is_main());
                items.push((id, statement.1));
            } else {
                written.push((id, statement, hash));
            }
        }
        self.save(&written, &claims).await?;

        let ids = distinct(written.iter().map(|(id, ..)| *id));
        let drafts = ids.iter().map(|id| (*id, before.remove(id))).collect();
        items.extend(written.into_iter().map(|(id, (_, item), _)| (id, item)));
        let written = self.write::<R>(drafts, claims, &mut outcome).await?;
        self.after_write(source, &items, &written).await?;
        Ok(outcome)
    }

    /// Which of two states is newer must not depend on a time that has not come.
    fn forget_times_to_come<R: Resource>(
        &self,
        page: &mut [Statement<R>],
        issues: &mut Vec<String>,
    ) {
        for (_, item) in page {
            let stated = &mut item.source_updated_at;
            let to_come = stated.take_if(|at| !dates::has_happened(*at, self.author.at));
            if to_come.is_some() {
                issues.push(format!(
                    "{} {}: the time of its last change is in the future and is unknown",
                    R::KIND,
                    item.external_id
                ));
            }
        }
    }

    /// Marks claims and those of their parts as gone; a record that no claim keeps alive is soft-deleted.
    pub async fn retire<R: Resource>(
        &mut self,
        source: &str,
        external_ids: &[String],
    ) -> Result<Outcome> {
        let ids = claims::retire::<R>(self.tx, self.author, source, external_ids).await?;
        self.refresh::<R>(&ids).await
    }

    /// Resolves records again because something that their rules look at has changed.
    pub async fn refresh<R: Resource>(&mut self, ids: &[i64]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let before = self.lock::<R>(ids).await?;
        let claims = claims::of_records::<R>(self.tx, ids).await?;
        let mut drafts: Vec<_> = before
            .into_iter()
            .map(|(id, row)| (id, Some(row)))
            .collect();
        drafts.sort_by_key(|(id, _)| *id);
        let written = self.write::<R>(drafts, claims, &mut outcome).await?;
        self.after_write::<R>(MANUAL, &[], &written).await?;
        Ok(outcome)
    }

    /// The rows of `ids`, locked: an edit that commits meanwhile must not be resolved away.
    pub(crate) async fn lock<R: Resource>(
        &mut self,
        ids: &[i64],
    ) -> Result<HashMap<i64, Stored<R::Fields>>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut q = self.tx.query(R::Fields::SELECT);
        q.push(" where id in ")
            .push_list(ids.iter().copied())
            .push(" order by id")
            .for_update();
        let rows = q.all::<Stored<R::Fields>>().await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    pub(super) async fn reserve<R: Resource>(&mut self, count: usize) -> Result<Vec<i64>> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.tx.query(R::RESERVE).bind(count).scalars().await
    }

    /// Saves what was stated, laid over what the same source stated before.
    async fn save<R: Resource>(
        &mut self,
        changed: &[(i64, Statement<R>, i64)],
        claims: &ClaimsByRecord,
    ) -> Result<()> {
        let new: Vec<NewClaim<'_>> = changed
            .iter()
            .map(|(id, (origin, item), hash)| {
                let stated = claims.get(id).and_then(|all| {
                    all.iter()
                        .find(|c| c.source == origin.name() && c.external_id == item.external_id)
                });
                NewClaim {
                    source: origin.name(),
                    external_id: &item.external_id,
                    record_id: *id,
                    scope: &item.scope,
                    anchor: origin.is_main(),
                    fields: stated.map_or(&item.fields, |claim| &claim.fields),
                    extra: stated.map_or(&item.extra, |claim| &claim.extra),
                    hash: *hash,
                    source_updated_at: item.source_updated_at,
                    live: true,
                }
            })
            .collect();
        claims::save::<R>(self.tx, self.author, &new).await
    }

    /// Resolves, settles, compares and writes; gives the drafts whose row was written.
    pub(super) async fn write<R: Resource>(
        &mut self,
        rows: Vec<(i64, Option<Stored<R::Fields>>)>,
        mut claims: ClaimsByRecord,
        outcome: &mut Outcome,
    ) -> Result<Vec<Draft<R>>> {
        let mut drafts = Vec::with_capacity(rows.len());
        for (id, before) in rows {
            let claims = claims.remove(&id).unwrap_or_default();
            let current = before.as_ref().map(|row| as_map(&row.fields)).transpose()?;
            let mut fields = match current {
                // Its claims were handed to another record: it keeps its last values.
                Some(current) if claims.is_empty() => current,
                current => resolve::resolve(self.precedence, R::KIND, &claims, current.as_ref()),
            };
            cut::<R>(id, &mut fields, &mut outcome.issues);
            let mut draft = Draft {
                id,
                before,
                fields: resolve::typed(R::KIND, &fields)?,
                alive: resolve::alive(&claims),
                claims,
            };
            R::derive(&mut draft.fields);
            R::keys(&mut draft.fields);
            drafts.push(draft);
        }
        R::resolve_references(self.tx, &mut drafts, &mut outcome.issues).await?;

        let nothing = as_map(&R::Fields::default())?;
        let mut written = Vec::new();
        let mut entries = Vec::new();
        for draft in drafts {
            let Some(entry) = entry_of(&draft, outcome)? else {
                continue;
            };
            // The log need not say what a new record holds: the record does.
            let fields = if entry.op == Op::Create {
                change_log::difference(&nothing, &as_map(&draft.fields)?)
            } else {
                entry.changes.clone()
            };
            outcome.changes.push(Change {
                kind: R::KIND.into(),
                record_id: draft.id,
                op: entry.op.name().into(),
                fields,
            });
            entries.push(entry);
            written.push(draft);
        }
        for chunk in written.chunks(MAX_BINDS / R::Fields::COLUMNS) {
            let at = self.author.at;
            let mut q = self.tx.query(R::Fields::INSERT);
            q.push_upsert_rows(
                chunk,
                |draft| draft.id,
                |row, draft: &Draft<R>| {
                    let created = draft.before.as_ref().map_or(at, |before| before.created_at);
                    row.bind(draft.id)
                        .bind(created)
                        .bind(at)
                        .bind((!draft.alive).then_some(at));
                    draft.fields.bind(row);
                },
            );
            q.push(R::Fields::ON_CONFLICT);
            q.execute().await?;
        }
        search_index::follow(self.tx, &written).await?;
        for chunk in entries.chunks(MAX_BINDS / 9) {
            change_log::append(self.tx, self.author, chunk).await?;
        }
        Ok(written)
    }

    pub(super) async fn after_write<R: Resource>(
        &mut self,
        source: &str,
        items: &[(i64, SourceRecord<R>)],
        written: &[Draft<R>],
    ) -> Result<()> {
        let page = WrittenPage {
            source,
            items,
            written,
            author: self.author,
        };
        R::after_write(self.tx, &page).await
    }
}

/// Each once, in order.
fn distinct(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    ids.collect::<BTreeSet<i64>>().into_iter().collect()
}

/// Puts a statement among the claims of its record; tells whether it says anything new.
fn state<R: Resource>(claims: &mut Vec<Claim>, (origin, item): &Statement<R>) -> bool {
    let same =
        |claim: &&mut Claim| claim.source == origin.name() && claim.external_id == item.external_id;
    if let Some(claim) = claims.iter_mut().find(same) {
        claim.live = true;
        let stated = completed(&claim.fields, item);
        let fields = resolve::merge_claim(&mut claim.fields, &stated);
        resolve::merge_claim(&mut claim.extra, &item.extra) || fields
    } else {
        claims.push(Claim {
            source: origin.name().to_owned(),
            external_id: item.external_id.clone(),
            live: true,
            anchor: origin.is_main(),
            fields: item.fields.clone(),
            extra: item.extra.clone(),
        });
        true
    }
}

/// What an item states, its incomplete lists laid over what its source stated before. An element that could not be
/// read may be any of the known ones: none of them goes, and what is new is added. The next list that can be read
/// as a whole replaces all of it.
fn completed<'i, R: Resource>(
    known: &Map<String, Value>,
    item: &'i SourceRecord<R>,
) -> Cow<'i, Map<String, Value>> {
    let mut fields = Cow::Borrowed(&item.fields);
    for name in &item.incomplete {
        if let (Some(Value::Array(known)), Some(Value::Array(read))) =
            (known.get(name), item.fields.get(name))
        {
            let new = read.iter().filter(|element| !known.contains(element));
            let all: Vec<Value> = known.iter().chain(new).cloned().collect();
            fields.to_mut().insert(name.clone(), all.into());
        }
    }
    fields
}

/// Cuts what no index could hold: a person would be refused, a source cannot be asked to say it in other words.
fn cut<R: Resource>(id: i64, fields: &mut Map<String, Value>, issues: &mut Vec<String>) {
    for name in R::INDEXED {
        let Some(Value::String(text)) = fields.get_mut(*name) else {
            continue;
        };
        let kept = indexable(text).len();
        if kept < text.len() {
            let whole = text.len();
            text.truncate(kept);
            issues.push(format!(
                "{} {id}: `{name}` is cut to {kept} of {whole} bytes",
                R::KIND
            ));
        }
    }
}

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
    let changes = change_log::difference(&as_map(&before.fields)?, &as_map(&draft.fields)?);
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
