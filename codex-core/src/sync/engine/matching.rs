//! Records that are one, found when a run is over: what both have may have come after both were there.
//!
//! [`crate::duplicates::evidence`] holds the rules. What is certain is merged into the older record, what is not becomes
//! a duplicate candidate.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{run::Run, step::Step};
use crate::{
    Result,
    assets::Asset,
    contacts::{Contact, query::companies_of},
    duplicates::{
        DuplicateState, Fact,
        evidence::{ContactFacts, DeviceFacts, Evidence, Verdict, of_contacts, of_devices},
        found::{self, Pair},
    },
    ids::ContactId,
    records::{Resource, WriteSummary, writer::RecordWriter},
};

sql! {
    /// Devices that the source has retired, with those that are new since or in this run and have the serial number
    /// or the MAC address: the vendor gives a returning device a new uid. What many have is no mark of one.
    RETURNED = "select o.id, n.id from assets o join assets n on n.serial_key = o.serial_key \
        where o.deleted_at is not null and n.deleted_at is null and n.id > o.id and n.created_at > o.created_at \
        and (n.created_at > o.deleted_at or n.created_at >= $2) \
        and (select count(*) from assets x where x.serial_key = o.serial_key and x.deleted_at is null) <= 4 \
        and exists (select 1 from claims c where c.kind = 'asset' and c.record_id = o.id \
            and c.source = $1 and c.gone_at is not null) \
        union select o.id, n.id from assets o join assets n on n.mac_key = o.mac_key \
        where o.deleted_at is not null and n.deleted_at is null and n.id > o.id and n.created_at > o.created_at \
        and (n.created_at > o.deleted_at or n.created_at >= $2) \
        and (select count(*) from assets x where x.mac_key = o.mac_key and x.deleted_at is null) <= 4 \
        and exists (select 1 from claims c where c.kind = 'asset' and c.record_id = o.id \
            and c.source = $1 and c.gone_at is not null) \
        order by 1, 2 limit 1000";
    /// Live devices that only people keep, with the source's that have the serial number or the MAC address.
    MANUAL = "select r.id, v.id from claims m join assets r on r.id = m.record_id and r.deleted_at is null \
        join assets v on (v.serial_key = r.serial_key or v.mac_key = r.mac_key) and v.deleted_at is null \
        where m.source = 'manual' and m.kind = 'asset' and m.anchor \
        and not exists (select 1 from claims c where c.kind = 'asset' and c.record_id = r.id \
            and c.source <> 'manual' and c.anchor) \
        and exists (select 1 from claims c where c.kind = 'asset' and c.record_id = v.id \
            and c.source = $1 and c.anchor and c.gone_at is null) \
        and (select count(*) from assets x where (x.serial_key = r.serial_key or x.mac_key = r.mac_key) \
            and x.deleted_at is null) <= 4 \
        order by 1, 2 limit 1000";
    /// Imported devices that no source has stated, with the source's of the same company and host name.
    IMPORTED = "select r.id, v.id from claims m join assets r on r.id = m.record_id and r.deleted_at is null \
        join assets v on v.company_id = r.company_id and v.hostname_fold = r.hostname_fold \
            and v.id <> r.id and v.deleted_at is null \
        where m.source = 'import' and m.kind = 'asset' and m.anchor and r.hostname_fold <> '' \
        and exists (select 1 from claims c where c.kind = 'asset' and c.record_id = v.id \
            and c.source = $1 and c.anchor and c.gone_at is null) \
        order by 1, 2 limit 1000";
    /// Live contacts with one e-mail address.
    SAME_EMAIL = "select a.id, b.id from contacts a join contacts b on b.email_key = a.email_key and b.id > a.id \
        where a.deleted_at is null and b.deleted_at is null \
        and (select count(*) from contacts x where x.email_key = a.email_key and x.deleted_at is null) <= 4 \
        and not exists (select 1 from duplicate_candidates d where d.kind = 'contact' \
            and d.record_a = a.id and d.record_b = b.id) \
        order by 1, 2 limit 1000";
    /// Whether a person has said something of a record, or has deleted the one that would be kept.
    SAID = "select count(*) from claims where kind = $1 and source = 'manual' \
        and (record_id = $2 or (record_id = $3 and gone_at is not null))";
}

/// Two records that are one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Merge {
    pub kept: i64,
    pub other: i64,
    /// Why, for the change log.
    pub why: String,
    score: i64,
    facts: Vec<Fact>,
}

/// A device that is compared.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Device {
    id: i64,
    #[sqlx(flatten)]
    facts: DeviceFacts,
    /// Whether a person has said something of it, or given it to somebody.
    is_touched: bool,
    /// Whether a person has deleted it: no run brings it back.
    is_unwanted: bool,
    is_live: bool,
}

impl Device {
    /// Whether it is live and has a uid of its own.
    fn names_another(&self, other: &Self) -> bool {
        let uid = self.facts.device_uid.as_ref();
        self.is_live && uid.is_some() && uid != other.facts.device_uid.as_ref()
    }
}

impl Run {
    /// Merges devices that returned under a new uid, and manual records, with the source's devices. Uncertain matches
    /// become duplicate candidates.
    pub(crate) async fn match_devices(&mut self) -> Result<()> {
        let q = self.db.query(RETURNED).bind(self.source);
        let pairs: Vec<Pair> = q.bind(self.started).all().await?;
        self.decide(pairs, "returned under a new id as").await?;
        let q = self.db.query(MANUAL).bind(self.source);
        let pairs: Vec<Pair> = q.all().await?;
        self.decide(pairs, "is a manual record for the device of")
            .await?;
        self.propose_imported().await?;
        self.prune::<Asset>().await
    }

    /// Proposes what was imported and matched nothing: a person decides whether it is one of the source's devices.
    async fn propose_imported(&mut self) -> Result<()> {
        let q = self.db.query(IMPORTED).bind(self.source);
        let pairs: Vec<Pair> = q.all().await?;
        if pairs.is_empty() {
            return Ok(());
        }
        let devices = self.devices(&pairs).await?;
        let newer = pairs.iter().map(|(one, other)| *one.max(other)).collect();
        let known = self.known::<Asset>(newer).await?;
        let compared = pairs.into_iter().filter_map(|(one, other)| {
            let evidence = of_devices(&devices.get(&one)?.facts, &devices.get(&other)?.facts);
            let evidence = evidence.of_imported();
            let is_possible = evidence.verdict(self.matching) > Verdict::Different;
            is_possible.then_some(((one.min(other), one.max(other)), evidence))
        });
        let possible: Vec<(Pair, Evidence)> = compared.collect();
        self.propose::<Asset>(possible, &known).await
    }

    async fn decide(&mut self, pairs: Vec<Pair>, why: &str) -> Result<()> {
        let devices = self.devices(&pairs).await?;
        let newer = pairs.iter().map(|(one, other)| *one.max(other)).collect();
        let known = self.known::<Asset>(newer).await?;
        let mut certain: Vec<Merge> = Vec::new();
        let mut possible: Vec<(Pair, Evidence)> = Vec::new();
        for &(one, other) in &pairs {
            let (Some(first), Some(second)) = (devices.get(&one), devices.get(&other)) else {
                continue;
            };
            let pair = (one.min(other), one.max(other));
            if known
                .get(&pair)
                .is_some_and(|state| *state != DuplicateState::Open)
            {
                continue;
            }
            let evidence = of_devices(&first.facts, &second.facts);
            // The source's is the newer, nobody has said anything of it, nobody has deleted the other, and neither
            // could be a third one.
            let competing = pairs.iter().filter(|(a, b)| (*a == one) != (*b == other));
            let is_alone = competing.count() == 0
                && one < other
                && !second.is_touched
                && !first.is_unwanted
                && !first.names_another(second);
            match evidence.verdict(self.matching) {
                Verdict::Same if is_alone => certain.push(Merge {
                    kept: one,
                    other,
                    why: format!("asset {one} {why} asset {other}: {evidence}"),
                    score: evidence.score(),
                    facts: evidence.facts,
                }),
                Verdict::Same | Verdict::Possible => possible.push((pair, evidence)),
                Verdict::Different => {}
            }
        }
        for merge in certain {
            self.write::<Asset>(Step::Merge(merge)).await?;
        }
        self.propose::<Asset>(possible, &known).await
    }

    /// Proposes contacts with one e-mail address as duplicates, of one company or with none, and those that arrived while
    /// a manual contact of another company had the address.
    pub(crate) async fn match_contacts(&mut self) -> Result<()> {
        let pairs: Vec<Pair> = self.db.query(SAME_EMAIL).all().await?;
        let contacts = self.contacts(&pairs).await?;
        let compared = pairs.into_iter().filter_map(|pair| {
            let evidence = of_contacts(contacts.get(&pair.0)?, contacts.get(&pair.1)?);
            (evidence.verdict(self.matching) > Verdict::Different).then_some((pair, evidence))
        });
        let possible: Vec<_> = compared.collect();
        self.propose::<Contact>(possible, &HashMap::new()).await?;
        self.prune::<Contact>().await
    }

    async fn devices(&self, pairs: &[Pair]) -> Result<HashMap<i64, Device>> {
        let mut q = self.db.query(
            "select a.id, a.device_uid, a.serial_number, a.mac_address, a.hostname, a.company_id, \
             (exists (select 1 from claims c where c.kind = 'asset' and c.record_id = a.id and c.source = 'manual') \
             or exists (select 1 from asset_contacts u where u.asset_id = a.id)) as is_touched, \
             exists (select 1 from claims c where c.kind = 'asset' and c.record_id = a.id and c.source = 'manual' \
             and c.gone_at is not null) as is_unwanted, \
             a.deleted_at is null as is_live \
             from assets a where a.id in ",
        );
        q.push_list(ids(pairs));
        let found: Vec<Device> = q.all().await?;
        Ok(found
            .into_iter()
            .map(|device| (device.id, device))
            .collect())
    }

    async fn contacts(&self, pairs: &[Pair]) -> Result<HashMap<i64, ContactFacts>> {
        let all: Vec<ContactId> = ids(pairs).into_iter().map(ContactId).collect();
        let mut q = self.db.query(
            "select r.id, r.email, r.name, not exists (select 1 from claims c where c.kind = 'contact' \
             and c.record_id = r.id and c.source <> 'manual' and c.anchor) as is_manual \
             from contacts r where r.id in ",
        );
        q.push_list(all.iter().copied());
        let found: Vec<(ContactId, Option<String>, String, bool)> = q.all().await?;
        let mut companies = companies_of(&self.db, &all).await?;
        let facts = found.into_iter().map(|(id, email, name, is_manual)| {
            let companies = companies.remove(&id).unwrap_or_default();
            let facts = ContactFacts {
                email,
                name,
                companies: companies.into_iter().map(i64::from).collect(),
                is_manual,
            };
            (id.0, facts)
        });
        Ok(facts.collect())
    }

    async fn known<R: Resource>(
        &self,
        newer: BTreeSet<i64>,
    ) -> Result<HashMap<Pair, DuplicateState>> {
        let known = found::known(&self.db, R::KIND, newer).await?;
        Ok(known
            .into_iter()
            .map(|(a, b, state)| ((a, b), state))
            .collect())
    }

    /// Writes candidates, and reports those that are new.
    async fn propose<R: Resource>(
        &mut self,
        possible: Vec<(Pair, Evidence)>,
        known: &HashMap<Pair, DuplicateState>,
    ) -> Result<()> {
        if possible.is_empty() {
            return Ok(());
        }
        let mut reported = HashSet::new();
        for (pair, evidence) in &possible {
            if !known.contains_key(pair) && reported.insert(*pair) {
                let ((a, b), kind) = (*pair, R::KIND);
                self.issue(format!(
                    "duplicate candidate: {kind} {a} and {kind} {b} may be one ({evidence}); \
                     a person merges or rejects it"
                ));
            }
        }
        let mut tx = self.begin().await?;
        found::propose(&mut tx, R::KIND, self.clock.now(), &possible).await?;
        self.end(tx).await
    }

    async fn prune<R: Resource>(&mut self) -> Result<()> {
        let mut tx = self.begin().await?;
        found::prune(&mut tx, R::KIND).await?;
        self.end(tx).await
    }
}

fn ids(pairs: &[Pair]) -> BTreeSet<i64> {
    pairs.iter().flat_map(|(a, b)| [*a, *b]).collect()
}

/// Merges what a run found to be one, unless a person has meanwhile said something of the newer record or deleted the
/// other.
pub(crate) async fn merge<R: Resource>(
    writer: &mut RecordWriter<'_>,
    merge: &Merge,
) -> Result<WriteSummary> {
    let (kept, other) = (merge.kept, merge.other);
    writer
        .lock::<R>(&[kept.min(other), kept.max(other)])
        .await?;
    let said: Option<i64> = writer
        .tx
        .query(SAID)
        .bind(R::KIND)
        .bind(other)
        .bind(kept)
        .scalar()
        .await?;
    if said > Some(0) {
        return Ok(WriteSummary::default());
    }
    let summary = writer.merge_records::<R>(kept, other).await?;
    crate::duplicates::query::withdraw(writer.tx, R::KIND, other).await?;
    let by = (writer.author.actor.as_str(), writer.author.at);
    let evidence = (merge.score, merge.facts.as_slice());
    found::merged(writer.tx, R::KIND, (kept, other), evidence, by).await?;
    Ok(summary)
}
