//! codexd: the HTTP daemon and command line of HiveMatrix Codex.
//!
//! A thin door: rules and SQL are in `codex-core`. [`app::start`] starts the daemon inside a process, as
//! `codexd serve` and the tests do; [`routes`] has one file per resource.

pub mod app;
pub mod auth;
mod body_limit;
pub mod cli;
pub mod config;
pub mod forwarded;
pub mod health;
pub mod logging;
pub mod problem;
pub mod request_id;
pub mod routes;
pub mod server;
#[cfg(test)]
mod tests;
mod webhook_gate;
