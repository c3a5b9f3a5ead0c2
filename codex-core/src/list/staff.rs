//! What staff get of a record beside the keys of its answer: in lists by `fields=`, in exports always.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::records::{Audience, FieldDef};

/// A kind of record with fields for staff.
pub trait StaffFields {
    /// Its fields, in groups.
    const FIELDS: &'static [&'static [FieldDef]];
    /// Names of what is kept beside them and read on request alone.
    const BESIDE: &'static [&'static str] = &[];

    /// The fields that are read with the record, with their values.
    fn staff_fields(&self) -> Map<String, Value>;

    /// Names of all its fields for staff.
    fn staff_names() -> Vec<&'static str> {
        let fields = Self::FIELDS.iter().copied().flatten();
        let shown = fields.filter(|field| field.audience != Audience::Internal);
        let names = shown.map(|field| field.name);
        names.chain(Self::BESIDE.iter().copied()).collect()
    }

    /// Those of `values` that staff may see, by name.
    fn for_staff(values: &impl Serialize) -> Map<String, Value> {
        let mut members = match serde_json::to_value(values) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        for field in Self::FIELDS.iter().copied().flatten() {
            if field.audience == Audience::Internal {
                members.remove(field.name);
            }
        }
        members
    }
}

/// `Location, LocationFields` implements [`StaffFields`] for a kind of record of which nothing is kept beside its tracked
/// fields; `Company, CompanyFields, tags` for one that keeps its member `tags` beside them.
macro_rules! staff_fields {
    ($record:ty, $fields:ty) => {
        impl crate::list::StaffFields for $record {
            const FIELDS: &'static [&'static [crate::records::FieldDef]] = &[<$fields>::FIELDS];

            fn staff_fields(&self) -> serde_json::Map<String, serde_json::Value> {
                Self::for_staff(&self.fields)
            }
        }
    };
    ($record:ty, $fields:ty, $beside:ident) => {
        impl crate::list::StaffFields for $record {
            const FIELDS: &'static [&'static [crate::records::FieldDef]] = &[<$fields>::FIELDS];
            const BESIDE: &'static [&'static str] = &[stringify!($beside)];

            fn staff_fields(&self) -> serde_json::Map<String, serde_json::Value> {
                let mut fields = Self::for_staff(&self.fields);
                let beside = serde_json::json!(self.$beside);
                fields.insert(stringify!($beside).to_owned(), beside);
                fields
            }
        }
    };
}
pub(crate) use staff_fields;
