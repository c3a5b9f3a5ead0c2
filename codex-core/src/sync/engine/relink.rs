//! Links between what different sources say, mended after a run.

use super::run::{MAX_ROWS, Run};
use crate::{Result, assets::Asset, site_links::SiteLink, tickets::Ticket};

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
}
