//! What holds where nobody configures anything else: the only place outside of the vendors' folders that chooses among
//! them.

use crate::records::resolve::Precedence;

/// The PSA.
pub const DEFAULT_PSA: &str = "freshservice";
/// The RMM.
pub const DEFAULT_RMM: &str = "datto";
/// Where the people who log in are kept.
pub const DEFAULT_USERS: &str = "keycloak";
/// Sources, the strongest first: the PSA before the RMM's parts, and those before the RMM's list of devices.
pub const DEFAULT_PRECEDENCE: [&str; 4] =
    [DEFAULT_PSA, "datto.audit", "datto.interfaces", DEFAULT_RMM];

/// [`DEFAULT_PRECEDENCE`] without policies for single fields.
pub fn default_precedence() -> Precedence {
    Precedence::new(DEFAULT_PRECEDENCE)
}
