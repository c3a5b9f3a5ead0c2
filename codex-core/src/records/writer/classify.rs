//! Step 1: which statements of a page are new or changed, and to which record each belongs.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use serde_json::{Map, Value};

use super::{RecordWriter, WriteSummary, distinct};
use crate::{
    Result, dates,
    records::{
        Resource, SourceRecord, Stored,
        claims::{
            self, ClaimSource, ClaimsByRecord, Key, Known, Statement, content_hash, key,
            last_of_each,
        },
        match_imported,
        resolve::{self, Claim},
    },
};

/// A page of statements, sorted by what is to be done with each.
#[derive(Debug)]
pub(crate) struct Classified<R: Resource> {
    /// Unchanged items with their records: only their status is written.
    pub same: Vec<(i64, SourceRecord<R>)>,
    /// New and changed statements.
    pub changed: Vec<Changed<R>>,
    /// Locked rows of the records that `changed` is about; a new record has none.
    pub rows: HashMap<i64, Stored<R::Fields>>,
    /// Every claim on these records, with `changed` merged into them.
    pub claims: ClaimsByRecord,
}

/// A new or changed statement.
#[derive(Debug)]
pub(crate) struct Changed<R: Resource> {
    /// The record that it is about.
    pub record: i64,
    /// Who states it.
    pub origin: ClaimSource,
    /// What is stated.
    pub item: SourceRecord<R>,
    /// Hash of what is stated.
    pub hash: i64,
    /// Whether its claim is there already, in force and in the same collection.
    stands: bool,
}

/// The records of items that their source has not stated before.
#[derive(Debug)]
struct NewItems {
    /// A record by the item's id: a matched manual record, or a reserved row id.
    records: HashMap<String, i64>,
    /// The reserved row ids: these records have no row yet.
    reserved: HashSet<i64>,
}

impl RecordWriter<'_> {
    /// Sorts a page of statements of `source` and its parts.
    ///
    /// In: the page as it was mapped, and the row ids that new records get. Out: [`Classified`]; `summary` counts the unchanged items and gets the issues.
    /// Two kinds of items are in neither list: those of an older delivery that arrives after a newer one, which count
    /// as unchanged, and statements of a part about a record that Codex does not have.
    ///
    /// The first look compares hashes and reads no record. What differs there is compared by value, because a
    /// vendor's list and its single view state different fields: another hash, and often nothing new.
    pub(crate) async fn classify<R: Resource>(
        &mut self,
        source: &'static str,
        page: Vec<Statement<R>>,
        ids: &HashMap<String, i64>,
        summary: &mut WriteSummary,
    ) -> Result<Classified<R>> {
        let mut page = last_of_each(page);
        self.forget_future_times(&mut page, &mut summary.issues);
        let known = claims::known(self.tx, &page).await?;
        let new = self
            .records_of_new_items(source, &page, &known, ids, &mut summary.issues)
            .await?;

        let (mut same, mut differing) = (Vec::with_capacity(page.len()), Vec::new());
        for statement in page {
            let claim = known.get(&key(&statement));
            let (origin, item) = statement;
            let hash = content_hash(&item);
            match claim {
                Some(claim) if claim.is_newer_than(&item, self.author.at) => {
                    summary.unchanged += u64::from(origin.is_main());
                }
                Some(claim) if claim.states_the_same(&item, hash) => {
                    summary.unchanged += u64::from(origin.is_main());
                    same.push((claim.record_id, item));
                }
                claim => {
                    let owner = (origin.owner(), item.external_id.clone());
                    let record = claim
                        .or_else(|| known.get(&owner))
                        .map(|claim| claim.record_id)
                        .or_else(|| new.records.get(&owner.1).copied());
                    if let Some(record) = record {
                        differing.push(Changed {
                            record,
                            origin,
                            hash,
                            stands: claim.is_some_and(|claim| claim.is_in_force(&item)),
                            item,
                        });
                    }
                }
            }
        }

        let records = differing.iter().map(|statement| statement.record);
        let existing = distinct(records.filter(|id| !new.reserved.contains(id)));
        let rows = self.lock::<R>(&existing).await?;
        let mut claims = claims::of_records::<R>(self.tx, &existing).await?;
        let mut changed = Vec::with_capacity(differing.len());
        for statement in differing {
            let of_record = claims.entry(statement.record).or_default();
            if merge_into_claims(of_record, &statement) || !statement.stands {
                changed.push(statement);
            } else {
                summary.unchanged += u64::from(statement.origin.is_main());
                same.push((statement.record, statement.item));
            }
        }
        Ok(Classified {
            same,
            changed,
            rows,
            claims,
        })
    }

    /// Removes times of change that are in the future, because they must not decide which of two states is newer.
    fn forget_future_times<R: Resource>(
        &self,
        page: &mut [Statement<R>],
        issues: &mut Vec<String>,
    ) {
        for (_, item) in page {
            let stated = &mut item.source_updated_at;
            let future = stated.take_if(|at| !dates::has_happened(*at, self.author.at));
            if future.is_some() {
                issues.push(format!(
                    "{} {}: the time of its last change is in the future and is unknown",
                    R::KIND,
                    item.external_id
                ));
            }
        }
    }

    /// Finds a record for each new item of the source itself: an imported or a manual record that matches it, or else a
    /// row id, which is in `ids` or is reserved here.
    async fn records_of_new_items<R: Resource>(
        &mut self,
        source: &'static str,
        page: &[Statement<R>],
        known: &HashMap<Key, Known>,
        ids: &HashMap<String, i64>,
        issues: &mut Vec<String>,
    ) -> Result<NewItems> {
        let new: Vec<&SourceRecord<R>> = page
            .iter()
            .filter(|statement| statement.0.is_main() && !known.contains_key(&key(statement)))
            .map(|(_, item)| item)
            .collect();
        let mut records = if new.is_empty() {
            HashMap::new()
        } else {
            match_imported::match_records::<R>(self.tx, source, &new, issues).await?
        };
        let unmatched = new.into_iter().map(|item| item.external_id.clone());
        let unmatched = unmatched.filter(|id| !records.contains_key(id));
        let (given, without): (Vec<String>, Vec<String>) =
            unmatched.partition(|id| ids.contains_key(id));
        let reserved = self.reserve::<R>(without.len()).await?;
        let given = given
            .into_iter()
            .filter_map(|item| Some((ids.get(&item).copied()?, item)));
        let reserved: Vec<(i64, String)> = reserved.into_iter().zip(without).chain(given).collect();
        records.extend(reserved.iter().map(|(id, item)| (item.clone(), *id)));
        Ok(NewItems {
            records,
            reserved: reserved.into_iter().map(|(id, _)| id).collect(),
        })
    }
}

/// Merges a statement into the claims on its record; returns whether anything in them differs.
fn merge_into_claims<R: Resource>(claims: &mut Vec<Claim>, statement: &Changed<R>) -> bool {
    let (origin, item) = (statement.origin, &statement.item);
    let known = claims
        .iter_mut()
        .find(|claim| claim.source == origin.name() && claim.external_id == item.external_id);
    if let Some(claim) = known {
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

/// The fields that an item states, with its incomplete lists completed by what the source stated before.
///
/// An element that could not be read may be any of the known ones: all of them stay, and new ones are added. The next
/// list that can be read as a whole replaces it.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assets::Asset;

    const SOURCE: ClaimSource = ClaimSource::Main("rmm");

    fn statement(fields: Value) -> Changed<Asset> {
        let Value::Object(fields) = fields else {
            panic!("an object")
        };
        Changed {
            record: 7,
            origin: SOURCE,
            item: SourceRecord::part("d-1".into(), "site:s-1", fields),
            hash: 0,
            stands: true,
        }
    }

    #[test]
    fn fewer_fields_with_known_values_are_nothing_new() {
        let mut claims = Vec::new();
        let list = statement(json!({"hostname": "PC-1", "domain": "acme"}));
        assert!(merge_into_claims(&mut claims, &list));
        let view = statement(json!({"hostname": "PC-1"}));
        assert!(!merge_into_claims(&mut claims, &view));
        let renamed = statement(json!({"hostname": "PC-2"}));
        assert!(merge_into_claims(&mut claims, &renamed));
        assert_eq!(claims.len(), 1);
        let fields = Value::Object(claims.remove(0).fields);
        assert_eq!(fields, json!({"hostname": "PC-2", "domain": "acme"}));
    }

    #[test]
    fn a_part_has_a_claim_of_its_own() {
        let mut claims = Vec::new();
        assert!(merge_into_claims(
            &mut claims,
            &statement(json!({"hostname": "PC-1"}))
        ));
        let mut part = statement(json!({"mac_address": "00:1A:2B:3C:4D:5E"}));
        part.origin = ClaimSource::Part {
            name: "rmm.interfaces",
            of: "rmm",
        };
        assert!(merge_into_claims(&mut claims, &part));
        let anchors: Vec<bool> = claims.iter().map(|claim| claim.anchor).collect();
        assert_eq!(anchors, [true, false]);
    }

    #[test]
    fn an_incomplete_list_adds_and_removes_nothing() {
        let mut claims = Vec::new();
        merge_into_claims(&mut claims, &statement(json!({"ids": [1, 2]})));
        let mut incomplete = statement(json!({"ids": [2, 3]}));
        incomplete.item.incomplete = vec!["ids".into()];
        assert!(merge_into_claims(&mut claims, &incomplete));
        assert_eq!(claims[0].fields["ids"], json!([1, 2, 3]));
        assert!(merge_into_claims(
            &mut claims,
            &statement(json!({"ids": [3]}))
        ));
        assert_eq!(claims[0].fields["ids"], json!([3]));
    }
}
