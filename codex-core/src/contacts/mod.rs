//! Contacts: the people of the client companies.

#[cfg(feature = "store")]
pub(crate) mod companies;
#[cfg(feature = "store")]
pub(crate) mod dependents;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use crate::{
    fold::{IdentityKey, SearchKey},
    ids::ContactId,
    json_columns::List,
};

record! {
    // Contract 2.3.
    /// What is tracked about a contact.
    pub struct ContactFields in "contacts" {
        /// Full name, never empty. If absent, it is made of the given and the family name. A new contact needs one of
        /// the three, or an e-mail address.
        require name: String = field().everyone().indexed().folded("contacts.name_fold").always(),
        /// Given name.
        edit first_name: Option<String> = field(),
        /// Family name.
        edit last_name: Option<String> = field(),
        /// Primary e-mail address; several contacts may share one.
        #[schema(format = "email")]
        edit email: Option<String> = field().everyone().indexed().folded("contacts.email_fold"),
        /// Further e-mail addresses; a JSON array inside a string and comma-separated addresses are accepted too.
        edit secondary_emails: List<String> = field().everyone(),
        /// Whether the person is active; a deactivated requester stays listed.
        edit active: Option<bool> = field().everyone().faceted(),
        /// The PSA's requester id.
        external_id: Option<i64> = field().listed(),
        /// The PSA that `external_id` belongs to.
        external_source: Option<String> = field(),
        /// The PSA's own free-form external id of the person.
        psa_external_id: Option<String> = field(),
        /// Whether the person is also an agent.
        edit is_agent: Option<bool> = field().listed(),
        /// Very important person.
        edit vip_user: Option<bool> = field().listed(),
        /// Whether the person ever logged in to the PSA's portal.
        has_logged_in: Option<bool> = field(),
        /// Mobile number.
        edit mobile_phone_number: Option<String> = field().everyone().listed(),
        /// Work number.
        edit work_phone_number: Option<String> = field().everyone().listed(),
        /// Postal address.
        edit address: Option<String> = field(),
        /// Position; `title` is accepted too.
        edit job_title: Option<String> = field().everyone().listed_as("title"),
        /// `Full Time` and the like; local only.
        edit employment_type: Option<String> = field().everyone().faceted(),
        /// Department ids at the PSA, as last stated.
        department_ids: List<i64> = field(),
        /// Department names at the PSA.
        department_names: List<String> = field(),
        /// PSA user id of the manager.
        reporting_manager_id: Option<i64> = field(),
        /// PSA location id.
        location_id: Option<i64> = field(),
        /// PSA location name.
        edit location_name: Option<String> = field().listed(),
        /// PSA work schedule.
        work_schedule_id: Option<i64> = field(),
        /// Language code.
        edit language: Option<String> = field(),
        /// Time zone by its Rails name.
        edit time_zone: Option<String> = field(),
        /// `12h` or `24h`.
        edit time_format: Option<String> = field(),
        /// May see all tickets of own departments in the portal.
        can_see_all_tickets_from_associated_departments: Option<bool> = field(),
        /// May see all changes of own departments in the portal.
        can_see_all_changes_from_associated_departments: Option<bool> = field(),
        /// Free text.
        edit background_information: Option<String> = field(),
        /// The MSP's own number for the user.
        edit user_number: Option<String> = field(),
    }
    derived {
        /// Folded name, for search and order.
        name_fold: SearchKey,
        /// Folded primary e-mail address, for search and order.
        email_fold: Option<SearchKey>,
        /// Identity key of the primary e-mail address.
        email_key: Option<IdentityKey>,
    }
    /// The body for a contact. Absent keys stay as they are; null and empty text blank the field.
    body ContactIn {
        /// Position, under the key that answers use.
        title: String,
        /// The companies that the person is at. The list replaces the earlier one.
        company_account_numbers: Vec<String>,
        /// The assets that the person uses. The list replaces the earlier one.
        asset_ids: Vec<i64>,
    }
}

row! {
    /// A person at one or several companies.
    pub struct Contact(ContactId, ContactFields) {
        /// Names of its tags, by name; read on request, for staff.
        #[cfg_attr(feature = "store", sqlx(skip))]
        pub tags: Vec<String>,
    }
}

/// What answers show of a person: few of many columns, for those who read thousands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "store", derive(sqlx::FromRow))]
pub(crate) struct ShownContact {
    pub id: ContactId,
    pub active: Option<bool>,
    pub email: Option<String>,
    pub employment_type: Option<String>,
    pub job_title: Option<String>,
    pub mobile_phone_number: Option<String>,
    pub name: String,
    pub secondary_emails: List<String>,
    pub work_phone_number: Option<String>,
}
