//! The list engine: filters, sort keys and pages, the same way for every kind of record.
//!
//! A page goes on behind the last record of the one before (its sort key and id), on any column, in either
//! direction. What is not known comes last, whichever way the rest is sorted.

#[cfg(feature = "store")]
mod by_company;
mod column_type;
#[cfg(feature = "store")]
mod condition;
#[cfg(feature = "store")]
mod facet_query;
mod facets;
mod request;
mod resource;
#[cfg(feature = "sync")]
mod service;
#[cfg(feature = "store")]
mod sql;
#[cfg(feature = "store")]
mod staff;
#[cfg(feature = "store")]
mod table;
#[cfg(feature = "store")]
pub(crate) mod term;
#[cfg(feature = "store")]
mod uncased;

#[cfg(feature = "store")]
pub(crate) use by_company::ByCompany;
pub use column_type::ColumnType;
#[cfg(feature = "store")]
pub(crate) use facet_query::{FacetCache, FacetKey};
pub use facets::{FacetOut, FacetValue};
pub use request::*;
pub use resource::ListedResource;
#[cfg(feature = "store")]
pub use sql::{Column, Listing, Several};
#[cfg(feature = "store")]
pub(crate) use sql::{always, column};
#[cfg(feature = "store")]
pub use staff::StaffFields;
#[cfg(feature = "store")]
pub(crate) use staff::staff_fields;
#[cfg(feature = "store")]
pub(crate) use table::Table;
#[cfg(feature = "store")]
pub use table::{TablePage, TableRows};
#[cfg(feature = "store")]
pub use term::Term;
