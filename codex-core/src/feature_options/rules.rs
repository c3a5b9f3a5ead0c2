//! What holds for options: a value is there once in its category, which the schema keeps.

use super::{FeatureOption, FeatureOptionFields};
use crate::{
    Access, RecordKind,
    records::{Resource, reserve_ids},
    store::Sql,
};

impl Resource for FeatureOption {
    const RECORD_KIND: RecordKind = RecordKind::FeatureOption;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Billing;
    const RESERVE: Sql = reserve_ids!("feature_options");
    const UNIQUE: &'static [&'static str] = &["feature_category", "option_value"];
    type Fields = FeatureOptionFields;
    type Status = ();
}
