//! Helm keeps the users of Keycloak (contract 5.2): it is asked in the name of the administrator who sends a form.

use std::time::Duration;

use codex_core::address::segment;
use reqwest::{Client, Method, StatusCode, header::AUTHORIZATION, redirect::Policy};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::config::BaseUrl;

/// How long an administrator waits for Helm.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);
const USERS: &str = "api/keycloak/users";

/// The groups whose members have a role (contract 5.2).
pub(crate) const GROUPS: [&str; 3] = ["admins", "technicians", "billing"];

/// Why Helm has not done what was asked; a person reads it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelmError {
    /// Nobody answers.
    #[error(
        "Helm at {address} {why}. Nothing was changed. Start Helm, or set [helm] url (HELM_SERVICE_URL) to where \
         it is, then send the form again."
    )]
    Absent { address: String, why: &'static str },
    /// It refuses.
    #[error("Helm refused: {0}. Nothing was changed.")]
    Refused(String),
}

impl HelmError {
    /// The status of the page that shows it: neither is a failure of Codex.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Absent { .. } => StatusCode::FAILED_DEPENDENCY,
            Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

/// Helm, as one administrator calls it.
#[derive(Debug)]
pub(crate) struct Helm {
    http: Client,
    base: BaseUrl,
    authorization: SecretString,
}

impl Helm {
    /// The Helm at an address, called with a person's own `Authorization`.
    pub fn new(base: BaseUrl, authorization: &str) -> Result<Self, reqwest::Error> {
        Ok(Self {
            // Helm is a neighbour, and tokens are for nobody between.
            http: Client::builder()
                .no_proxy()
                .timeout(WAIT_TIMEOUT)
                .redirect(Policy::none())
                .build()?,
            base,
            authorization: authorization.into(),
        })
    }

    /// Creates a user.
    pub async fn create(&self, user: &Value) -> Result<(), HelmError> {
        self.call(Method::POST, USERS, Some(user)).await.map(drop)
    }

    /// Changes a user.
    pub async fn update(&self, id: &str, changes: &Value) -> Result<(), HelmError> {
        self.call(Method::PUT, &path(id, ""), Some(changes))
            .await
            .map(drop)
    }

    /// Deletes a user.
    pub async fn delete(&self, id: &str) -> Result<(), HelmError> {
        self.call(Method::DELETE, &path(id, ""), None)
            .await
            .map(drop)
    }

    /// Sets a password; a temporary one is changed at the next login.
    pub async fn reset_password(
        &self,
        id: &str,
        password: &str,
        temporary: bool,
    ) -> Result<(), HelmError> {
        let body = json!({"password": password, "temporary": temporary});
        self.call(Method::POST, &path(id, "/reset-password"), Some(&body))
            .await
            .map(drop)
    }

    /// The names of a user's groups.
    pub async fn groups(&self, id: &str) -> Result<Vec<String>, HelmError> {
        let answer = self.call(Method::GET, &path(id, "/groups"), None).await?;
        let groups = answer["groups"].as_array().into_iter().flatten();
        let names = groups.filter_map(|group| group["name"].as_str().or(group.as_str()));
        Ok(names.map(str::to_owned).collect())
    }

    /// Makes a user a member of just these groups.
    pub async fn set_groups(&self, id: &str, groups: &[String]) -> Result<(), HelmError> {
        let body = json!({"groups": groups});
        self.call(Method::PUT, &path(id, "/groups"), Some(&body))
            .await
            .map(drop)
    }

    /// One call, once: nobody knows what became of one that was cut.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, HelmError> {
        let url = self.base.at(path).url().clone();
        let mut call = self.http.request(method, url);
        call = call.header(AUTHORIZATION, self.authorization.expose_secret());
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await.map_err(|error| self.absent(&error))?;
        let status = answer.status();
        let body: Value = answer.json().await.unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let said = body["error"].as_str().or(body["detail"].as_str());
        Err(HelmError::Refused(match (status, said) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                "it does not take you for an administrator; sign in again".to_owned()
            }
            (_, Some(said)) => format!("{said} ({})", status.as_u16()),
            (_, None) => format!("it answered {}", status.as_u16()),
        }))
    }

    fn absent(&self, error: &reqwest::Error) -> HelmError {
        HelmError::Absent {
            address: self.base.to_string(),
            why: if error.is_timeout() {
                "did not answer within 10 s"
            } else {
                "cannot be reached"
            },
        }
    }
}

fn path(id: &str, part: &str) -> String {
    format!("{USERS}/{}{part}", segment(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_their_place_in_the_path() {
        assert_eq!(
            path("a/../b?c", "/groups"),
            "api/keycloak/users/a%2F..%2Fb%3Fc/groups"
        );
    }
}
