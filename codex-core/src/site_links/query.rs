//! Reading site links.

use chrono::{DateTime, Utc};

use super::{SiteLink, SiteLinkFields};
use crate::{
    Result,
    ids::CompanyId,
    records::{Resource as _, Tracked},
    scope::Scope,
    store::{Db, Q, Tx},
};

sql! {
    /// Live links, by name.
    LIST = [SiteLinkFields::SELECT, " where deleted_at is null order by site_name, id"];
    /// Live sites that are not the system's own.
    NAMED = "select site_uid, site_name, account_number, company_id from site_links \
        where deleted_at is null and provider = $1 and system_site is not true order by id";
    /// When each live site's variables and interfaces were read.
    STATE = "select l.id, l.site_uid, l.system_site, s.variables_read_at, \
        s.interfaces_read_at from site_links l \
        left join site_link_status s on s.site_link_id = l.id where l.deleted_at is null and l.provider = $1";
}

/// What a sync needs to know about a site.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct SiteState {
    pub id: i64,
    pub site_uid: String,
    pub system_site: Option<bool>,
    pub variables_read_at: Option<DateTime<Utc>>,
    pub interfaces_read_at: Option<DateTime<Utc>>,
}

/// A site with what it is matched by.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Named {
    pub site_uid: String,
    site_name: Option<String>,
    pub account_number: Option<String>,
    pub company_id: Option<CompanyId>,
}

impl Named {
    #[cfg(test)]
    pub fn unlinked(name: &str) -> Self {
        Self {
            site_uid: name.to_owned(),
            site_name: Some(name.to_owned()),
            account_number: None,
            company_id: None,
        }
    }

    /// Its name; empty when it has none.
    pub fn name(&self) -> &str {
        self.site_name.as_deref().unwrap_or_default()
    }
}

/// All links between RMM sites and companies.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn list(db: &Db, scope: &Scope) -> Result<Vec<SiteLink>> {
    scope.require(SiteLink::READ_BY, "listing site links")?;
    db.query(LIST).all().await
}

/// The live sites of a provider that may be a customer's.
pub(crate) async fn named(db: &Db, provider: &str) -> Result<Vec<Named>> {
    db.query(NAMED).bind(provider).all().await
}

/// The state of every live site of a provider.
pub(crate) async fn state(db: &Db, provider: &str) -> Result<Vec<SiteState>> {
    db.query(STATE).bind(provider).all().await
}

/// Notes when the variables of sites were read.
pub(crate) async fn variables_read(tx: &mut Tx, ids: &[i64], at: DateTime<Utc>) -> Result<()> {
    let q = tx.query("insert into site_link_status (site_link_id, variables_read_at) ");
    let update =
        " on conflict (site_link_id) do update set variables_read_at = excluded.variables_read_at";
    note(q, ids, at, update).await
}

/// Notes when the network interfaces of sites were read.
pub(crate) async fn interfaces_read(tx: &mut Tx, ids: &[i64], at: DateTime<Utc>) -> Result<()> {
    let q = tx.query("insert into site_link_status (site_link_id, interfaces_read_at) ");
    let update = " on conflict (site_link_id) do update set interfaces_read_at = excluded.interfaces_read_at";
    note(q, ids, at, update).await
}

async fn note(mut q: Q<'_>, ids: &[i64], at: DateTime<Utc>, update: &'static str) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    q.push_upsert_rows(
        ids,
        |id| **id,
        |row, id| {
            row.bind(*id).bind(at);
        },
    );
    q.push(update);
    q.execute().await?;
    Ok(())
}
