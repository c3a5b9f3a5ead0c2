//! Links between tags and records, for many records at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, json};

use super::{FIELD, TagFields, query::COPY_TAGS, rules::Tagged, wire::TagRecordsIn};
use crate::{
    Error, Fault, Result, companies,
    fold::SearchKey,
    records::{
        Author, Change, ChangeOp, MAX_BINDS, Stored, Tracked as _, WriteSummary, bump_revision,
        change_log::{self, Entry},
    },
    store::Tx,
};

/// Binds of a link.
const COLUMNS: usize = 5;

/// Whether links are added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkChange {
    Add,
    Remove,
}

/// How many records changed, and how many did not.
pub(crate) type Counts = (usize, usize);

/// The tags of a record in the order in which they are shown.
type Names = BTreeMap<(SearchKey, i64), String>;

/// Adds a tag to all records that are named, or removes it, in O(1) statements. Each record that changes gets a new
/// revision and a log entry with the names of its tags before and after.
///
/// # Errors
/// [`Error::Unprocessable`] naming each record that does not exist, [`Error::Changed`] when a record was changed or deleted
/// after its moment in [`Author::versions`]; nothing is written then.
pub(crate) async fn change<R: Tagged>(
    tx: &mut Tx,
    author: &Author,
    tag: &Stored<TagFields>,
    named: &TagRecordsIn,
    change: LinkChange,
) -> Result<(Counts, WriteSummary)> {
    let records = locked::<R>(tx, author, named).await?;
    let mut names = names_of::<R>(tx, &records).await?;
    let place = (tag.fields.name_fold.clone(), tag.id);
    let (mut changed, mut entries) = (Vec::new(), Vec::new());
    for record in &records {
        let mut own = names.remove(record).unwrap_or_default();
        if own.contains_key(&place) == (change == LinkChange::Add) {
            continue;
        }
        let before: Vec<String> = own.values().cloned().collect();
        match change {
            LinkChange::Add => own.insert(place.clone(), tag.fields.name.clone()),
            LinkChange::Remove => own.remove(&place),
        };
        let after: Vec<String> = own.into_values().collect();
        let values = json!({"before": before, "after": after});
        changed.push(*record);
        entries.push(Entry {
            kind: R::KIND,
            record_id: *record,
            op: ChangeOp::Update,
            changes: Map::from_iter([(FIELD.to_owned(), values)]),
        });
    }
    match change {
        LinkChange::Add => insert::<R>(tx, author, tag.id, &changed).await?,
        LinkChange::Remove => remove::<R>(tx, tag.id, &changed).await?,
    }
    bump_revision::<R>(tx, author, changed.iter().copied()).await?;
    change_log::append(tx, author, &entries).await?;
    let summary = WriteSummary {
        changes: entries.iter().map(Change::from).collect(),
        ..WriteSummary::default()
    };
    Ok(((changed.len(), records.len() - changed.len()), summary))
}

/// The records that are named, all of them live. Nobody else changes their tags until the transaction ends.
async fn locked<R: Tagged>(
    tx: &mut Tx,
    author: &Author,
    named: &TagRecordsIn,
) -> Result<BTreeSet<i64>> {
    let numbers = named.account_numbers.iter().map(String::as_str);
    let companies = companies::rules::holders(tx, numbers, false).await?;
    let ids = named.ids.iter().chain(companies.values()).copied();
    let ids: BTreeSet<i64> = ids.collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut live = BTreeSet::new();
    // In order, so that two calls for the same records do not deadlock.
    for chunk in ids.chunks(MAX_BINDS) {
        let mut q = tx.query("select id, updated_at from ");
        q.push(R::Fields::TABLE)
            .push(" where deleted_at is null and id in ")
            .push_list(chunk.iter().copied());
        q.push(" order by id").for_update();
        for (id, updated_at) in q.all::<(i64, DateTime<Utc>)>().await? {
            if !author.has_planned(id, updated_at) {
                return Err(Error::Changed);
            }
            live.insert(id);
        }
    }
    // A plan names live records alone: one of them was deleted meanwhile.
    if author.versions.is_some() && live.len() < ids.len() {
        return Err(Error::Changed);
    }
    let mut faults = Vec::new();
    for (index, id) in named.ids.iter().enumerate() {
        if !live.contains(id) {
            let message = format!("there is no {} {id}", R::KIND);
            faults.push(Fault::at(&index.to_string(), message).within("/ids"));
        }
    }
    for (index, number) in named.account_numbers.iter().enumerate() {
        let company = companies.get(number);
        if !company.is_some_and(|id| live.contains(id)) {
            let message = format!("there is no company {number}");
            faults.push(Fault::at(&index.to_string(), message).within("/account_numbers"));
        }
    }
    if faults.is_empty() {
        Ok(live)
    } else {
        Err(Error::Unprocessable(faults))
    }
}

/// The live tags of records.
async fn names_of<R: Tagged>(tx: &mut Tx, records: &BTreeSet<i64>) -> Result<HashMap<i64, Names>> {
    let records: Vec<i64> = records.iter().copied().collect();
    let mut names: HashMap<i64, Names> = HashMap::new();
    for chunk in records.chunks(MAX_BINDS) {
        let mut q = tx.query(
            "select l.record_id, g.id, g.name_fold, g.name from record_tags l join tags g \
             on g.id = l.tag_id and g.deleted_at is null where l.kind = ",
        );
        q.push_bind(R::KIND).push(" and l.record_id in ");
        q.push_list(chunk.iter().copied());
        for (record, tag, fold, name) in q.all::<(i64, i64, SearchKey, String)>().await? {
            let own = names.entry(record).or_default();
            own.insert((fold, tag), name);
        }
    }
    Ok(names)
}

async fn insert<R: Tagged>(tx: &mut Tx, author: &Author, tag: i64, records: &[i64]) -> Result<()> {
    for chunk in records.chunks(MAX_BINDS / COLUMNS) {
        let mut q =
            tx.query("insert into record_tags (tag_id, kind, record_id, created_at, created_by) ");
        q.push_rows(chunk, |row, record| {
            row.bind(tag).bind(R::KIND).bind(*record);
            row.bind(author.at).bind(author.actor.as_str());
        });
        q.execute().await?;
    }
    Ok(())
}

async fn remove<R: Tagged>(tx: &mut Tx, tag: i64, records: &[i64]) -> Result<()> {
    for chunk in records.chunks(MAX_BINDS) {
        let mut q = tx.query("delete from record_tags where kind = ");
        q.push_bind(R::KIND).push(" and tag_id = ").push_bind(tag);
        q.push(" and record_id in ")
            .push_list(chunk.iter().copied());
        q.execute().await?;
    }
    Ok(())
}

/// Adds the tags of a record to the record that it is merged into.
pub(crate) async fn copy_tags(tx: &mut Tx, kind: &'static str, from: i64, to: i64) -> Result<()> {
    let q = tx.query(COPY_TAGS).bind(kind).bind(from).bind(to);
    q.execute().await?;
    Ok(())
}
