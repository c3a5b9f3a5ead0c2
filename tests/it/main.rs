//! Integration tests, through the front door: on both engines, or on `SQLite` alone where no statement decides.
#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]

mod admin_pages;
mod agents;
mod answer_cache;
mod api;
mod billing;
mod bulk;
mod calls;
mod claims;
mod cli;
mod client;
mod clients;
mod commands;
mod companies;
mod concurrency;
mod conditions;
mod conformance;
mod consumers;
mod contract;
mod crates;
mod dashboard;
mod decisions;
mod descriptions;
mod devices;
mod docs;
mod downloads;
mod duplicates;
mod every_route;
mod gateway;
mod interference;
mod jobs;
mod killed_calls;
mod late_sources;
mod layers;
mod lists;
mod merged_duplicates;
mod names;
mod operations;
mod pages;
mod pages_search;
mod panics;
mod parity;
mod providers;
mod record_pages;
mod records;
mod scopes;
mod search;
mod services;
mod spec;
mod sql;
mod standards;
mod store;
mod strict;
mod stylesheet;
mod sync;
mod tags;
mod tickets;
mod times;
mod validation;
mod webhooks;
mod writing_fails;
