//! Access to vendors, and to where people log in.

use secrecy::SecretString;

use super::{BaseUrl, ConfigError, Layers, read::is_sample};

/// Access to Freshservice.
#[derive(Debug, Clone)]
pub struct Freshservice {
    /// Base of API paths, such as `https://example.freshservice.com/api/v2/`.
    pub base_url: BaseUrl,
    /// API key.
    pub api_key: SecretString,
    /// Where its pages are, such as `https://example.freshservice.com`.
    pub site: String,
    /// How many days the first sync of tickets goes back.
    pub first_ticket_days: u32,
    /// Whether tickets of all workspaces are read.
    pub all_workspaces: bool,
}

/// Access to Datto RMM.
#[derive(Debug, Clone)]
pub struct Datto {
    /// URL of the account's platform.
    pub api_endpoint: BaseUrl,
    /// API key.
    pub public_key: SecretString,
    /// API secret key.
    pub secret_key: SecretString,
    /// Numbers of user-defined fields that hold secrets.
    pub secret_udfs: Vec<u16>,
    /// Whether Managed and OnDemand may belong to a customer.
    pub map_pseudo_sites: bool,
    /// Most calls in any 60 seconds.
    pub calls_per_minute: u32,
}

/// Where the people who log in are known.
#[derive(Debug, Clone)]
pub struct Keycloak {
    /// Address of the server.
    pub base_url: BaseUrl,
    /// Realm of the users.
    pub realm: String,
    /// Id and secret of a client with a service account.
    pub client: Option<(String, SecretString)>,
    /// Realm, name and password of an administrator.
    pub admin: Option<(String, String, SecretString)>,
    /// Whether certificates are checked.
    pub verify_tls: bool,
}

impl Freshservice {
    /// `None` until there are a domain and an API key.
    pub(super) fn load(layers: &Layers) -> Result<Option<Self>, ConfigError> {
        let section = layers.section("freshservice");
        let domain = section.get("domain").filter(|text| !is_sample(text));
        let (Some(_), Some(api_key)) = (domain, section.secret("api_key")) else {
            return Ok(None);
        };
        let host = section.host("domain")?;
        let site = match section.get("web_domain") {
            Some(_) => section.host("web_domain")?,
            None => host.clone(),
        };
        Ok(Some(Self {
            base_url: host.at("api/v2/"),
            api_key,
            site: site.origin(),
            all_workspaces: section.boolean("all_workspaces")?,
            first_ticket_days: section.number("first_ticket_days")?,
        }))
    }
}

impl Datto {
    /// `None` until there are both keys; the rest must be right even so.
    pub(super) fn load(layers: &Layers) -> Result<Option<Self>, ConfigError> {
        let section = layers.section("datto");
        let api_endpoint = section.url("api_endpoint")?;
        let secret_udfs = section.numbers("secret_udfs")?;
        let map_pseudo_sites = section.boolean("map_pseudo_sites")?;
        let calls_per_minute = section.number("calls_per_minute")?;
        let keys = (section.secret("public_key"), section.secret("secret_key"));
        let (Some(public_key), Some(secret_key)) = keys else {
            return Ok(None);
        };
        Ok(Some(Self {
            api_endpoint,
            public_key,
            secret_key,
            secret_udfs,
            map_pseudo_sites,
            calls_per_minute,
        }))
    }
}

impl Keycloak {
    /// `None` until there is an address.
    pub(super) fn load(layers: &Layers) -> Result<Option<Self>, ConfigError> {
        let section = layers.section("keycloak");
        let is_set = |key: &&str| section.get(key).is_some();
        let Some(address) = ["backend_url", "server_url"].into_iter().find(is_set) else {
            return Ok(None);
        };
        let id = section.get("client_id").map(str::to_owned);
        let user = section.get("admin_user").map(str::to_owned);
        let admin = user.zip(section.secret("admin_password"));
        Ok(Some(Self {
            base_url: section.url(address)?,
            realm: section.text("realm"),
            client: id.zip(section.secret("client_secret")),
            admin: admin.map(|(user, password)| (section.text("admin_realm"), user, password)),
            verify_tls: section.boolean("verify_ssl")?,
        }))
    }
}
