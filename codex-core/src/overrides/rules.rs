//! What holds for overrides: one per company and key, which the schema keeps.

use super::{Override, OverrideFields};
use crate::{
    Access, RecordKind,
    companies::COMPANY_ID,
    records::{Resource, reserve_ids},
    store::Sql,
};

impl Resource for Override {
    const RECORD_KIND: RecordKind = RecordKind::Override;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Billing;
    const RESERVE: Sql = reserve_ids!("company_overrides");
    const UNIQUE: &'static [&'static str] = &[COMPANY_ID, "key"];
    type Fields = OverrideFields;
    type Status = ();
}
