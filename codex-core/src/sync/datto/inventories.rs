//! Inventories of single devices, outside of runs: for people who wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OnceCell;

use super::{
    NAME, Settings,
    audits::{self, Answered, Parts},
    client::Client,
};
use crate::{
    assets::audit::query::Due,
    clock::SharedClock,
    ids::AssetId,
    store::Db,
    sync::{RateLimitBlock, UpstreamError},
};

/// How long a device is not asked for again of which nothing came, and of how many that is remembered.
const SILENT_FOR: TimeDelta = TimeDelta::minutes(1);
const MAX_SILENT: usize = 1_000;

/// Whoever holds it asks for the device.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// Datto RMM's inventories, one device at a time.
#[derive(Debug)]
pub struct Inventories {
    settings: Settings,
    client: OnceCell<Client>,
    turns: Mutex<HashMap<AssetId, Turn>>,
    /// Devices of which nothing came, and until when nobody asks again.
    silent: Mutex<HashMap<AssetId, DateTime<Utc>>>,
}

impl Inventories {
    /// Inventories of the account of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            client: OnceCell::new(),
            turns: Mutex::default(),
            silent: Mutex::default(),
        }
    }

    /// Name in claims and in the setting that chooses it.
    pub(crate) const PROVIDER: &str = NAME;

    /// Whether the device was asked for a moment ago and nothing came.
    pub(crate) fn is_known_to_be_silent(&self, device: AssetId, now: DateTime<Utc>) -> bool {
        let silent = self.silent();
        silent.get(&device).is_some_and(|until| *until > now)
    }

    /// Notes that nothing came, for a while.
    pub(crate) fn note_silent(&self, device: AssetId, now: DateTime<Utc>) {
        let mut silent = self.silent();
        silent.retain(|_, until| *until > now);
        if silent.len() < MAX_SILENT {
            silent.insert(device, now + SILENT_FOR);
        }
    }

    /// The turn of a device: one asks for it, the others wait for what comes.
    pub(crate) fn turn(&self, device: AssetId) -> Turn {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(device).or_default().clone()
    }

    /// What the vendor says of a device now.
    pub(crate) async fn ask(
        &self,
        db: &Db,
        clock: &SharedClock,
        due: Due,
    ) -> Result<Answered, UpstreamError> {
        let open = async || {
            let rate_limit_block = RateLimitBlock::new(db.clone(), NAME);
            Client::new(self.settings.clone(), rate_limit_block, clock.clone())
                .map(Client::for_people)
        };
        let client = self.client.get_or_try_init(open).await?;
        let inventory = audits::ask(client, &Parts::default(), &due).await?;
        Ok(Answered::new(due, inventory))
    }

    fn silent(&self) -> MutexGuard<'_, HashMap<AssetId, DateTime<Utc>>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
