//! Tags: words with a colour that staff put on companies, contacts and assets, to list or change them together.
//!
//! Clients see no tags.

#[cfg(feature = "store")]
pub(crate) mod links;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

pub use crate::kinds::TaggedKind;
use crate::{
    fold::{IdentityKey, SearchKey},
    ids::TagId,
};

/// The field of a record that holds the names of its tags: in `fields=`, exports and the change log.
pub const FIELD: &str = "tags";

record! {
    /// What is tracked about a tag.
    pub struct TagFields in "tags" {
        /// Name of 1 to 60 characters; a new tag needs one. No two live tags have the same name, in any case.
        require name: String = field().indexed().folded("tags.name_fold").always(),
        /// Colour as `#rrggbb` in lower case.
        edit colour: Option<String> = field().listed(),
    }
    derived {
        /// Folded name, for order.
        name_fold: SearchKey,
        /// Identity key of the name.
        name_key: IdentityKey,
    }
    /// The body for a tag. Absent keys stay as they are; null blanks the field.
    body TagIn {
    }
}

row! {
    /// A word that staff put on records.
    pub struct Tag(TagId, TagFields) {}
}

/// How many live records of each kind have a tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TagUses {
    /// Assets.
    pub assets: i64,
    /// Companies.
    pub companies: i64,
    /// Contacts.
    pub contacts: i64,
}
