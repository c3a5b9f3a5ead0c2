//! What holds for billing plans: nothing but their name and term is unique, which the schema keeps.

use super::{BillingPlan, BillingPlanFields, term};
use crate::{
    Access, RecordKind,
    records::{Resource, SearchDef, reserve_ids, search_index},
    store::Sql,
};

impl Resource for BillingPlan {
    const RECORD_KIND: RecordKind = RecordKind::BillingPlan;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Billing;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("billing_plans");
    const UNIQUE: &'static [&'static str] = &["plan_name", "term_length"];
    type Fields = BillingPlanFields;
    type Status = ();

    fn search_text(fields: &BillingPlanFields) -> String {
        search_index::text([Some(&*fields.plan_name)])
    }

    fn derive(fields: &mut BillingPlanFields) {
        fields.plan_name = fields.plan_name.trim().to_owned();
        fields.term_length = term(&fields.term_length);
    }
}
