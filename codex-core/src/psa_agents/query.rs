//! Reading PSA agents.

use super::{PsaAgent, PsaAgentFields};
use crate::{
    RecordKind, Result,
    records::{Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::Db,
};

/// How PSA agents are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 6,
    kind: RecordKind::PsaAgent,
    access: PsaAgent::READ_BY,
    select: &["select r.id, cast(r.external_id as text) as key, \
         trim(coalesce(r.first_name, '') || ' ' || coalesce(r.last_name, '')) as title, r.email as detail, \
         cast(null as bigint) as company, null as number, null as company_name from psa_agents r where r.id in "],
    of_companies: None,
    path: None,
};

sql! {
    /// Live agents, active ones first: the order of Beacon's drop-down (consumers 0).
    LIST = [PsaAgentFields::SELECT, " where deleted_at is null \
        order by case when coalesce(active, true) then 0 else 1 end, name_fold, id"];
}

/// All agents, or those of one provider.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn list(db: &Db, scope: &Scope, provider: Option<&str>) -> Result<Vec<PsaAgent>> {
    scope.require(PsaAgent::READ_BY, "listing agents")?;
    let mut agents: Vec<PsaAgent> = db.query(LIST).all().await?;
    agents.retain(|agent| provider.is_none_or(|provider| agent.fields.external_source == provider));
    Ok(agents)
}
