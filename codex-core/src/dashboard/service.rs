//! The dashboard of a caller.

use crate::{
    Result, Scope,
    codex::Codex,
    dashboard::{
        cache::Audience,
        query,
        wire::{DashboardAssetsOut, DashboardCountsOut, DashboardOut, DashboardTicketsOut},
    },
    fold::IdentityKey,
};

impl Codex {
    /// The numbers of the dashboard for a caller; `email` names the agent of the PSA that the caller is.
    ///
    /// # Errors
    /// [`crate::Error::Db`].
    pub async fn dashboard(&self, scope: &Scope, email: Option<&str>) -> Result<DashboardOut> {
        let (db, kept, now) = (&self.0.db, &self.0.dashboards, self.now());
        let (configured, audience) = (&self.0.statuses, Audience::new(scope, now));
        let revisions = db.revisions().await?;
        let at = (&revisions, now);
        let records = query::records(db, scope, now);
        let records = kept.records.get(db, audience.clone(), at, records).await?;
        let tickets = query::tickets(db, scope, configured, now);
        let tickets = kept.tickets.get(db, audience.clone(), at, tickets).await?;
        let assets = query::assets(db, scope, now);
        let assets = kept.assets.get(db, audience, at, assets).await?;

        let is_staff = scope.require_staff("").is_ok();
        let email = email.filter(|_| is_staff).and_then(IdentityKey::of);
        let own = match email {
            Some(email) => {
                let open = &tickets.open_statuses;
                let own = query::own_tickets(db, &email, open, configured, now);
                let key = (email.clone(), open.clone());
                (*kept.own.get(db, key, at, own).await?).clone()
            }
            None => None,
        };
        let (pending, syncs) = if is_staff {
            let vendors = self.vendors();
            let sources: Vec<&str> = vendors.sources.iter().map(|one| one.name()).collect();
            let days = query::sync_days(db, &sources, now).await?;
            (Some(query::pending(db).await?), Some(days))
        } else {
            (None, None)
        };
        Ok(DashboardOut {
            counts: DashboardCountsOut {
                agents: scope.require_admin("").is_ok().then_some(records.agents),
                assets: assets.online + assets.offline + assets.unknown,
                billing_plans: is_staff.then_some(records.billing_plans),
                companies: records.companies,
                contacts: records.contacts,
                open_tickets: tickets.open,
            },
            assets: DashboardAssetsOut {
                offline: assets.offline,
                online: assets.online,
                operating_systems: assets.operating_systems.clone(),
                patch_states: is_staff.then(|| assets.patch_states.clone()),
                unknown: assets.unknown,
                went_offline: assets.went_offline.clone(),
                went_offline_today: assets.went_offline_today,
            },
            contracts: is_staff.then(|| records.contracts.clone()),
            own,
            pending,
            syncs,
            tickets: DashboardTicketsOut {
                by_company: tickets.by_company.clone(),
                by_priority: tickets.by_priority.clone(),
                newest: tickets.newest.clone(),
                open: tickets.open,
                open_statuses: tickets.open_words.clone(),
                overdue: tickets.overdue,
                weeks: tickets.weeks.clone(),
            },
        })
    }
}
