//! HTTP manners: connections, bodies, headers, limits, conditions, problems.

pub(crate) mod answer;
pub(crate) mod answer_cache;
pub(crate) mod body;
pub(crate) mod body_limit;
pub(crate) mod conditional;
pub(crate) mod connections;
pub(crate) mod cors;
pub mod created;
pub(crate) mod digest;
pub(crate) mod extract;
pub mod forwarded;
pub(crate) mod handling;
pub(crate) mod headers;
pub(crate) mod idempotency;
pub(crate) mod lingering;
pub mod problem;
pub(crate) mod rate_limit;
pub mod request_id;
pub mod server;
pub(crate) mod webhook_guard;
