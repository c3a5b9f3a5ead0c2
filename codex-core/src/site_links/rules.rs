//! What holds for site links: the holder of the account number owns the site.

use super::{SiteLink, SiteLinkFields};
use crate::{
    Access, RecordKind, Result,
    companies::{COMPANY_ID, rules::holders},
    ids::CompanyId,
    records::{Draft, Resource, reserve_ids},
    store::{Sql, Tx},
};

impl Resource for SiteLink {
    const RECORD_KIND: RecordKind = RecordKind::SiteLink;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Technicians;
    const RESERVE: Sql = reserve_ids!("site_links");
    type Fields = SiteLinkFields;
    type Status = ();

    async fn resolve_references(
        tx: &mut Tx,
        drafts: &mut [Draft<Self>],
        issues: &mut Vec<String>,
    ) -> Result<()> {
        let numbers = drafts
            .iter()
            .filter_map(|draft| draft.fields.account_number.as_deref());
        let companies = holders(tx, numbers, false).await?;
        for draft in drafts
            .iter_mut()
            .filter(|draft| !draft.is_manual(COMPANY_ID))
        {
            let number = draft.fields.account_number.as_ref();
            draft.fields.company_id = number
                .and_then(|n| companies.get(n))
                .map(|id| CompanyId(*id));
            if let (Some(number), None) = (number, draft.fields.company_id) {
                let name = draft.fields.site_name.as_deref().unwrap_or_default();
                issues.push(format!(
                    "site {} `{name}`: no company has account number {number}",
                    draft.fields.site_uid
                ));
            }
        }
        Ok(())
    }
}
