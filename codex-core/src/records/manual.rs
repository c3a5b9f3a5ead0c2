//! What people state: records of their own, corrections, deletions.
//!
//! All of it is one claim per record, of the source `manual`: its fields are the corrections, `anchor` says
//! that the record is there because a person made it, `gone_at` that a person has deleted it.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Author, Change, Resource, Stored, Tracked, as_map,
    claims::{self, MAX_BINDS, NewClaim},
    resolve::{self, Claim, MANUAL},
};
use crate::{
    Error, Result,
    fold::IdentityKey,
    records::{
        SourceRecord,
        change_log::{self, Entry, Op},
        patch::{NUL, has_nul, type_faults},
        writer::{Outcome, RecordWriter},
    },
    store::Tx,
};

/// What people say of one record, together with what the sources say.
pub(crate) struct EditedRecord<'h> {
    /// Whether the record is deleted.
    pub deleted: bool,
    /// The people's claim.
    pub claim: &'h mut Claim,
    /// The sources' values.
    pub sources: Map<String, Value>,
    /// Whether some source has the record.
    pub upstream: bool,
}

impl RecordWriter<'_> {
    /// Makes records that people keep; gives their row ids in order. The number of statements does not
    /// depend on the number of records.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that the kind does not have or whose type is wrong.
    pub async fn create<R: Resource>(
        &mut self,
        records: Vec<Map<String, Value>>,
    ) -> Result<(Vec<i64>, Outcome)> {
        check::<R>(records.iter())?;
        let ids = self.reserve::<R>(records.len()).await?;
        let mut claims = HashMap::with_capacity(ids.len());
        for (id, fields) in ids.iter().zip(records) {
            let claim = Claim {
                anchor: true,
                fields,
                ..nothing_said(*id)
            };
            claims.insert(*id, vec![claim]);
        }
        let new: Vec<NewClaim<'_>> = ids
            .iter()
            .filter_map(|id| Some(new_claim(*id, claims.get(id)?.first()?)))
            .collect();
        claims::save::<R>(self.tx, self.author, &new).await?;
        let mut outcome = Outcome::default();
        let rows = ids.iter().map(|id| (*id, None)).collect();
        let written = self.write::<R>(rows, claims, &mut outcome).await?;
        self.after_write::<R>(MANUAL, &[], &written).await?;
        Ok((ids, outcome))
    }

    /// States fields of one record by hand; they win over the sources until they are released. `None` when
    /// there is no such live record.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that the kind does not have or whose type is wrong.
    pub async fn edit<R: Resource>(
        &mut self,
        id: i64,
        stated: Map<String, Value>,
    ) -> Result<Option<Outcome>> {
        let (found, outcome) = self.edit_all::<R>(HashMap::from([(id, stated)])).await?;
        Ok((!found.is_empty()).then_some(outcome))
    }

    /// States fields of many records by hand, in O(1) statements; gives those of them that are there.
    ///
    /// # Errors
    /// As [`RecordWriter::edit`].
    pub async fn edit_all<R: Resource>(
        &mut self,
        mut stated: HashMap<i64, Map<String, Value>>,
    ) -> Result<(Vec<i64>, Outcome)> {
        check::<R>(stated.values())?;
        let ids: Vec<i64> = stated.keys().copied().collect();
        self.change_manual::<R>(&ids, |id, edited| {
            if edited.deleted {
                return false;
            }
            for (name, value) in stated.remove(&id).unwrap_or_default() {
                let replaced = edited.sources.get(&name).cloned().unwrap_or_default();
                edited.claim.extra.insert(name.clone(), replaced);
                edited.claim.fields.insert(name, value);
            }
            true
        })
        .await
    }

    /// Releases a manual value, so that the field follows the sources again. `None` when there is no such live
    /// record, or nobody has set the field.
    ///
    /// # Errors
    /// [`Error::Conflict`] when people made the record and no source states the field.
    pub async fn release<R: Resource>(&mut self, id: i64, name: &str) -> Result<Option<Outcome>> {
        let claims = claims::of_records::<R>(self.tx, &[id]).await?;
        let claims = claims.get(&id).map_or(&[][..], Vec::as_slice);
        let states = |claim: &&Claim| claim.fields.contains_key(name);
        let Some(manual) = claims
            .iter()
            .find(|claim| claim.source == MANUAL)
            .filter(states)
        else {
            return Ok(None);
        };
        if manual.anchor
            && !claims
                .iter()
                .any(|claim| claim.source != MANUAL && states(&claim))
        {
            return Err(Error::conflict(format!(
                "people made this record and no source states `{name}`; set another value instead"
            )));
        }
        let (found, mut outcome) = self
            .change_manual::<R>(&[id], |_, edited| {
                edited.claim.fields.remove(name);
                edited.claim.extra.remove(name);
                !edited.deleted
            })
            .await?;
        if outcome.changes.is_empty() {
            // The value stays and yet the record is another one: it may change with the next sync.
            bump_revision::<R>(self.tx, self.author, found.iter().copied()).await?;
        }
        outcome.changes.append(&mut outcome.statements);
        Ok((!found.is_empty()).then_some(outcome))
    }

    /// Deletes records for the people: no sync brings them back. Gives those that were there.
    pub async fn delete<R: Resource>(&mut self, ids: &[i64]) -> Result<(Vec<i64>, Outcome)> {
        self.change_manual::<R>(ids, |_, edited| {
            edited.claim.live = false;
            !edited.deleted
        })
        .await
    }

    /// Keeps records no longer for the people: those that no source has either are gone.
    pub async fn release_records<R: Resource>(&mut self, ids: &[i64]) -> Result<Outcome> {
        let (_, outcome) = self
            .change_manual::<R>(ids, |_, edited| {
                std::mem::replace(&mut edited.claim.anchor, false)
            })
            .await?;
        Ok(outcome)
    }

    /// Undoes a deletion by hand; `None` when no person has deleted such a record. One that no source has any
    /// more is kept by the people from now on.
    ///
    /// # Errors
    /// [`Error::Conflict`] naming the record that has taken its place.
    pub async fn restore<R: Resource>(&mut self, id: i64) -> Result<Option<Outcome>> {
        if let Some(holder) = self.in_place_of::<R>(id).await? {
            let message = format!("{} {holder} has taken the place of {id}", R::KIND);
            return Err(Error::conflict(message));
        }
        let (found, outcome) = self
            .change_manual::<R>(&[id], |_, edited| {
                let change_manual = edited.deleted && !edited.claim.live;
                edited.claim.live = true;
                edited.claim.anchor |= !edited.upstream;
                change_manual
            })
            .await?;
        Ok((!found.is_empty()).then_some(outcome))
    }

    /// The live record that has what only one may have, and a deleted one had.
    async fn in_place_of<R: Resource>(&mut self, id: i64) -> Result<Option<i64>> {
        if R::UNIQUE.is_empty() {
            return Ok(None);
        }
        let table = R::Fields::TABLE;
        let mut q = self.tx.query("select o.id from ");
        q.push(table)
            .push(" o join ")
            .push(table)
            .push(" r on o.id <> r.id");
        for column in R::UNIQUE {
            q.push(" and o.").push(column).push(" = r.").push(column);
        }
        q.push(" where o.deleted_at is null and r.deleted_at is not null and r.id = ");
        q.push_bind(id);
        q.scalar().await
    }

    /// Changes what people say of records; `change` tells whether it applies to the record as it is. Gives
    /// those to which it does.
    async fn change_manual<R: Resource>(
        &mut self,
        ids: &[i64],
        mut change: impl FnMut(i64, EditedRecord<'_>) -> bool,
    ) -> Result<(Vec<i64>, Outcome)> {
        let rows = self.lock::<R>(ids).await?;
        let mut claims = claims::of_records::<R>(self.tx, ids).await?;
        let mut changed: Vec<(i64, Claim)> = Vec::with_capacity(rows.len());
        let mut noted = Vec::with_capacity(rows.len());
        for (id, row) in &rows {
            if self
                .author
                .unchanged_since
                .is_some_and(|at| at != row.updated_at)
            {
                return Err(Error::Changed);
            }
            let all = claims.remove(id).unwrap_or_default();
            let (manual, sources): (Vec<Claim>, Vec<Claim>) =
                all.into_iter().partition(|claim| claim.source == MANUAL);
            let manual = manual.into_iter().next();
            let mut claim = manual.unwrap_or_else(|| nothing_said(*id));
            let before = claim.fields.clone();
            let edited = EditedRecord {
                deleted: row.deleted_at.is_some(),
                claim: &mut claim,
                upstream: resolve::alive(&sources),
                sources: resolve::resolve(self.precedence, R::KIND, &sources, None),
            };
            if change(*id, edited) {
                let stated = change_log::difference(&before, &claim.fields);
                let released = before
                    .keys()
                    .filter(|name| !claim.fields.contains_key(*name));
                let names: Vec<String> = stated.keys().chain(released).cloned().collect();
                noted.push((*id, names));
                changed.push((*id, claim));
            }
        }
        let new: Vec<NewClaim<'_>> = changed
            .iter()
            .map(|(id, claim)| new_claim(*id, claim))
            .collect();
        claims::save::<R>(self.tx, self.author, &new).await?;
        let ids: Vec<i64> = changed.iter().map(|(id, _)| *id).collect();
        let mut outcome = self.refresh::<R>(&ids).await?;
        outcome.statements = self.note::<R>(&rows, noted, &outcome.changes).await?;
        Ok((ids, outcome))
    }

    /// Writes into the log which fields were set or released without another value: from then on another
    /// source decides. Before and after are the same.
    async fn note<R: Resource>(
        &mut self,
        rows: &HashMap<i64, Stored<R::Fields>>,
        noted: Vec<(i64, Vec<String>)>,
        logged: &[Change],
    ) -> Result<Vec<Change>> {
        let logged: BTreeSet<(i64, &str)> = logged
            .iter()
            .flat_map(|change| {
                change
                    .fields
                    .keys()
                    .map(|name| (change.record_id, name.as_str()))
            })
            .collect();
        let mut entries = Vec::new();
        for (record_id, mut names) in noted {
            names.retain(|name| !logged.contains(&(record_id, name.as_str())));
            let Some(row) = rows.get(&record_id).filter(|_| !names.is_empty()) else {
                continue;
            };
            let values = as_map(&row.fields)?;
            let same = names.into_iter().map(|name| {
                let value = values.get(&name).cloned().unwrap_or_default();
                (name, json!({ "before": value, "after": value }))
            });
            entries.push(Entry {
                kind: R::KIND,
                record_id,
                op: Op::Update,
                changes: same.collect(),
            });
        }
        entries.sort_by_key(|entry| entry.record_id);
        for chunk in entries.chunks(MAX_BINDS / 9) {
            change_log::append(self.tx, self.author, chunk).await?;
        }
        Ok(entries.iter().map(Change::from).collect())
    }
}

pub(super) fn nothing_said(id: i64) -> Claim {
    Claim {
        source: MANUAL.to_owned(),
        external_id: id.to_string(),
        live: true,
        anchor: false,
        fields: Map::new(),
        extra: Map::new(),
    }
}

pub(super) fn new_claim(id: i64, claim: &Claim) -> NewClaim<'_> {
    NewClaim {
        source: MANUAL,
        external_id: &claim.external_id,
        record_id: id,
        scope: "",
        anchor: claim.anchor,
        fields: &claim.fields,
        extra: &claim.extra,
        hash: 0,
        source_updated_at: None,
        live: claim.live,
    }
}

/// Pairs new items with the records that only people keep, by a column that both have: just where one item and
/// one record share a value. Other matches are possible duplicates and are reported.
///
/// `columns` is `select r.id, r.<column> from <table> r`; `by_key` says whether the column holds identity keys.
pub(crate) async fn match_manual_records_by<R: Resource>(
    tx: &mut Tx,
    new: &[&SourceRecord<R>],
    field: &'static str,
    (columns, column): (&'static str, &'static str),
    by_key: bool,
    issues: &mut Vec<String>,
) -> Result<HashMap<String, i64>> {
    let mut wanting: HashMap<String, Vec<&str>> = HashMap::new();
    for item in new {
        let Some(value) = item.fields.get(field).and_then(Value::as_str) else {
            continue;
        };
        let value = if by_key {
            IdentityKey::new(value).to_string()
        } else {
            value.to_owned()
        };
        if !value.is_empty() {
            wanting.entry(value).or_default().push(&item.external_id);
        }
    }
    if wanting.is_empty() {
        return Ok(HashMap::new());
    }
    let kept = kept_by_people::<R>(tx, (columns, column), wanting.keys().cloned()).await?;
    let mut adopted = HashMap::new();
    for (value, records) in kept {
        let items = wanting.remove(&value).unwrap_or_default();
        if let ([item], [record]) = (items.as_slice(), records.as_slice()) {
            adopted.insert((*item).to_owned(), *record);
        } else {
            let (kind, records) = (
                R::KIND,
                records.iter().map(i64::to_string).collect::<Vec<_>>(),
            );
            issues.push(format!(
                "possible duplicate: {kind} {} made by hand and {} arriving share one {field}; all stay",
                records.join(", "),
                items.join(", "),
            ));
        }
    }
    Ok(adopted)
}

/// The live records that nobody but people keeps, by a column; see [`match_manual_records_by`].
async fn kept_by_people<R: Resource>(
    tx: &mut Tx,
    (columns, column): (&'static str, &'static str),
    values: impl Iterator<Item = String>,
) -> Result<HashMap<String, Vec<i64>>> {
    let mut q = tx.query(columns);
    q.push(" where r.deleted_at is null and ").push(column);
    q.push(" in ").push_list(values);
    q.push(" and exists (select 1 from claims c where c.record_id = r.id and c.kind = ");
    q.push_bind(R::KIND)
        .push(" and c.source = ")
        .push_bind(MANUAL);
    q.push(" and c.anchor) and not exists (select 1 from claims c where c.record_id = r.id and c.kind = ");
    q.push_bind(R::KIND)
        .push(" and c.source <> ")
        .push_bind(MANUAL);
    q.push(" and c.anchor) order by r.id");
    let mut kept: HashMap<String, Vec<i64>> = HashMap::new();
    for (id, value) in q.all::<(i64, String)>().await? {
        kept.entry(value).or_default().push(id);
    }
    Ok(kept)
}

/// Which of these records are live.
pub(crate) async fn live<R: Resource>(
    tx: &mut Tx,
    ids: impl Iterator<Item = i64>,
) -> Result<BTreeSet<i64>> {
    let ids: BTreeSet<i64> = ids.collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut live = BTreeSet::new();
    for chunk in ids.chunks(MAX_BINDS) {
        let mut q = tx.query("select id from ");
        q.push(R::Fields::TABLE)
            .push(" where deleted_at is null and id in ");
        q.push_list(chunk.iter().copied());
        live.extend(q.scalars::<i64>().await?);
    }
    Ok(live)
}

/// Gives records a new version although none of their fields has changed: what hangs on them has.
pub(crate) async fn bump_revision<R: Resource>(
    tx: &mut Tx,
    author: &Author,
    ids: impl Iterator<Item = i64>,
) -> Result<()> {
    let ids: BTreeSet<i64> = ids.collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    for chunk in ids.chunks(MAX_BINDS) {
        let mut q = tx.query("update ");
        q.push(R::Fields::TABLE)
            .push(" set updated_at = ")
            .push_bind(author.at);
        q.push(" where id in ").push_list(chunk.iter().copied());
        q.execute().await?;
    }
    Ok(())
}

/// Whatever the front door let through: names and types once more, before anything is written.
fn check<'m, R: Resource>(records: impl Iterator<Item = &'m Map<String, Value>>) -> Result<()> {
    for fields in records {
        let unknown = fields
            .keys()
            .find(|name| !R::Fields::NAMES.contains(&name.as_str()));
        if let Some(name) = unknown {
            let message = format!("a {} has no such field", R::KIND);
            return Err(Error::invalid(name.clone(), message));
        }
        if let Some((name, _)) = fields.iter().find(|(_, value)| has_nul(value)) {
            return Err(Error::invalid(name.clone(), NUL));
        }
        let faults = type_faults::<R::Fields>(fields);
        if let Some(fault) = faults.into_iter().next() {
            let name = fault.pointer.trim_start_matches('/').to_owned();
            return Err(Error::invalid(name, fault.detail));
        }
    }
    Ok(())
}
