//! Rules of tags: names are unique, which the schema ensures; and what a kind of record needs to have tags.

use super::{Tag, TagFields};
use crate::{
    Access, RecordKind,
    assets::Asset,
    companies::Company,
    contacts::Contact,
    fold::{IdentityKey, SearchKey},
    records::{Resource, reserve_ids},
    store::Sql,
};

impl Resource for Tag {
    const RECORD_KIND: RecordKind = RecordKind::Tag;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const RESERVE: Sql = reserve_ids!("tags");
    const READ_BY: Access = Access::Staff;
    const WRITTEN_BY: Access = Access::Technicians;
    const UNIQUE: &'static [&'static str] = &["name_key"];
    type Fields = TagFields;
    type Status = ();

    fn keys(fields: &mut TagFields) {
        fields.name_fold = SearchKey::new(&fields.name);
        fields.name_key = IdentityKey::new(&fields.name);
    }
}

/// A kind of record that tags are put on: one of [`super::TaggedKind`].
pub(crate) trait Tagged: Resource {
    /// Row id.
    fn record_id(&self) -> i64;

    /// Sets the names of its tags.
    fn set_tags(&mut self, names: Vec<String>);
}

/// `tagged! { Asset, Company }` implements [`Tagged`] for kinds of record with the fields `id` and `tags`.
macro_rules! tagged {
    ($($record:ty),+) => {$(
        impl Tagged for $record {
            fn record_id(&self) -> i64 {
                self.id.0
            }

            fn set_tags(&mut self, names: Vec<String>) {
                self.tags = names;
            }
        }
    )+};
}
tagged! { Asset, Company, Contact }
