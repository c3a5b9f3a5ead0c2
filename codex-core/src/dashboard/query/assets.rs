//! Devices in numbers.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::narrow;
use crate::{
    Result,
    dashboard::{
        SHOWN, midnight,
        wire::{DashboardAssetOut, NamedCountOut},
    },
    scope::Scope,
    store::Db,
};

/// Figures of devices.
#[derive(Debug)]
pub(crate) struct AssetFigures {
    pub online: i64,
    pub offline: i64,
    pub unknown: i64,
    pub operating_systems: Vec<NamedCountOut>,
    pub patch_states: Vec<NamedCountOut>,
    pub went_offline: Vec<DashboardAssetOut>,
    pub went_offline_today: i64,
}

/// How many devices have a state: online, patch state, operating system.
type State = (Option<bool>, Option<String>, Option<String>, i64);

/// A device that went offline, with how many there are.
#[derive(Debug, sqlx::FromRow)]
struct OfflineRow {
    #[sqlx(flatten)]
    asset: DashboardAssetOut,
    in_all: i64,
}

/// All figures of the devices that a caller sees, in two statements: each goes once through all devices. They are kept.
pub(crate) async fn assets(db: &Db, scope: &Scope, now: DateTime<Utc>) -> Result<AssetFigures> {
    let mut q = db.query(
        "select s.online, s.patch_status, a.operating_system, count(*) from assets a \
         left join asset_status s on s.asset_id = a.id where a.deleted_at is null",
    );
    narrow(&mut q, scope, "a.company_id");
    q.push(" group by s.online, s.patch_status, a.operating_system");
    let states: Vec<State> = q.all().await?;
    let that_are = |wanted: Option<bool>| {
        let states = states.iter().filter(|(online, ..)| *online == wanted);
        states.map(|(.., count)| count).sum()
    };
    let (went_offline, went_offline_today) = went_offline(db, scope, now).await?;
    Ok(AssetFigures {
        online: that_are(Some(true)),
        offline: that_are(Some(false)),
        unknown: that_are(None),
        operating_systems: most(states.iter().map(|(.., name, count)| (name, *count))),
        patch_states: most(states.iter().map(|(_, name, _, count)| (name, *count))),
        went_offline,
        went_offline_today,
    })
}

/// Devices that are offline and were seen today, the latest first.
async fn went_offline(
    db: &Db,
    scope: &Scope,
    now: DateTime<Utc>,
) -> Result<(Vec<DashboardAssetOut>, i64)> {
    let mut q = db.query(
        "select c.account_number as company_account_number, c.name as company_name, a.hostname, a.id, s.last_seen, \
         count(*) over () as in_all from asset_status s join assets a on a.id = s.asset_id \
         left join companies c on c.id = a.company_id and c.deleted_at is null \
         where a.deleted_at is null and s.online = false and s.last_seen >= ",
    );
    q.push_bind(midnight(now.date_naive()));
    narrow(&mut q, scope, "a.company_id");
    q.push(" order by s.last_seen desc, a.id limit ");
    q.push_bind(i64::try_from(SHOWN).unwrap_or(i64::MAX));
    let rows: Vec<OfflineRow> = q.all().await?;
    let in_all = rows.first().map_or(0, |row| row.in_all);
    Ok((rows.into_iter().map(|row| row.asset).collect(), in_all))
}

/// The most frequent values, and how often each is there.
fn most<'s>(counts: impl Iterator<Item = (&'s Option<String>, i64)>) -> Vec<NamedCountOut> {
    let mut sums: HashMap<Option<&str>, i64> = HashMap::new();
    for (name, count) in counts {
        *sums.entry(name.as_deref()).or_default() += count;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    sums.truncate(SHOWN);
    let named = sums.into_iter().map(|(name, count)| NamedCountOut {
        count,
        name: name.map(str::to_owned),
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_frequent_values_come_first() {
        let name = |text: &str| Some(text.to_owned());
        let values = [name("b"), name("a"), None, name("b")];
        let reported = most(values.iter().zip([1, 2, 2, 3]));
        let reported: Vec<_> = reported
            .into_iter()
            .map(|one| (one.name, one.count))
            .collect();
        assert_eq!(reported, [(name("b"), 4), (None, 2), (name("a"), 2)]);
        let many: Vec<_> = (0..99).map(|n| name(&n.to_string())).collect();
        assert_eq!(most(many.iter().map(|one| (one, 1))).len(), SHOWN);
    }
}
