//! Saved views: the query of a list under a name, for one person, for all staff, or as what a role sees first.
//!
//! Clients have no views.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use std::str::FromStr;

use crate::{fold::SearchKey, ids::ViewId, list::ListedResource};

record! {
    /// What is tracked about a view.
    pub struct ViewFields in "saved_views" {
        /// Name of 1 to 60 characters; a new view needs one.
        require name: String = field().indexed().folded("saved_views.name_fold").always(),
        /// The list: `assets`, `companies`, `contacts` or `tickets`. It stays what it is.
        require resource: String = field().listed().always(),
        /// Query of the list, as in the address of its page: filters, search, order and columns. Empty for the whole
        /// list.
        edit query: String = field(),
        /// Who sees it: `personal` (its owner), `shared` (all staff) or `role_default` (all staff, and `role` first of
        /// all). Personal unless it is stated.
        edit audience: String = field().listed().always(),
        /// The role whose default it is: `admin`, `billing` or `technician`. Null unless it is the default of a role.
        edit role: Option<String> = field().listed(),
        /// Who has created it.
        owner: String = field().listed().always(),
    }
    derived {
        /// Folded name, for order.
        name_fold: SearchKey,
        /// List and role of the default of a role.
        default_key: Option<String>,
    }
    /// The body for a view. Absent keys stay as they are.
    body ViewIn {
    }
}

row! {
    /// A query of a list under a name.
    pub struct View(ViewId, ViewFields) {}
}

words! {
    /// Who sees a view.
    #[derive(Default)]
    pub enum ViewAudience {
        /// Its owner.
        #[default]
        Personal = "personal",
        /// All staff; technicians and administrators change it.
        Shared = "shared",
        /// All staff, and those of one role first of all; administrators change it.
        RoleDefault = "role_default",
    }
}

impl FromStr for ViewAudience {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|one| one.name() == text);
        known.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("must be one of {all}")
        })
    }
}

/// The roles that a view can be the default of.
pub const DEFAULT_ROLES: [&str; 3] = ["admin", "billing", "technician"];

impl ViewFields {
    /// Who sees it.
    pub fn audience(&self) -> ViewAudience {
        self.audience.parse().unwrap_or_default()
    }

    /// The list; `None` for one that is no more.
    pub fn list(&self) -> Option<ListedResource> {
        self.resource.parse().ok()
    }
}
