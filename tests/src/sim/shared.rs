//! A world that simulators serve while tests change it.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::World;

/// A world that simulators serve and tests change in place.
#[derive(Debug, Clone)]
pub struct SharedWorld(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    world: Mutex<World>,
    revision: AtomicU64,
}

/// The world while it is locked. Taking hold of it to change it makes simulators forget the pages that
/// they have kept; looking at it does not.
#[derive(Debug)]
pub struct WorldGuard<'w> {
    world: MutexGuard<'w, World>,
    revision: &'w AtomicU64,
}

impl SharedWorld {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Inner {
            world: Mutex::new(world),
            revision: AtomicU64::new(0),
        }))
    }

    /// The world, to look at or change.
    pub fn lock(&self) -> WorldGuard<'_> {
        WorldGuard {
            world: self.0.world.lock().unwrap_or_else(PoisonError::into_inner),
            revision: &self.0.revision,
        }
    }
}

impl WorldGuard<'_> {
    /// Goes up whenever somebody may have changed the world.
    pub(super) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

impl Deref for WorldGuard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for WorldGuard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        self.revision.fetch_add(1, Ordering::Relaxed);
        &mut self.world
    }
}
