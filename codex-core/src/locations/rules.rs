//! What holds for locations: whose they are.

use std::collections::BTreeSet;

use super::{Location, LocationFields};
use crate::{
    Access, RecordKind, Result,
    companies::{COMPANY_ID, rules::by_external_id},
    ids::CompanyId,
    records::{Draft, Resource, SearchDef, reserve_ids, search_index},
    store::{Sql, Tx},
};

impl Resource for Location {
    const RECORD_KIND: RecordKind = RecordKind::Location;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const READ_BY: Access = Access::Everyone;
    const WRITTEN_BY: Access = Access::Technicians;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("locations");
    type Fields = LocationFields;
    type Status = ();

    fn search_text(fields: &LocationFields) -> String {
        search_index::text([Some(fields.name.as_str()), fields.address.as_deref()])
    }

    async fn resolve_references(
        tx: &mut Tx,
        drafts: &mut [Draft<Self>],
        _issues: &mut Vec<String>,
    ) -> Result<()> {
        let sources: BTreeSet<String> = drafts
            .iter()
            .filter_map(|draft| draft.fields.external_source.clone())
            .collect();
        for source in sources {
            let of_source =
                |draft: &Draft<Self>| draft.fields.external_source.as_ref() == Some(&source);
            let ids = drafts
                .iter()
                .filter(|draft| of_source(draft))
                .filter_map(|draft| draft.fields.company_external_id.as_deref());
            let companies = by_external_id(tx, &source, ids).await?;
            for draft in drafts.iter_mut().filter(|draft| of_source(draft)) {
                if draft.is_manual(COMPANY_ID) {
                    continue;
                }
                let company = draft.fields.company_external_id.as_ref();
                draft.fields.company_id = company
                    .and_then(|id| companies.get(id))
                    .map(|id| CompanyId(*id));
            }
        }
        Ok(())
    }
}
