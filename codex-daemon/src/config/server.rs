//! `[server]`: how the daemon listens.

use std::{net::IpAddr, time::Duration};

use super::{ConfigError, Layers, Origin};

/// How the daemon listens.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address.
    pub bind: IpAddr,
    /// Port; 0 takes any free one.
    pub port: u16,
    /// Whether the API description answers without a token.
    pub docs_public: bool,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<Origin>,
    /// Requests answered at once.
    pub max_connections: usize,
    /// Requests of one address answered at once.
    pub connections_per_address: usize,
    /// Calls that one caller may make in a minute; 0 counts none.
    pub calls_per_minute: u32,
    /// Largest request body in bytes.
    pub body_limit: usize,
    /// How long a request head may take, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a stop waits for requests in flight.
    pub drain: Duration,
    /// How long the reader of an answer or the sender of a body may stand still.
    pub stall: Duration,
    /// How long a body may take in all.
    pub body_timeout: Duration,
    /// How long a download waits for its turn.
    pub download_wait: Duration,
}

impl Server {
    pub(super) fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let server = layers.section("server");
        let bind = server.ip("bind")?;
        let docs_public = server.boolean_or_auto("docs_public")?;
        Ok(Self {
            bind,
            port: server.number("port")?,
            docs_public: docs_public.unwrap_or(bind.is_loopback()),
            cors_origins: server.origins("cors_origins")?,
            max_connections: server.number("max_connections")?,
            connections_per_address: server.number("connections_per_address")?,
            calls_per_minute: server.number("calls_per_minute")?,
            body_limit: server.number("body_limit")?,
            header_timeout: server.seconds("header_timeout_seconds")?,
            drain: server.seconds("drain_seconds")?,
            stall: server.seconds("stall_seconds")?,
            body_timeout: server.seconds("body_timeout_seconds")?,
            download_wait: server.seconds("download_wait_seconds")?,
        })
    }
}
