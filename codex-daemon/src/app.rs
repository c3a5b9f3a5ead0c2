//! The daemon put together: state, routes, layers, start and stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{Router, body::Bytes, extract::DefaultBodyLimit, middleware};
use codex_core::{
    Builder, Codex, Downloads, panics,
    panics::Panicked,
    sync::{CallRate, Guard, HttpSettings, datto, freshservice, keycloak},
};
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    api,
    auth::Authenticator,
    config::{self, Config},
    health::Health,
    http::{
        answer_cache::Answers, body_limit, conditional, handling, headers, idempotency, problem,
        rate_limit, rate_limit::Limits, request_id, server, webhook_gate::Readings,
    },
    metrics,
    openapi::{self, Parameters},
    pages,
};

/// How often it is looked whether the server is at work.
const LOOK: Duration = Duration::from_secs(1);

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Config,
    codex: Codex,
    auth: Authenticator,
    health: Health,
    openapi: Bytes,
    parameters: Parameters,
    answers: Answers,
    limits: Limits,
    readings: Readings,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

impl App {
    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The library.
    pub fn codex(&self) -> &Codex {
        &self.0.codex
    }

    /// Who verifies tokens.
    pub fn auth(&self) -> &Authenticator {
        &self.0.auth
    }

    /// The health checks.
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Answers that are kept.
    pub fn answers(&self) -> &Answers {
        &self.0.answers
    }

    /// How many calls one caller may make.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Webhooks whose bodies are being read.
    pub fn readings(&self) -> &Readings {
        &self.0.readings
    }

    /// The parameters that there are.
    pub fn parameters(&self) -> &Parameters {
        &self.0.parameters
    }

    /// The API description, as JSON.
    pub fn openapi(&self) -> Bytes {
        self.0.openapi.clone()
    }
}

/// Opens the library as configured; `migrate` brings the schema up to date.
pub async fn open(config: &Config, migrate: bool) -> codex_core::Result<Codex> {
    builder(config, migrate).open().await
}

/// The same, with more to be said before it is opened.
pub fn builder(config: &Config, migrate: bool) -> Builder {
    let guard = Guard {
        max_delete_percent: config.sync.max_delete_percent,
        min_delete: config.sync.min_delete,
        ..Guard::default()
    };
    let mut builder = Codex::builder(config.database.url.expose_secret())
        .migrate(migrate)
        .guard(guard)
        .matching(config.matching)
        .precedence(config.precedence.clone())
        .statuses(config.statuses.clone())
        .unworked_ticket_minutes(config.unworked_ticket_minutes)
        .lease(config.sync.lease)
        .downloads(Downloads {
            wait_timeout: config.server.download_wait,
            stall: config.server.stall,
            ..Downloads::default()
        })
        .providers(config.psa.clone(), config.rmm.clone());
    let http = HttpSettings {
        timeout: config.sync.request_timeout,
        ..HttpSettings::default()
    };
    if let Some(vendor) = &config.freshservice {
        let settings = freshservice::Settings {
            base: vendor.base_url.url().clone(),
            api_key: vendor.api_key.clone(),
            all_workspaces: vendor.all_workspaces,
            http: HttpSettings {
                call_rate: CallRate::default(),
                ..http.clone()
            },
        };
        let days = vendor.first_ticket_days;
        let tickets = |depth| freshservice::Tickets::new(settings.clone(), depth, days);
        builder = builder
            .tickets(freshservice::TicketClient::new(
                settings.clone(),
                config.upstream_write,
            ))
            .source(tickets(freshservice::Depth::Light))
            .source(tickets(freshservice::Depth::Detail))
            .source(freshservice::History::new(settings.clone()))
            .source(freshservice::Accounts::new(
                settings.clone(),
                config.upstream_write,
            ))
            .source(freshservice::Freshservice::new(settings));
    }
    if let Some(vendor) = &config.datto {
        let settings = datto::Settings {
            base: vendor.api_endpoint.url().clone(),
            public_key: vendor.public_key.clone(),
            secret_key: vendor.secret_key.clone(),
            http: HttpSettings {
                call_rate: CallRate::new(Some(vendor.calls_per_minute)),
                ..http.clone()
            },
        };
        let options = datto::Options {
            secret_udfs: vendor
                .secret_udfs
                .iter()
                .map(|number| format!("udf{number}"))
                .collect(),
            map_system_sites: vendor.map_pseudo_sites,
            ..datto::Options::default()
        };
        builder = builder
            .inventory(datto::Inventories::new(settings.clone()))
            .source(datto::Accounts::new(
                settings.clone(),
                config.upstream_write,
            ))
            .source(datto::Audits::new(settings.clone()))
            .source(datto::Datto::new(settings, options));
    }
    if let Some(server) = &config.keycloak {
        let settings = keycloak::Settings {
            base: server.base_url.url().clone(),
            realm: server.realm.clone(),
            logins: logins(server),
            http: HttpSettings {
                verify_tls: server.verify_tls,
                call_rate: CallRate::default(),
                ..http
            },
        };
        builder = builder
            .users(keycloak::Users::new(settings.clone()))
            .source(keycloak::Keycloak::new(settings));
    }
    builder
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

/// The routes with everything around them.
pub fn router(config: Config, codex: Codex) -> anyhow::Result<Router> {
    router_of(api::all(), config, codex)
}

/// Other routes with the same around them.
pub(crate) fn router_of(
    routes: OpenApiRouter<App>,
    config: Config,
    codex: Codex,
) -> anyhow::Result<Router> {
    let (router, openapi) = openapi::described(routes);
    let (pages, internal) = openapi::described(api::internal());
    let router = router.merge(pages);
    let mut parameters = Parameters::default();
    parameters.add(&openapi);
    parameters.add(&internal);
    let app = App(Arc::new(Inner {
        auth: Authenticator::new(&config.auth)?,
        health: Health::new(&config).context("no HTTP client for Core")?,
        answers: Answers::new(),
        limits: Limits::new(config.server.calls_per_minute),
        readings: Readings::default(),
        config,
        codex,
        openapi: serde_json::to_vec(&openapi)?.into(),
        parameters,
    }));
    Ok(with_layers(router, app))
}

/// What stands around the routes.
fn with_layers(router: Router<App>, app: App) -> Router {
    let router = router
        .fallback(problem::unknown_route)
        // Our own limit is the only one.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(
            app.clone(),
            body_limit::layer,
        ))
        .layer(middleware::from_fn_with_state(app.clone(), handling::layer))
        .layer(middleware::from_fn(request_id::name_route))
        .with_state(app.clone());
    // From the outside in, as one: a router boxes every layer that it is given by itself, once a call.
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn(request_id::layer))
        // Nexus undoes gzip only (consumers 3).
        .layer(CompressionLayer::new())
        // Around the layer of problems: browsers get them as pages.
        .layer(middleware::from_fn(pages::layer::layer))
        .layer(middleware::from_fn(problem::layer))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn(headers::layer))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            rate_limit::layer,
        ))
        .layer(middleware::from_fn_with_state(
            app.clone(),
            idempotency::layer,
        ))
        .layer(middleware::from_fn_with_state(app, conditional::layer))
        .layer(middleware::from_fn(problem::options));
    // A router's own layers stand around each of its handlers; these stand before the choice of one.
    Router::new().fallback_service(router).layer(around)
}

/// A daemon at work.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<Result<(), Panicked>>,
}

impl Running {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address as a base URL, such as `http://127.0.0.1:5010`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops accepting, lets requests in flight end, returns when the server is gone.
    pub async fn shutdown(self) {
        self.stop.cancel();
        match self.server.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "The server ended in disorder: {error}"),
            Err(error) => tracing::error!(%error, "The server ended in disorder: {error}"),
        }
    }

    /// Waits until the server is gone though nobody has stopped it.
    pub async fn broken(&mut self) {
        // `shutdown` reports how it ended.
        while !self.server.is_finished() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Starts the daemon on the configured address.
pub async fn start(config: Config, codex: Codex) -> anyhow::Result<Running> {
    let listener = server::bind(&config.server).await?;
    start_on(listener, config, codex)
}

/// Starts the daemon on a listener.
pub fn start_on(listener: TcpListener, config: Config, codex: Codex) -> anyhow::Result<Running> {
    let limits = config.server.clone();
    start_router(listener, limits, router(config, codex)?)
}

/// Serves a router on a listener.
pub fn start_router(
    listener: TcpListener,
    limits: config::Server,
    router: Router,
) -> anyhow::Result<Running> {
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    metrics::start();
    let tidying = stop.clone();
    panics::spawn("metrics", async move {
        let tidy = || async {
            tidying.run_until_cancelled(metrics::tidy()).await;
        };
        panics::keep_going("metrics", &tidying, tidy).await;
    });
    let server = server::serve(listener, router, limits, stop.clone());
    let server = panics::spawn("server", server);
    Ok(Running { addr, stop, server })
}
