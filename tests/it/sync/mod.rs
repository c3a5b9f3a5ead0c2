//! Syncing from the simulators, in process, on both engines.

mod accounts;
mod audits;
mod cancelled;
mod datto;
mod decode;
mod details;
mod events;
mod faults;
mod freshservice;
mod holds;
mod keycloak;
mod killed;
mod limits;
mod month;
mod mutations;
mod outbox;
mod plans;
mod random_faults;
mod rows;
mod scheduler;
mod steady;
mod tickets;

use codex_tests::{
    harness::{bench::TestBench, database::TestDatabase},
    sim::{Size, World, datto as sim_datto, freshservice as sim_freshservice},
};

/// A bench with a world of three companies and sixty tickets, without the limits of the vendors.
async fn tiny_bench(database: TestDatabase) -> anyhow::Result<TestBench> {
    let limits = false;
    let psa = sim_freshservice::Options {
        limits,
        ..Default::default()
    };
    let rmm = sim_datto::Options {
        limits,
        ..Default::default()
    };
    TestBench::with(database, World::generate(Size::Tiny, 7), psa, rmm).await
}
