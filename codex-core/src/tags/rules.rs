//! Rules of tags: names are unique, which the schema ensures; and what a kind of record needs to have tags.

use super::{Tag, TagFields};
use crate::{
    Access, RecordKind,
    assets::Asset,
    companies::Company,
    contacts::Contact,
    fold::{IdentityKey, SearchKey},
    list::ByCompany,
    records::{Resource, reserve_ids},
    store::{Record, Sql},
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
pub(crate) trait Tagged: Resource + Record {
    /// Its list.
    const LIST: ByCompany;

    /// Row id.
    fn record_id(&self) -> i64;

    /// Row id, and the key in the list's own order.
    fn list_place(&self) -> (i64, String);

    /// Sets the names of its tags.
    fn set_tags(&mut self, names: Vec<String>);
}

/// `tagged! { Asset, of assets by hostname_fold; }` implements [`Tagged`] for a kind of record with the fields `id` and
/// `tags`; its module has the list, which is in the order of the field at the end.
macro_rules! tagged {
    ($($record:ty, of $module:ident by $order:ident;)+) => {$(
        impl Tagged for $record {
            const LIST: ByCompany = crate::$module::query::LIST;

            fn list_place(&self) -> (i64, String) {
                (self.id.0, self.fields.$order.to_string())
            }

            fn record_id(&self) -> i64 {
                self.id.0
            }

            fn set_tags(&mut self, names: Vec<String>) {
                self.tags = names;
            }
        }
    )+};
}
tagged! {
    Asset, of assets by hostname_fold;
    Company, of companies by name_fold;
    Contact, of contacts by name_fold;
}
