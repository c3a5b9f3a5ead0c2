//! Records made by hand that seem to be the source's, found when a run is over: what both have may have come
//! after both were there.

use std::collections::BTreeSet;

use super::{
    relink::{EDITED, bring_back},
    run::Run,
    step::Step,
};
use crate::{
    Result,
    assets::Asset,
    changes::{Outcome, Resource, door::Door},
    contacts::Contact,
    store::Sql,
};

/// Pairs that one run looks at; the statements end with it.
const MOST: usize = 1_000;
/// Until when twins were looked for.
const CURSOR: &str = "twins";

sql! {
    /// Live assets that only people keep, with the source's that have the same serial number: whether one of
    /// the two is as new as $2, and whether the source's is the younger and nobody has said or linked anything
    /// of it.
    SAME_SERIAL = "select r.id as kept, v.id as other, r.serial_number as shared, \
        (r.updated_at >= $2 or v.updated_at >= $2) as is_new, \
        (r.id < v.id and r.created_at <= v.created_at and r.device_uid is null \
            and not exists (select 1 from claims c where c.kind = 'asset' and c.record_id = v.id \
                and c.source = 'manual') \
            and not exists (select 1 from asset_contacts u where u.asset_id = v.id)) as is_certain \
        from claims m join assets r on r.id = m.record_id and r.deleted_at is null \
        join assets v on v.serial_number = r.serial_number and v.deleted_at is null \
        where m.source = 'manual' and m.kind = 'asset' and m.anchor \
        and not exists (select 1 from claims c where c.kind = 'asset' and c.record_id = r.id \
            and c.source <> 'manual' and c.anchor) \
        and exists (select 1 from claims c where c.kind = 'asset' and c.record_id = v.id \
            and c.source = $1 and c.anchor and c.gone_at is null) \
        order by shared, r.id, v.id limit 1000";
    /// Live contacts that only people keep, with the source's that have the same e-mail address. Those of whom
    /// nothing has changed since the source's arrived were told of then.
    SAME_EMAIL = "select r.id as kept, v.id as other, r.email as shared, \
        (r.updated_at >= $2 or v.updated_at >= $2) as is_new, false as is_certain \
        from claims m join contacts r on r.id = m.record_id and r.deleted_at is null \
        join contacts v on v.email_fold = r.email_fold and v.deleted_at is null \
        where m.source = 'manual' and m.kind = 'contact' and m.anchor \
        and (r.updated_at >= v.created_at or v.updated_at > v.created_at) \
        and not exists (select 1 from claims c where c.kind = 'contact' and c.record_id = r.id \
            and c.source <> 'manual' and c.anchor) \
        and exists (select 1 from claims c where c.kind = 'contact' and c.record_id = v.id \
            and c.source = $1 and c.anchor and c.gone_at is null) \
        order by shared, r.id, v.id limit 1000";
    /// Hands over what is beside the fields of an asset; a record made by hand has nothing of it.
    HAND_OVER_STATUS = "update asset_status set asset_id = $2 where asset_id = $1";
    HAND_OVER_SECRETS = "update asset_secrets set asset_id = $2 where asset_id = $1";
    HAND_OVER_HARDWARE = "update asset_hardware set asset_id = $2 where asset_id = $1";
    HAND_OVER_SOFTWARE = "update asset_software set asset_id = $2 where asset_id = $1";
}

#[derive(Debug, sqlx::FromRow)]
struct Pair {
    kept: i64,
    other: i64,
    shared: String,
    is_new: bool,
    is_certain: bool,
}

impl Run {
    /// Gives assets made by hand the source's claims where serial numbers match one to one, and reports the
    /// others.
    pub(crate) async fn adopt_by_serial(&mut self) -> Result<()> {
        for pairs in self.twins(SAME_SERIAL).await? {
            match pairs.as_slice() {
                [pair] if pair.is_certain => {
                    let (new, old) = (pair.other, pair.kept);
                    self.write::<Asset>(Step::Adopt { new, old }).await?;
                }
                _ => self.report_twins::<Asset>("serial_number", &pairs),
            }
        }
        self.set_cursor(CURSOR, self.started).await
    }

    /// Reports contacts made by hand that have the e-mail address of one of the source's.
    pub(crate) async fn report_same_email(&mut self) -> Result<()> {
        for pairs in self.twins(SAME_EMAIL).await? {
            self.report_twins::<Contact>("email", &pairs);
        }
        self.set_cursor(CURSOR, self.started).await
    }

    /// Pairs by what they share.
    async fn twins(&self, sql: Sql) -> Result<Vec<Vec<Pair>>> {
        let since = self.cursor(CURSOR).await?.unwrap_or_default();
        let pairs: Vec<Pair> = self
            .db
            .query(sql)
            .bind(self.source)
            .bind(since)
            .all()
            .await?;
        let is_cut = pairs.len() >= MOST;
        let mut groups: Vec<Vec<Pair>> = Vec::new();
        for pair in pairs {
            match groups.last_mut() {
                Some(group) if group[0].shared == pair.shared => group.push(pair),
                _ => groups.push(vec![pair]),
            }
        }
        // Who else shares what the last ones share is not known.
        if is_cut {
            groups.pop();
        }
        Ok(groups)
    }

    /// Once, and again when one of them has changed.
    fn report_twins<R: Resource>(&mut self, field: &str, pairs: &[Pair]) {
        if !pairs.iter().any(|pair| pair.is_new) {
            return;
        }
        let ids = |id: fn(&Pair) -> i64| {
            let ids: BTreeSet<i64> = pairs.iter().map(id).collect();
            ids.iter()
                .map(i64::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (kept, others) = (ids(|pair| pair.kept), ids(|pair| pair.other));
        let kind = R::KIND;
        self.issue(format!(
            "possible duplicate: {kind} {kept} made by hand and {others} share one {field}; all stay"
        ));
    }
}

/// Makes the source's record `new` the one that was made by hand, unless a person has meanwhile said something
/// of it.
pub(super) async fn adopt<R: Resource>(door: &mut Door<'_>, new: i64, old: i64) -> Result<Outcome> {
    door.lock::<R>(&[old, new]).await?;
    let edited: Option<i64> = door.tx.query(EDITED).bind(new).scalar().await?;
    if edited > Some(0) {
        return Ok(Outcome::default());
    }
    bring_back(door.tx, new, old).await?;
    for sql in [
        HAND_OVER_STATUS,
        HAND_OVER_SECRETS,
        HAND_OVER_HARDWARE,
        HAND_OVER_SOFTWARE,
    ] {
        door.tx.query(sql).bind(new).bind(old).execute().await?;
    }
    door.refresh::<R>(&[old, new]).await
}
