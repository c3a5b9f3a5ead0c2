//! What the RMM's inventory says of single devices, asked for when somebody wants to know.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::{
    Error, Result, Scope,
    assets::{
        Asset,
        audit::{Audit, DeviceInventory, query},
    },
    codex::Codex,
    ids::AssetId,
    records::Author,
    sync::{UpstreamError, ports::Inventory},
};

/// How long somebody waits for the RMM at most.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

impl Codex {
    /// An asset with what the RMM's inventory says of it, if that is known. The RMM is asked, for 3 s at most,
    /// when it has a newer inventory than was read and the caller is no client; what it does not say by then
    /// is as it was.
    pub async fn asset_audit(
        &self,
        scope: &Scope,
        id: AssetId,
    ) -> Result<Option<(Asset, Option<Audit>)>> {
        let Some((mut asset, _)) = self.asset(scope, id).await? else {
            return Ok(None);
        };
        // A client's questions cost the MSP's calls.
        if let Some(inventory) = self.inventory_port()
            && scope.require_staff("asking the RMM").is_ok()
            && self.look_up_inventory(&*inventory, id).await?
        {
            match self.asset(scope, id).await? {
                Some((read, _)) => asset = read,
                None => return Ok(None),
            }
        }
        let audit = query::find(&self.0.db, id).await?;
        Ok(Some((asset, audit)))
    }

    /// The inventories of the RMM that is chosen.
    fn inventory_port(&self) -> Option<Arc<dyn Inventory>> {
        let inventory = self.vendors().inventory.clone();
        inventory.filter(|inventory| inventory.provider() == self.providers().rmm)
    }

    /// Asks the RMM for the inventory of a device where it has a newer one; tells whether anything may have
    /// been read. That nothing came is believed for a minute.
    async fn look_up_inventory(&self, inventory: &dyn Inventory, id: AssetId) -> Result<bool> {
        let (provider, asked) = (inventory.provider(), &self.0.asked_devices);
        let due = || query::due_one(&self.0.db, provider, id);
        let is_silent = || asked.is_silent(id, self.now());
        if due().await?.is_none() || is_silent() {
            return Ok(false);
        }
        let end = Instant::now() + WAIT_TIMEOUT;
        let lock = asked.lock_of(id);
        // Whoever had the lock for so long has heard nothing.
        let Ok(_locked) = timeout_at(end, lock.lock()).await else {
            return Ok(false);
        };
        let Some(due) = due().await?.filter(|_| !is_silent()) else {
            return Ok(true);
        };
        let answer = timeout_at(end, inventory.inventory(self.call_context(), due)).await;
        let too_slow = |_| UpstreamError::too_slow(provider, "inventory", WAIT_TIMEOUT);
        match answer.map_err(too_slow).flatten() {
            Ok(read) => self.take_inventory(provider, read).await?,
            Err(error) => {
                asked.note_silent(id, self.now());
                tracing::warn!(
                    asset.id = id.0,
                    error = Error::from(error).chain(),
                    "The inventory of asset `{id}` could not be asked for"
                );
            }
        }
        Ok(true)
    }

    async fn take_inventory(&self, provider: &str, read: DeviceInventory) -> Result<()> {
        let author = Author::new(format!("source:{provider}"), self.now());
        let mut tx = self.0.db.begin().await?;
        read.write(&mut self.writer(&mut tx, &author)).await?;
        tx.commit().await
    }
}
