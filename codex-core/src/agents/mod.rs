//! Agents: the people who log in, as Keycloak knows them, and what they prefer.
//!
//! Identity comes from Keycloak alone. Settings are set by the agent or an administrator, so no sync changes them. A
//! user that was removed in Keycloak stays as a disabled agent.

#[cfg(feature = "store")]
pub(crate) mod companies;
#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use crate::{
    fold::{IdentityKey, SearchKey},
    ids::AgentId,
};

/// What messages call the system that keeps the people who log in; the contract names their ids after it.
#[cfg(feature = "store")]
pub(crate) const DIRECTORY: &str = "Keycloak";

record! {
    // Contract 2.8.
    /// What is tracked about an agent.
    pub struct AgentFields in "agents" {
        /// Keycloak's user id: a new agent needs it, and it never changes.
        require keycloak_id: String = field().indexed().listed().always(),
        /// Login name; a new agent needs one.
        require username: String = field().indexed().folded("agents.username_fold").always(),
        /// E-mail address; several agents may share one.
        edit email: Option<String> = field().indexed().folded("agents.email_fold"),
        /// Given name.
        edit first_name: Option<String> = field().listed(),
        /// Family name.
        edit last_name: Option<String> = field().listed(),
        /// Whether the user may log in.
        enabled: Option<bool> = field(),
        /// `light` or `dark`; null means light.
        edit theme_preference: Option<String> = field(),
        /// `purple`, `blue`, `green`, `orange`, `gold`, `red`, `yellow`, `matrix` or `bee`; null means purple.
        edit preferred_color_theme: Option<String> = field(),
        /// `grid`, `tree`, `hierarchy` or `list`; null means grid.
        edit knowledgetree_view_preference: Option<String> = field(),
        /// `beacon`, `knowledgetree`, `brainhair`, `codex`, `ledger`, `archive` or `helm`; null means beacon.
        edit home_page_preference: Option<String> = field(),
    }
    derived {
        /// Folded login name, for order.
        username_fold: SearchKey,
        /// Identity key of the login name.
        username_key: Option<IdentityKey>,
        /// Folded e-mail address, for search and order.
        email_fold: Option<SearchKey>,
        /// Identity key of the e-mail address.
        email_key: Option<IdentityKey>,
    }
    /// The body for an agent. Absent keys stay as they are; null blanks the field.
    body AgentIn {
    }
}

/// Themes, the default first (contract 1.2.G).
pub const THEMES: [&str; 2] = ["light", "dark"];
/// Colour themes, the default first (contract 1.2.G).
pub const COLOR_THEMES: [&str; 9] = [
    "purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee",
];
/// KnowledgeTree's views, the default first; its pages say `list` (contract 1.2.G).
pub const VIEWS: [&str; 4] = ["grid", "tree", "hierarchy", "list"];
/// Pages to begin with, the default first (contract 1.2.G).
pub const HOME_PAGES: [&str; 7] = [
    "beacon",
    "knowledgetree",
    "brainhair",
    "codex",
    "ledger",
    "archive",
    "helm",
];

row! {
    /// Somebody who logs in.
    pub struct Agent(AgentId, AgentFields) {}
}
