//! The daemon put together: state, routes, layers, start and stop.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context as _;
use axum::{Router, body::Bytes, extract::DefaultBodyLimit, middleware};
use codex_core::{Builder, Codex, Downloads, panics, panics::Panicked, sync::Guard};
use secrecy::ExposeSecret as _;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    api,
    auth::Authenticator,
    config::{self, Config, ConfigErrors},
    health::Health,
    http::{
        answer_cache::Answers, body_limit, conditional, cors, handling, headers, idempotency,
        idempotency::Forms, problem, rate_limit, rate_limit::Limits, request_id, server,
        webhook_guard::Readings,
    },
    metrics,
    openapi::{self, Parameters},
    pages, vendors,
};

/// How often it is looked whether the server is at work.
const LOOK: Duration = Duration::from_secs(1);

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: RwLock<Arc<Config>>,
    codex: Codex,
    auth: Authenticator,
    health: Health,
    openapi: Bytes,
    parameters: Parameters,
    answers: Answers,
    limits: Limits,
    forms: Forms,
    readings: Readings,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

impl App {
    /// The settings in force.
    pub fn config(&self) -> Arc<Config> {
        let config = self.0.config.read();
        config.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the settings again. Access to vendors, schedules, limits and whatever else is not read at the start alone is
    /// in force from now on; what is at work ends as it began.
    ///
    /// # Errors
    /// Everything that is wrong with them; those in force stay.
    pub fn reload(&self) -> Result<(), ConfigErrors> {
        let config = Config::load(&self.config().sources)?;
        let inner = &self.0;
        inner.codex.reconfigure(builder(&config, false));
        inner.codex.set_schedule(config.scheduler.entries.clone());
        inner.limits.set(config.server.calls_per_minute);
        inner.health.reconfigure(&config);
        let held = inner.config.write();
        *held.unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        tracing::info!("The settings were read again");
        Ok(())
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

    /// Forms that are being answered.
    pub fn forms(&self) -> &Forms {
        &self.0.forms
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
    let builder = Codex::builder(config.database.url.expose_secret())
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
    vendors::add_to(builder, config)
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
    let (router, _) = assemble(routes, config, codex)?;
    Ok(router)
}

/// Routes with what stands around them, and what they share.
fn assemble(
    routes: OpenApiRouter<App>,
    config: Config,
    codex: Codex,
) -> anyhow::Result<(Router, App)> {
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
        forms: Forms::default(),
        readings: Readings::default(),
        config: Arc::new(config).into(),
        codex,
        openapi: serde_json::to_vec(&openapi)?.into(),
        parameters,
    }));
    Ok((with_layers(router, app.clone()), app))
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
        .layer(middleware::from_fn_with_state(app.clone(), cors::layer))
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
    app: Option<App>,
}

impl Running {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What its handlers share; `None` when it was started with a router.
    pub fn app(&self) -> Option<App> {
        self.app.clone()
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
            Ok(Err(error)) => tracing::error!(%error, "The server failed: {error}"),
            Err(error) => tracing::error!(%error, "The server failed: {error}"),
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
    let (router, app) = assemble(api::all(), config, codex)?;
    let running = start_router(listener, limits, router)?;
    let app = Some(app);
    Ok(Running { app, ..running })
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
    Ok(Running {
        addr,
        stop,
        server,
        app: None,
    })
}
