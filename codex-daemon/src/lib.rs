//! codexd: the HTTP daemon and command line of HiveMatrix Codex.
//!
//! A thin layer: rules and SQL are in `codex-core`. [`app::start`] starts the daemon inside a process, as
//! `codexd serve` and the tests do; [`api`] has one file per resource.

pub mod api;
pub mod app;
pub mod auth;
mod checks;
pub mod cli;
pub mod config;
pub mod health;
mod helm;
pub mod http;
pub mod legacy;
pub mod logging;
mod metrics;
pub mod openapi;
mod pages;
mod systemd;
pub mod telemetry;
#[cfg(test)]
mod tests;
mod vendors;

pub use pages::is_page;
