//! How the simulated server behaves: the switches of vendors 3 and 6.

use std::time::Duration;

use crate::sim::clock::SimClock;

/// The realm that holds the users unless the simulator is given another.
pub const REALM: &str = "hivematrix";
/// The realm of the server's own administrators.
pub const MASTER: &str = "master";
/// The administrator in [`MASTER`].
pub const ADMIN_USER: &str = "admin";
/// The administrator's password.
pub const ADMIN_PASSWORD: &str = "sim-keycloak-password";
/// A confidential client of the realm with a service account.
pub const CLIENT_ID: &str = "codex";
/// The client's secret.
pub const CLIENT_SECRET: &str = "sim-keycloak-secret";

/// How the simulated server behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// What everything hangs under: empty, or `/auth` as before version 17 (trap 67).
    pub prefix: &'static str,
    /// The realm that holds the users; [`MASTER`] is there beside it, without users.
    pub realm: &'static str,
    /// The password that is accepted for [`ADMIN_USER`].
    pub admin_password: &'static str,
    /// The secret that is accepted for [`CLIENT_ID`].
    pub client_secret: &'static str,
    /// Whether [`CLIENT_ID`] has a service account; a client for logins alone has none.
    pub service_account: bool,
    /// What [`CLIENT_ID`] may read of its realm.
    pub client_access: Access,
    /// What [`ADMIN_USER`] may read.
    pub admin_access: Access,
    /// The administrator is locked after too many wrong passwords: the status of the refusal, 401 or, since
    /// 26.6.1, 400.
    pub admin_locked: Option<u16>,
    /// The administrator must change the password first, or configure OTP.
    pub admin_required_action: bool,
    /// How long a token of [`MASTER`] is good for.
    pub master_token_lifetime: Duration,
    /// How long a token of another realm is good for.
    pub token_lifetime: Duration,
    /// Lists show service accounts, which they leave out in fact.
    pub lists_service_accounts: bool,
    /// The size of a page unless one is asked for.
    pub page_default: usize,
    /// The clock of tokens.
    pub clock: SimClock,
    /// Added to every answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: "",
            realm: REALM,
            admin_password: ADMIN_PASSWORD,
            client_secret: CLIENT_SECRET,
            service_account: true,
            client_access: Access::View,
            admin_access: Access::View,
            admin_locked: None,
            admin_required_action: false,
            master_token_lifetime: Duration::from_secs(60),
            token_lifetime: Duration::from_secs(300),
            lists_service_accounts: false,
            page_default: 100,
            clock: SimClock::running(),
            latency: Duration::ZERO,
        }
    }
}

/// What an account may read of users (trap 66).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `view-users`: everything.
    View,
    /// `query-users` alone: lists are empty, single users refused.
    Query,
    /// Neither: 403.
    None,
}
