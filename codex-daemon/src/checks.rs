//! Whether the systems around Codex answer: for `codexd doctor` and for the admin pages.

mod clock;

use std::{fmt, time::Duration};

use codex_core::{
    Codex, Error, Scope,
    sync::{UpstreamError, ports::Probe},
};
use reqwest::{Client, StatusCode, redirect::Policy};
use serde::Serialize;
use url::Url;

pub(crate) use clock::clock;

use crate::{
    config::{BaseUrl, Config},
    vendors,
};

/// How long to wait for Core.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Ok,
    Warning,
    Error,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub check: &'static str,
    pub status: Status,
    /// What is so.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Ok,
            message: message.into(),
            action: None,
        }
    }

    /// Something is not as it should be.
    pub fn bad(
        status: Status,
        check: &'static str,
        message: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            check,
            status,
            message: message.into(),
            action: Some(action.into()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<14} {}", self.status, self.check, self.message)?;
        match &self.action {
            Some(action) => write!(f, "\n{:>24}{action}", ""),
            None => Ok(()),
        }
    }
}

/// A system around Codex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbour {
    Freshservice,
    Datto,
    Keycloak,
    Core,
}

impl Neighbour {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Freshservice, Self::Datto, Self::Keycloak, Self::Core];

    /// Its section of the settings, and its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freshservice => "freshservice",
            Self::Datto => "datto",
            Self::Keycloak => "keycloak",
            Self::Core => "core",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Freshservice => "Freshservice",
            Self::Datto => "Datto RMM",
            Self::Keycloak => "Keycloak",
            Self::Core => "HiveMatrix Core",
        }
    }

    /// The one with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether the settings give access to it.
    pub fn is_configured(self, config: &Config) -> bool {
        match self {
            Self::Freshservice => config.freshservice.is_some(),
            Self::Datto => config.datto.is_some(),
            Self::Keycloak => config.keycloak.is_some(),
            Self::Core => true,
        }
    }

    /// Where it is, when it is configured.
    fn base_url(self, config: &Config) -> Option<Url> {
        let base: &BaseUrl = match self {
            Self::Freshservice => &config.freshservice.as_ref()?.base_url,
            Self::Datto => &config.datto.as_ref()?.api_endpoint,
            Self::Keycloak => &config.keycloak.as_ref()?.base_url,
            Self::Core => &config.auth.core_url,
        };
        Some(base.url().clone())
    }

    /// What must be set for that.
    fn needs(self) -> &'static str {
        match self {
            Self::Freshservice => "[freshservice] domain and api_key",
            Self::Datto => "[datto] api_endpoint, public_key and secret_key",
            Self::Keycloak => {
                "[keycloak] server_url, realm, and client_id with client_secret or admin_user with \
                 admin_password"
            }
            Self::Core => "[core] url",
        }
    }

    /// The settings that say where it is.
    fn address(self) -> &'static str {
        match self {
            Self::Freshservice => "[freshservice] domain, such as acme.freshservice.com",
            Self::Datto => "[datto] api_endpoint, the API URL of your platform",
            Self::Keycloak => {
                "[keycloak] server_url or backend_url (with /auth before version 17) and realm"
            }
            Self::Core => "[core] url",
        }
    }

    /// The settings that prove who we are.
    fn keys(self) -> &'static str {
        match self {
            Self::Freshservice => "[freshservice] api_key; it is shown in the profile of an agent",
            Self::Datto => "[datto] public_key and secret_key, the API key and API secret key",
            Self::Keycloak => {
                "[keycloak] client_id and client_secret, or admin_user and admin_password"
            }
            Self::Core => "[core] url",
        }
    }

    /// Makes one cheap call.
    pub async fn check(self, codex: &Codex, scope: &Scope, config: &Config) -> Finding {
        let probe = match self {
            Self::Freshservice => vendors::freshservice_probe(config),
            Self::Datto => vendors::datto_probe(config),
            Self::Keycloak => vendors::keycloak_probe(config),
            Self::Core => return core(config).await,
        };
        match probe {
            Some(probe) => self.ask(codex, scope, &*probe).await,
            None => Finding::bad(
                Status::Warning,
                self.name(),
                format!("{} is not configured", self.title()),
                format!("set {}", self.needs()),
            ),
        }
    }

    async fn ask(self, codex: &Codex, scope: &Scope, probe: &dyn Probe) -> Finding {
        let (name, title) = (self.name(), self.title());
        let bad =
            |message: String, action: String| Finding::bad(Status::Error, name, message, action);
        match codex.probe(scope, probe).await {
            Ok(Some(())) => Finding::ok(name, format!("{title} answers and accepts the key")),
            Ok(None) => bad(
                format!("{title} did not answer within 10 s"),
                format!(
                    "check {}, and whether a firewall is between",
                    self.address()
                ),
            ),
            Err(Error::Upstream(error)) => bad(error.to_string(), self.remedy(&error)),
            Err(error) => bad(error.chain(), "see the log".to_owned()),
        }
    }

    /// What to do about what a vendor says.
    fn remedy(self, error: &UpstreamError) -> String {
        match error {
            UpstreamError::Unauthorized { .. } => format!("check {}", self.keys()),
            UpstreamError::Forbidden { .. } => {
                format!("give the key the right to read; it is {}", self.keys())
            }
            UpstreamError::RateLimited { .. } | UpstreamError::Blocked { .. } => {
                "the key is accepted; wait until the vendor's limit is over".to_owned()
            }
            UpstreamError::Status { code: 500.., .. } | UpstreamError::TooSlow { .. } => {
                "the vendor has trouble; try again later".to_owned()
            }
            UpstreamError::RateLimitBlock { .. } => "check the database".to_owned(),
            _ => format!("check {}", self.address()),
        }
    }
}

/// Whether Core gives the keys by which tokens are verified.
async fn core(config: &Config) -> Finding {
    let core = Neighbour::Core;
    let bad = |message: String| {
        let action = format!("start Core, or check {} (CORE_SERVICE_URL)", core.address());
        Finding::bad(Status::Error, core.name(), message, action)
    };
    let url = config.auth.core_url.at(".well-known/jwks.json");
    // Core is a neighbour: nobody is between.
    let client = Client::builder().no_proxy().timeout(WAIT_TIMEOUT);
    let client = match client.redirect(Policy::none()).build() {
        Ok(client) => client,
        Err(error) => return bad(format!("no HTTP client can be made: {error}")),
    };
    match client.get(url.url().clone()).send().await {
        Ok(answer) if answer.status() == StatusCode::OK => {
            let keys = answer.json::<serde_json::Value>().await.ok();
            if keys.is_some_and(|keys| keys["keys"].is_array()) {
                Finding::ok(
                    core.name(),
                    format!("Core at {} answers", config.auth.core_url),
                )
            } else {
                bad(format!("{url} answers without keys: it is not Core"))
            }
        }
        Ok(answer) => bad(format!("{url} answers {}", answer.status())),
        Err(error) if error.is_timeout() => bad(format!("{url} did not answer within 5 s")),
        Err(_) => bad(format!("{url} cannot be reached")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_is_followed_by_its_remedy() {
        let fine = Finding::ok("schema", "is up to date");
        assert_eq!(fine.to_string(), "ok       schema         is up to date");
        let bad = Finding::bad(Status::Warning, "accounts", "2 of 3", "run it");
        assert_eq!(
            bad.to_string(),
            format!("warning  accounts       2 of 3\n{}run it", " ".repeat(24))
        );
    }

    #[test]
    fn names_of_neighbours_are_read_back() {
        for one in Neighbour::ALL {
            assert_eq!(Neighbour::of_name(one.name()), Some(one));
        }
        assert_eq!(Neighbour::of_name("superops"), None);
    }

    #[test]
    fn refused_keys_are_told_from_wrong_addresses() {
        let (source_name, resource) = ("freshservice", String::new());
        let refused = UpstreamError::Unauthorized {
            source_name,
            resource: resource.clone(),
        };
        let absent = UpstreamError::NotFound {
            source_name,
            resource,
        };
        let remedy = |error: &UpstreamError| Neighbour::Freshservice.remedy(error);
        assert!(remedy(&refused).contains("api_key"));
        assert!(remedy(&absent).contains("domain"));
    }
}
