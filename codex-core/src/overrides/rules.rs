//! What holds for overrides: one per company and key, which the schema keeps.

use super::{Override, OverrideFields};
use crate::{
    Access,
    companies::COMPANY_ID,
    records::{Resource, reserve_ids},
    store::Sql,
};

impl Resource for Override {
    const KIND: &'static str = "override";
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Billing;
    const RESERVE: Sql = reserve_ids!("company_overrides");
    const UNIQUE: &'static [&'static str] = &[COMPANY_ID, "key"];
    type Fields = OverrideFields;
    type Status = ();
}
