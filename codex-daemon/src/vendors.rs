//! The vendors of the settings: sources to sync from, ports, and whether they answer.

use codex_core::{
    Builder,
    sync::{CallRate, HttpSettings, datto, freshservice, keycloak, ports::Probe},
};

use crate::config::{self, Config};

/// Adds what the settings give access to.
pub fn add_to(builder: Builder, config: &Config) -> Builder {
    let builder = add_freshservice(builder, config);
    let builder = add_datto(builder, config);
    add_keycloak(builder, config)
}

/// What a test of the connection to Freshservice calls; `None` when it is not configured.
pub fn freshservice_probe(config: &Config) -> Option<Box<dyn Probe>> {
    let settings = freshservice_settings(config)?;
    Some(Box::new(freshservice::TicketClient::new(settings, false)))
}

/// The same for Datto RMM.
pub fn datto_probe(config: &Config) -> Option<Box<dyn Probe>> {
    Some(Box::new(datto::Inventories::new(datto_settings(config)?)))
}

/// The same for Keycloak.
pub fn keycloak_probe(config: &Config) -> Option<Box<dyn Probe>> {
    Some(Box::new(keycloak::Users::new(keycloak_settings(config)?)))
}

fn http(config: &Config) -> HttpSettings {
    HttpSettings {
        timeout: config.sync.request_timeout,
        ..HttpSettings::default()
    }
}

fn freshservice_settings(config: &Config) -> Option<freshservice::Settings> {
    let vendor = config.freshservice.as_ref()?;
    Some(freshservice::Settings {
        base: vendor.base_url.url().clone(),
        api_key: vendor.api_key.clone(),
        all_workspaces: vendor.all_workspaces,
        http: http(config),
    })
}

fn add_freshservice(builder: Builder, config: &Config) -> Builder {
    let (Some(vendor), Some(settings)) = (&config.freshservice, freshservice_settings(config))
    else {
        return builder;
    };
    let (days, writes) = (vendor.first_ticket_days, config.upstream_write);
    let tickets = |depth| freshservice::Tickets::new(settings.clone(), depth, days);
    builder
        .tickets(freshservice::TicketClient::new(settings.clone(), writes))
        .source(tickets(freshservice::Depth::Light))
        .source(tickets(freshservice::Depth::Detail))
        .source(freshservice::History::new(settings.clone()))
        .source(freshservice::Accounts::new(settings.clone(), writes))
        .source(freshservice::Freshservice::new(settings))
}

fn datto_settings(config: &Config) -> Option<datto::Settings> {
    let vendor = config.datto.as_ref()?;
    Some(datto::Settings {
        base: vendor.api_endpoint.url().clone(),
        public_key: vendor.public_key.clone(),
        secret_key: vendor.secret_key.clone(),
        http: HttpSettings {
            call_rate: CallRate::new(Some(vendor.calls_per_minute)),
            ..http(config)
        },
    })
}

fn add_datto(builder: Builder, config: &Config) -> Builder {
    let (Some(vendor), Some(settings)) = (&config.datto, datto_settings(config)) else {
        return builder;
    };
    let secret_udfs = vendor.secret_udfs.iter();
    let options = datto::Options {
        secret_udfs: secret_udfs.map(|number| format!("udf{number}")).collect(),
        map_system_sites: vendor.map_pseudo_sites,
        ..datto::Options::default()
    };
    let writes = config.upstream_write;
    builder
        .inventory(datto::Inventories::new(settings.clone()))
        .source(datto::Accounts::new(settings.clone(), writes))
        .source(datto::Audits::new(settings.clone()))
        .source(datto::Datto::new(settings, options))
}

fn keycloak_settings(config: &Config) -> Option<keycloak::Settings> {
    let server = config.keycloak.as_ref()?;
    Some(keycloak::Settings {
        base: server.base_url.url().clone(),
        realm: server.realm.clone(),
        logins: logins(server),
        http: HttpSettings {
            verify_tls: server.verify_tls,
            ..http(config)
        },
    })
}

fn add_keycloak(builder: Builder, config: &Config) -> Builder {
    let Some(settings) = keycloak_settings(config) else {
        return builder;
    };
    builder
        .users(keycloak::Users::new(settings.clone()))
        .source(keycloak::Keycloak::new(settings))
}

/// The client first: least privilege, and no person's password.
fn logins(settings: &config::Keycloak) -> Vec<keycloak::Login> {
    let client = settings.client.clone();
    let client = client.map(|(id, secret)| keycloak::Login::Client { id, secret });
    let admin = settings.admin.clone();
    let admin = admin.map(|(realm, user, password)| keycloak::Login::Password {
        realm,
        user,
        password,
    });
    client.into_iter().chain(admin).collect()
}
