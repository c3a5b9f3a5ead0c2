//! Links between what different sources say, mended after a run.

use super::{
    run::{MAX_ROWS, Run},
    step::Step,
};
use crate::{Result, assets::Asset, site_links::SiteLink, store::Tx, tickets::Ticket};

sql! {
    /// Site links whose account number now belongs to another company, or to none.
    STALE_SITES = "select l.id from site_links l left join account_aliases a \
        on a.account_number = l.account_number left join companies c \
        on (c.account_number = l.account_number or c.id = a.company_id) and c.deleted_at is null \
        where l.deleted_at is null and l.account_number is not null \
        and c.id is distinct from l.company_id and l.id > $1 order by l.id limit 250";
    /// Assets that are not with the company of their site.
    STALE_ASSETS = "select a.id from assets a join site_links l \
        on l.site_uid = a.site_uid and l.deleted_at is null \
        where a.deleted_at is null and a.company_id is distinct from l.company_id and a.id > $1 \
        order by a.id limit 250";
    /// Tickets whose department has arrived since.
    STALE_TICKETS = "select t.id from tickets t join claims c on c.source = t.external_source \
        and c.kind = 'company' and c.external_id = cast(t.department_id as text) \
        where t.deleted_at is null and t.company_id is null and t.department_id is not null \
        and t.id > $1 order by t.id limit 250";
    /// A live asset with the hardware address or serial number of a retired one: the vendor gave a
    /// returning device a new uid. Only one that is new since the retirement or in this run: cloned
    /// machines share addresses and live side by side.
    RETURNED = "select n.id, o.id from assets o join assets n \
        on (n.mac_address = o.mac_address or n.serial_number = o.serial_number) \
        where o.deleted_at is not null and n.deleted_at is null and n.id > o.id \
        and n.created_at > o.created_at and (n.created_at > o.deleted_at or n.created_at >= $2) \
        and exists (select 1 from claims c where c.kind = 'asset' and c.record_id = o.id \
            and c.source = $1 and c.gone_at is not null) \
        order by o.id, n.id limit 1000";
    /// Whether a person has stated something about a record.
    EDITED = "select count(*) from claims where kind = 'asset' and record_id = $1 and source = 'manual'";
    /// Hands the claims of one record to another.
    HAND_OVER = "update claims set record_id = $2 where kind = 'asset' and record_id = $1";
    /// Hands the people who use a device over.
    HAND_OVER_CONTACTS = "insert into asset_contacts (asset_id, source, contact_id, removed) \
        select $2, source, contact_id, removed from asset_contacts where asset_id = $1 \
        on conflict (asset_id, source, contact_id) do nothing";
}

impl Run {
    /// Puts sites with the companies that hold their numbers, assets with the companies of their sites,
    /// tickets with the companies of their departments. Costs three statements when nothing has moved.
    pub async fn relink_companies(&mut self) -> Result<()> {
        let mut after = 0;
        while let Some(ids) = self.stale(STALE_SITES, &mut after).await? {
            self.refresh::<SiteLink>(&ids).await?;
        }
        after = 0;
        while let Some(ids) = self.stale(STALE_ASSETS, &mut after).await? {
            self.refresh::<Asset>(&ids).await?;
        }
        after = 0;
        while let Some(ids) = self.stale(STALE_TICKETS, &mut after).await? {
            self.refresh::<Ticket>(&ids).await?;
        }
        Ok(())
    }

    async fn stale(&self, sql: crate::store::Sql, after: &mut i64) -> Result<Option<Vec<i64>>> {
        let ids: Vec<i64> = self.db.query(sql).bind(*after).scalars().await?;
        // By id, not by what is left: an asset that a person placed elsewhere stays stale for ever.
        *after = ids.last().copied().unwrap_or(*after);
        debug_assert!(ids.len() <= MAX_ROWS);
        Ok((!ids.is_empty()).then_some(ids))
    }

    /// Brings back the record of a device that returned under a new uid (upstreams trap 51), when it
    /// is the only candidate on either side.
    pub(crate) async fn relink_returned(&mut self) -> Result<()> {
        let pairs: Vec<(i64, i64)> = self
            .db
            .query(RETURNED)
            .bind(self.source)
            .bind(self.started)
            .all()
            .await?;
        for &(new, old) in &pairs {
            let rivals = pairs
                .iter()
                .filter(|(n, o)| (*n == new) != (*o == old))
                .count();
            let edited: i64 = self.db.query(EDITED).bind(new).scalar().await?.unwrap_or(0);
            if rivals > 0 || edited > 0 {
                self.issue(format!(
                    "asset {new} looks like the retired asset {old} under a new id: a person should decide"
                ));
                continue;
            }
            self.write::<Asset>(Step::BringBack { new, old }).await?;
        }
        Ok(())
    }
}

/// Hands everything that is known of a retired device to the record that it returned as, or the other way
/// round: the older record lives on.
pub(super) async fn bring_back(tx: &mut Tx, new: i64, old: i64) -> Result<()> {
    tx.query(HAND_OVER).bind(new).bind(old).execute().await?;
    let q = tx.query(HAND_OVER_CONTACTS).bind(new).bind(old);
    q.execute().await?;
    Ok(())
}
