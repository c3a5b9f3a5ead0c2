//! Which devices the RMM is asked for: one question about a device at a time, and none for a while after nothing came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::AssetId;

/// How long a device is not asked for again after it sent nothing, and how many such devices are remembered.
const SILENT_FOR: TimeDelta = TimeDelta::minutes(1);
const MAX_SILENT: usize = 1_000;

/// The holder asks for the device.
type DeviceLock = Arc<tokio::sync::Mutex<()>>;

/// The devices that are being asked for, or were recently.
#[derive(Debug, Default)]
pub(crate) struct AskedDevices {
    locks: Mutex<HashMap<AssetId, DeviceLock>>,
    /// Devices that sent nothing, and until when they are not asked for again.
    silent: Mutex<HashMap<AssetId, DateTime<Utc>>>,
}

impl AskedDevices {
    /// Whether the device was asked for a moment ago and nothing came.
    pub fn is_silent(&self, device: AssetId, now: DateTime<Utc>) -> bool {
        self.silent().get(&device).is_some_and(|until| *until > now)
    }

    /// Notes that nothing came, for a while.
    pub fn note_silent(&self, device: AssetId, now: DateTime<Utc>) {
        let mut silent = self.silent();
        silent.retain(|_, until| *until > now);
        if silent.len() < MAX_SILENT {
            silent.insert(device, now + SILENT_FOR);
        }
    }

    /// The lock of a device: one caller asks for it, the others wait for what comes.
    pub fn lock_of(&self, device: AssetId) -> DeviceLock {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| Arc::strong_count(lock) > 1);
        locks.entry(device).or_default().clone()
    }

    fn silent(&self) -> MutexGuard<'_, HashMap<AssetId, DateTime<Utc>>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
