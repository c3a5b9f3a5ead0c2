//! Reading agents.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{Agent, AgentFields};
use crate::{
    RecordKind, Result,
    fold::IdentityKey,
    list::{ColumnType, Listing, Page, PageRequest, always},
    records::{Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::Db,
};

crate::list::staff_fields!(Agent, AgentFields);

sql! {
    /// All agents, by login name.
    LIST = [AgentFields::SELECT, " where deleted_at is null order by username_fold, id"];
    /// The agent of a Keycloak user.
    FIND = [AgentFields::SELECT, " where keycloak_id = $1 and deleted_at is null"];
    /// Agents with an e-mail address, those who may log in first.
    OF_EMAIL = [AgentFields::SELECT, " where email_key = $1 and deleted_at is null \
        order by case when coalesce(enabled, true) then 0 else 1 end, id"];
    /// Agents with a Keycloak id, a login name or an e-mail address.
    RIVALS = [AgentFields::SELECT,
        " where deleted_at is null and (keycloak_id = $1 or username_key = $2 or email_key = $3) order by id"];
    /// When Keycloak was last read to its end.
    LAST_SYNCED = "select completed_at from sync_jobs where script = 'keycloak_agents' \
        and status = 'completed' order by started_at desc limit 1";
}

/// How agents are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 8,
    kind: RecordKind::Agent,
    access: Agent::READ_BY,
    select: &[
        "select r.id, r.keycloak_id as key, r.username as title, r.email as detail, \
         cast(null as bigint) as company, null as number, null as company_name from agents r where r.id in ",
    ],
    of_companies: None,
    path: Some("/api/agents"),
};

/// Agents as a list.
pub const LISTING: Listing = Listing {
    select: AgentFields::SELECT,
    from: " from agents",
    live: "deleted_at is null",
    id: "id",
    search: Some(&SEARCH),
    order: "username",
    fields: &[AgentFields::FIELDS],
    columns: &[
        always("enabled", "coalesce(enabled, true)", ColumnType::Bool),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
    ],
};

/// A page of agents, by login name.
///
/// # Errors
/// [`crate::Error::Invalid`] as in every list, [`crate::Error::Forbidden`] for all but administrators and services.
pub async fn page(db: &Db, scope: &Scope, page: &PageRequest) -> Result<Page<Agent>> {
    scope.require(Agent::READ_BY, "listing agents")?;
    let place = |agent: &Agent| (agent.id.0, agent.fields.username_fold.to_string());
    LISTING.page(db, scope, page, |_| (), place).await
}

/// All agents, disabled ones too, by login name.
///
/// # Errors
/// [`crate::Error::Forbidden`] for all but administrators and services.
pub async fn list(db: &Db, scope: &Scope) -> Result<Vec<Agent>> {
    scope.require(Agent::READ_BY, "listing agents")?;
    db.query(LIST).all().await
}

/// Looks an agent up by the Keycloak id.
///
/// # Errors
/// [`crate::Error::Forbidden`] for all but administrators and services.
pub async fn find(db: &Db, scope: &Scope, keycloak_id: &str) -> Result<Option<Agent>> {
    scope.require(Agent::READ_BY, "reading agents")?;
    db.query(FIND).bind(keycloak_id).optional().await
}

/// The agent that a person is: the Keycloak user of the token's `sub`, else the only one with the e-mail
/// address. Where several share an address, it names nobody; a disabled agent steps back behind an enabled
/// one.
pub async fn own(db: &Db, sub: &str, email: Option<&str>) -> Result<Option<Agent>> {
    if let Some(agent) = db.query(FIND).bind(sub).optional().await? {
        return Ok(Some(agent));
    }
    match email {
        Some(email) => of_email(db, email).await,
        None => Ok(None),
    }
}

/// The only agent with an e-mail address; see [`own`].
pub async fn of_email(db: &Db, email: &str) -> Result<Option<Agent>> {
    let Some(email) = IdentityKey::of(email) else {
        return Ok(None);
    };
    let mut agents: Vec<Agent> = db.query(OF_EMAIL).bind(email).all().await?;
    let enabled = |agent: &Agent| agent.fields.enabled.unwrap_or(true);
    let candidates = agents
        .iter()
        .filter(|agent| enabled(agent) == agents.first().is_some_and(enabled));
    Ok((candidates.count() == 1).then(|| agents.swap_remove(0)))
}

/// The names of users by Keycloak id, deleted ones too: what they did stays.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub(crate) async fn actor_names<'a>(
    db: &Db,
    scope: &Scope,
    actors: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, String>> {
    scope.require_staff("reading who did something")?;
    let users: BTreeSet<&str> = actors
        .into_iter()
        .filter(|actor| !actor.contains(':'))
        .collect();
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = db.query(
        "select keycloak_id, username, first_name, last_name from agents where keycloak_id in ",
    );
    q.push_list(users).push(" order by id");
    let rows: Vec<(String, String, Option<String>, Option<String>)> = q.all().await?;
    let names = rows.into_iter().map(|(id, username, first, last)| {
        let parts = [first, last].into_iter().flatten();
        let full: Vec<String> = parts.filter(|part| !part.trim().is_empty()).collect();
        let name = if full.is_empty() {
            username
        } else {
            full.join(" ")
        };
        (id, name)
    });
    Ok(names.collect())
}

/// When Keycloak was last read to its end, if it ever was.
pub async fn last_synced(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let last: Option<Option<DateTime<Utc>>> = db.query(LAST_SYNCED).scalar().await?;
    Ok(last.flatten())
}
