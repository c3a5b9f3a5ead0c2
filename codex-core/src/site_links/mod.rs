//! Site links: which RMM site belongs to which company.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;

use crate::ids::{CompanyId, SiteLinkId};

record! {
    // Contract 2.4 `rmm_site_links`.
    /// What is tracked about an RMM site.
    pub struct SiteLinkFields in "site_links" {
        /// The RMM.
        provider: String = field(),
        /// The site's uid at the RMM: its identity; the name is a label.
        site_uid: String = field().indexed(),
        /// The site's name.
        site_name: Option<String> = field(),
        /// Value of the site variable `AccountNumber`, trimmed; `None` when unknown or masked.
        account_number: Option<String> = field().indexed(),
        // vendors 2.7.
        /// Whether it is one of the RMM's own sites (Managed, OnDemand, Deleted Devices) and not a client's.
        system_site: Option<bool> = field(),
        /// Whether its devices report only now and then, so that offline is normal.
        on_demand: Option<bool> = field(),
        /// Link to the site in the RMM's portal.
        portal_url: Option<String> = field(),
        /// The company: the manual value, or else the company with this `account_number`.
        company_id: Option<CompanyId> = field().internal(),
    }
    derived {
    }
}

row! {
    /// A site of an RMM and the company it stands for.
    pub struct SiteLink(SiteLinkId, SiteLinkFields) {}
}
