//! Ways to log in.

use secrecy::{ExposeSecret as _, SecretString};

use super::Settings;

/// A way to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// A confidential client of the realm with a service account: no person's password, least privilege.
    Client {
        /// Its id.
        id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// An administrator of the server.
    Password {
        /// The administrator's realm, usually `master`.
        realm: String,
        /// Login name.
        user: String,
        /// Password.
        password: SecretString,
    },
}

impl Login {
    /// The realm whose token endpoint is asked.
    pub(super) fn realm<'s>(&'s self, settings: &'s Settings) -> &'s str {
        match self {
            Self::Client { .. } => &settings.realm,
            Self::Password { realm, .. } => realm,
        }
    }

    /// The form that asks for a token.
    pub(super) fn form(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Client { id, secret } => vec![
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret.expose_secret()),
            ],
            Self::Password { user, password, .. } => vec![
                ("grant_type", "password"),
                ("client_id", "admin-cli"),
                ("username", user),
                ("password", password.expose_secret()),
            ],
        }
    }

    /// What a refusal may mean, for the error; nothing secret.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Client { id, .. } => {
                format!("client `{id}`: its secret is wrong or it has no service account")
            }
            Self::Password { user, .. } => format!(
                "user `{user}`: the password is wrong, must be changed first, or is locked after too many tries"
            ),
        }
    }
}
