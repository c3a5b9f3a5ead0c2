//! The real daemon, with simulated vendors and Core.

use std::{path::Path, sync::Arc};

use axum::{Router, middleware};
use codex_core::{
    Codex,
    clock::{Clock, SystemClock},
};
use codex_daemon::{
    app::{self, Running},
    config::{Config, Sources},
    http::server,
};
use reqwest::{Client, Method, RequestBuilder};
use tempfile::TempDir;

use super::{database::TestDatabase, spec};
use crate::sim::{
    SharedWorld, Size, World,
    core::Core,
    datto::{self, Datto},
    freshservice::{self, Freshservice},
    keycloak::{self, Keycloak},
};

/// A daemon on a free port with everything around it.
#[derive(Debug)]
pub struct TestApp {
    /// Core's stand-in.
    pub core: Core,
    /// Freshservice.
    pub freshservice: Freshservice,
    /// Datto.
    pub datto: Datto,
    /// Keycloak.
    pub keycloak: Keycloak,
    /// What the vendors have.
    pub world: SharedWorld,
    /// The library inside the daemon.
    pub codex: Codex,
    router: Router,
    running: Running,
    http: Client,
    database: TestDatabase,
    watch: spec::Watch,
    folder: TempDir,
}

/// The settings of vendors that are simulators without limits.
pub fn vendor_settings<'s>(
    freshservice: &'s Freshservice,
    datto: &'s Datto,
) -> [(&'static str, &'s str); 7] {
    [
        ("freshservice.domain", freshservice.url()),
        ("freshservice.api_key", freshservice::API_KEY),
        ("datto.api_endpoint", datto.url()),
        ("datto.public_key", datto::API_KEY),
        ("datto.secret_key", datto::API_SECRET),
        ("datto.calls_per_minute", "1000000"),
        // The simulated world ends some time ago.
        ("freshservice.first_ticket_days", "3650"),
    ]
}

/// The settings of a Keycloak that is a simulator.
pub fn keycloak_settings(keycloak: &Keycloak) -> [(&'static str, &str); 5] {
    [
        ("keycloak.server_url", keycloak.url()),
        ("keycloak.client_id", keycloak::CLIENT_ID),
        ("keycloak.client_secret", keycloak::CLIENT_SECRET),
        ("keycloak.admin_user", keycloak::ADMIN_USER),
        ("keycloak.admin_password", keycloak::ADMIN_PASSWORD),
    ]
}

/// The settings of a daemon that talks to simulators.
///
/// # Errors
/// When a setting is refused.
pub fn config(
    folder: &Path,
    database_url: &str,
    core: &Core,
    freshservice: &Freshservice,
    datto: &Datto,
    keycloak: &Keycloak,
    settings: &[(&'static str, &str)],
) -> anyhow::Result<Config> {
    let flags = [
        ("server.port", "0"),
        ("database.connection_string", database_url),
        ("core.url", core.url()),
        // The disk of whoever runs the tests is none of their business.
        ("health.disk_degraded_percent", "100"),
        ("health.disk_unhealthy_percent", "100"),
    ];
    let sources = flags
        .into_iter()
        .chain(vendor_settings(freshservice, datto))
        .chain(keycloak_settings(keycloak))
        .chain(settings.iter().copied())
        .fold(Sources::new(folder), |s, (name, value)| s.set(name, value));
    Ok(Config::load(&sources)?)
}

/// A client that calls the daemon as a user with this role.
///
/// # Errors
/// When no token can be made.
pub fn client(app: &TestApp, role: &str) -> anyhow::Result<codex_client::Client> {
    let token = app.core.key.user(role, &format!("{role}@msp.example"))?;
    let source = codex_client::TokenSource::fixed(token);
    Ok(codex_client::Client::new(&app.url(), source)?)
}

impl TestApp {
    /// A small world.
    pub async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        Self::with(database, &[]).await
    }

    /// A small world, with settings of its own.
    pub async fn with(
        database: TestDatabase,
        settings: &[(&'static str, &str)],
    ) -> anyhow::Result<Self> {
        Self::at(database, settings, SystemClock).await
    }

    /// The same by another clock.
    pub async fn at(
        database: TestDatabase,
        settings: &[(&'static str, &str)],
        clock: impl Clock + 'static,
    ) -> anyhow::Result<Self> {
        let world = SharedWorld::new(World::generate(Size::Tiny, 7));
        let fresh_options = freshservice::Options {
            limits: false,
            ..Default::default()
        };
        let datto_options = datto::Options {
            limits: false,
            ..Default::default()
        };
        let freshservice = Freshservice::start(world.clone(), fresh_options).await?;
        let datto = Datto::start(world.clone(), datto_options).await?;
        let keycloak = Keycloak::start(world.clone(), keycloak::Options::default()).await?;
        let core = Core::start().await?;
        let folder = tempfile::tempdir()?;
        let config = config(
            folder.path(),
            &database.url,
            &core,
            &freshservice,
            &datto,
            &keycloak,
            settings,
        )?;
        let codex = app::builder(&config, true)
            .clock(Arc::new(clock))
            .open()
            .await?;
        let listener = server::bind(&config.server).await?;
        let limits = config.server.clone();
        let bare = app::router(config, codex.clone())?;
        let watch = spec::Watch::default();
        let check = middleware::from_fn_with_state(watch.0.clone(), spec::check);
        let router = bare.clone().layer(check);
        let running = app::start_router(listener, limits, router)?;
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            core,
            freshservice,
            datto,
            keycloak,
            world,
            codex,
            router: bare,
            running,
            http,
            database,
            watch,
            folder,
        })
    }

    /// Forgets answers that were not as described, for a test that breaks the daemon on purpose: how many there
    /// were.
    pub fn forgive(&self) -> usize {
        self.watch.forget()
    }

    /// The daemon without a network, and without a look at its answers.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The daemon's database.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Where the daemon's database is.
    pub fn database_url(&self) -> &str {
        &self.database.url
    }

    /// The daemon's working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The daemon's address.
    pub fn url(&self) -> String {
        self.running.url()
    }

    /// A call without a token.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url()))
    }

    /// A call as a user of a level.
    pub fn call_as(
        &self,
        level: &str,
        method: Method,
        path: &str,
    ) -> anyhow::Result<RequestBuilder> {
        let token = self.core.key.user(level, &format!("{level}@msp.example"))?;
        Ok(self.call(method, path).bearer_auth(token))
    }

    /// A GET as a user of a level.
    pub fn get_as(&self, level: &str, path: &str) -> anyhow::Result<RequestBuilder> {
        self.call_as(level, Method::GET, path)
    }

    /// A GET as an administrator.
    pub fn get(&self, path: &str) -> anyhow::Result<RequestBuilder> {
        self.get_as("admin", path)
    }

    /// The JSON of a successful GET as an administrator.
    pub async fn json(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        Ok(self
            .get(path)?
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?)
    }

    /// Syncs from both vendors through the API.
    pub async fn sync(&self) -> anyhow::Result<()> {
        self.run_syncs(&["/sync/psa", "/sync/datto", "/sync/tickets"])
            .await
    }

    /// Starts syncs one after another and waits for their success.
    pub async fn run_syncs(&self, paths: &[&str]) -> anyhow::Result<()> {
        for path in paths {
            let token = self.core.key.service("helm", "codex")?;
            let started: serde_json::Value = self
                .call(Method::POST, path)
                .bearer_auth(token)
                .send()
                .await?
                .error_for_status()?
                .json()
                .await?;
            let job = started["job_id"].as_str().unwrap_or_default().to_owned();
            loop {
                let status = self.json(&format!("/sync/status/{job}")).await?;
                match status["status"].as_str() {
                    Some("running") => {
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                    Some("completed") => break,
                    _ => anyhow::bail!("{path}: {status}"),
                }
            }
        }
        Ok(())
    }
}
