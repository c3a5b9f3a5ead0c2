//! Locations: the postal addresses of the client companies.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use crate::ids::{CompanyId, LocationId};

record! {
    // Contract 2.4.
    /// What is tracked about a location.
    pub struct LocationFields in "locations" {
        /// Name, such as `Main Office`; a new location needs one.
        require name: String = field().everyone().listed().always(),
        /// Postal address, one text.
        edit address: Option<String> = field().everyone().listed(),
        /// Telephone number.
        edit phone_number: Option<String> = field().everyone().listed(),
        /// Id at the source of the company that the location belongs to.
        company_external_id: Option<String> = field(),
        /// The source that manages the location; `None` when a person added it.
        external_source: Option<String> = field(),
        /// The company: the manual value, or else the company with the id `company_external_id`.
        company_id: Option<CompanyId> = field().internal(),
    }
    derived {
    }
    /// The body for a location. Absent keys stay as they are; null blanks the field.
    body LocationIn {
    }
}

row! {
    /// An address of a company.
    pub struct Location(LocationId, LocationFields) {}
}
