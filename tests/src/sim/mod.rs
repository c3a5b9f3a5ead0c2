//! Simulators of the outside systems, over real HTTP on loopback (upstreams, contract 6).

pub mod core;
pub mod datto;
pub mod fault;
pub mod freshservice;
mod server;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use world::{Size, World};

/// A world that simulators serve and tests change in place.
#[derive(Debug, Clone)]
pub struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world, to look at or change.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
