//! The list engine: filters, sort keys and pages, the same way for every kind of record.
//!
//! A page goes on behind the last record of the one before (its sort key and id), on any column, in either
//! direction. What is not known comes last, whichever way the rest is sorted.

#[cfg(feature = "store")]
mod condition;
mod request;
#[cfg(feature = "store")]
mod sql;
#[cfg(feature = "store")]
mod staff;
#[cfg(feature = "store")]
pub(crate) mod term;
#[cfg(feature = "store")]
mod uncased;

pub use request::*;
#[cfg(feature = "store")]
pub use sql::{Column, ColumnType, Listing, Several};
#[cfg(feature = "store")]
pub(crate) use sql::{always, column, staff};
#[cfg(feature = "store")]
pub use staff::{COMPANY_ROW_ID, StaffFields};
#[cfg(feature = "store")]
pub use term::Term;
