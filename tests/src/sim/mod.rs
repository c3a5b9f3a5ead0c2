//! Simulators of the outside systems, over real HTTP on loopback (vendors 0, contract 6).
//!
//! A [`SharedWorld`] holds what the vendors know. [`freshservice::Freshservice`], [`datto::Datto`] and
//! [`keycloak::Keycloak`] serve it, each under its own limits and [`fault::Faults`]; tests change it in place. [`core::Core`] signs tokens,
//! [`gateway::Gateway`] plays Nexus.
//! [`recorded::Recorded`] serves bodies from a folder instead.

pub mod acme;
pub mod clock;
pub mod core;
pub mod datto;
mod encode;
pub mod fault;
pub mod freshservice;
pub mod gateway;
pub mod keycloak;
pub mod mutant;
pub mod recorded;
mod reply;
mod server;
mod shared;
#[cfg(test)]
mod tests;
pub mod world;

pub use reply::BodyForm;
pub use shared::{SharedWorld, WorldGuard};
pub use world::{Size, World};

/// The seed of [`start_all`].
const SEED: u64 = 7;

/// A world and everybody who speaks of it.
#[derive(Debug)]
pub struct Simulators {
    /// What the vendors know.
    pub world: SharedWorld,
    /// Freshservice.
    pub freshservice: freshservice::Freshservice,
    /// Datto RMM.
    pub datto: datto::Datto,
    /// Keycloak.
    pub keycloak: keycloak::Keycloak,
    /// HiveMatrix Core.
    pub core: core::Core,
}

/// Starts all simulators over a new world, as the vendors are by default.
pub async fn start_all(size: Size) -> anyhow::Result<Simulators> {
    let world = World::generate(size, SEED);
    let (freshservice, datto) = (freshservice::Options::default(), datto::Options::default());
    start_all_with(world, freshservice, datto).await
}

/// Starts all simulators over a world of one's choice.
pub async fn start_all_with(
    world: World,
    freshservice: freshservice::Options,
    datto: datto::Options,
) -> anyhow::Result<Simulators> {
    let world = SharedWorld::new(world);
    Ok(Simulators {
        freshservice: freshservice::Freshservice::start(world.clone(), freshservice).await?,
        datto: datto::Datto::start(world.clone(), datto).await?,
        keycloak: keycloak::Keycloak::start(world.clone(), keycloak::Options::default()).await?,
        core: core::Core::start().await?,
        world,
    })
}

/// A client for the simulators' own tests.
#[cfg(test)]
fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(10))
        .build()
        .expect("a client without special settings")
}
