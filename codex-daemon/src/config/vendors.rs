//! Access to vendors, and to where people log in.

use secrecy::SecretString;

use super::{BaseUrl, ConfigError, Layers, text};

/// Access to Freshservice.
#[derive(Debug, Clone)]
pub struct Freshservice {
    /// Base of API paths, such as `https://example.freshservice.com/api/v2/`.
    pub base_url: BaseUrl,
    /// API key.
    pub api_key: SecretString,
    /// Where its pages are, such as `https://example.freshservice.com`.
    pub site: String,
    /// How many days the first pull of tickets goes back.
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

/// Samples of the README that people may have left as they were.
fn is_sample(text: &str) -> bool {
    text.starts_with("YOUR_") || text.starts_with("your-domain")
}

/// A secret that is set to something real.
pub(super) fn secret(layers: &Layers, section: &str, key: &str) -> Option<SecretString> {
    let text = layers.text(section, key)?;
    (!is_sample(text)).then(|| text.into())
}

pub(super) fn freshservice(layers: &Layers) -> Result<Option<Freshservice>, ConfigError> {
    let (Some(_), Some(api_key)) = (
        layers
            .text("freshservice", "domain")
            .filter(|text| !is_sample(text)),
        secret(layers, "freshservice", "api_key"),
    ) else {
        return Ok(None);
    };
    let base_url = layers.read_as("freshservice", "domain", |text| {
        Ok(BaseUrl::read_host(text)?.at("api/v2/"))
    })?;
    let site = match layers.text("freshservice", "web_domain") {
        Some(_) => layers.read_as("freshservice", "web_domain", BaseUrl::read_host)?,
        None => base_url.clone(),
    };
    Ok(Some(Freshservice {
        base_url,
        api_key,
        site: site.origin(),
        all_workspaces: layers.boolean("freshservice", "all_workspaces")?,
        first_ticket_days: layers.parse("freshservice", "first_ticket_days", "a number of days")?,
    }))
}

pub(super) fn datto(layers: &Layers) -> Result<Option<Datto>, ConfigError> {
    let api_endpoint = layers.read_as("datto", "api_endpoint", BaseUrl::read)?;
    let secret_udfs = layers.read_as("datto", "secret_udfs", |text| {
        let numbers = text.split(',').map(|number| number.trim().parse());
        let numbers: Result<_, _> = numbers.collect();
        numbers.map_err(|_| format!("`{text}` is not a list of numbers such as 2,9"))
    })?;
    let map_pseudo_sites = layers.boolean("datto", "map_pseudo_sites")?;
    let calls_per_minute = layers.read_as("datto", "calls_per_minute", |text| {
        let calls = text.parse().ok().filter(|calls: &u32| *calls > 0);
        calls.ok_or_else(|| format!("`{text}` is not a number of calls, 1 or more"))
    })?;
    let keys = (
        secret(layers, "datto", "public_key"),
        secret(layers, "datto", "secret_key"),
    );
    let (Some(public_key), Some(secret_key)) = keys else {
        return Ok(None);
    };
    Ok(Some(Datto {
        api_endpoint,
        public_key,
        secret_key,
        secret_udfs,
        map_pseudo_sites,
        calls_per_minute,
    }))
}

pub(super) fn keycloak(layers: &Layers) -> Result<Option<Keycloak>, ConfigError> {
    let is_set = |key: &&str| layers.text("keycloak", key).is_some();
    let Some(address) = ["backend_url", "server_url"].into_iter().find(is_set) else {
        return Ok(None);
    };
    let id = layers.text("keycloak", "client_id");
    let user = layers.text("keycloak", "admin_user");
    let admin = user.zip(secret(layers, "keycloak", "admin_password"));
    Ok(Some(Keycloak {
        base_url: layers.read_as("keycloak", address, BaseUrl::read)?,
        realm: text(layers, "keycloak", "realm"),
        client: id
            .map(str::to_owned)
            .zip(secret(layers, "keycloak", "client_secret")),
        admin: admin.map(|(user, password)| {
            let realm = text(layers, "keycloak", "admin_realm");
            (realm, user.to_owned(), password)
        }),
        verify_tls: layers.boolean("keycloak", "verify_ssl")?,
    }))
}
