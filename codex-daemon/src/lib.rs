//! codexd: the HTTP daemon and command line of HiveMatrix Codex.
//!
//! A thin door: rules and SQL are in `codex-core`. [`app::start`] starts the daemon inside a process, as
//! `codexd serve` and the tests do; [`routes`] has one file per resource.

mod answer_cache;
pub mod app;
pub mod auth;
mod body;
mod body_limit;
mod breaking;
pub mod cli;
mod conditional;
pub mod config;
mod connections;
mod created;
mod digest;
mod extract;
pub mod forwarded;
mod handling;
mod headers;
pub mod health;
mod idempotency;
pub mod legacy;
mod lingering;
pub mod logging;
mod metrics;
pub mod problem;
mod rate_limit;
pub mod request_id;
pub mod routes;
pub mod server;
#[cfg(test)]
mod tests;
mod webhook_gate;
