//! What holds for PSA agents.

use super::{PsaAgent, PsaAgentFields};
use crate::{
    Access, RecordKind,
    fold::SearchKey,
    records::{Resource, SearchDef, reserve_ids, search_index},
    store::Sql,
};

impl Resource for PsaAgent {
    const RECORD_KIND: RecordKind = RecordKind::PsaAgent;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Technicians;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("psa_agents");
    type Fields = PsaAgentFields;
    type Status = ();

    fn search_text(fields: &PsaAgentFields) -> String {
        search_index::text([Some(fields.name_fold.as_str()), fields.email.as_deref()])
    }

    fn keys(fields: &mut PsaAgentFields) {
        let names = [fields.first_name.as_deref(), fields.last_name.as_deref()];
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        fields.name_fold = SearchKey::new(&name);
    }
}
