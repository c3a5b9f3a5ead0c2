//! What the RMM's inventory says of single devices, asked for when somebody wants to know.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::{
    Error, Result, Scope,
    assets::{
        Asset,
        audit::{Audit, query},
    },
    codex::Codex,
    ids::AssetId,
    records::Author,
    sync::{
        UpstreamError,
        datto::{Answered, Inventories},
    },
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
        if let Some(inventories) = self.inventories()
            && scope.require_staff("asking the RMM").is_ok()
            && self.look_up_inventory(inventories, id).await?
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
    fn inventories(&self) -> Option<&Inventories> {
        let inventories = self.0.inventories.as_ref();
        inventories.filter(|_| Inventories::PROVIDER == self.providers().rmm)
    }

    /// Asks the RMM for the inventory of a device where it has a newer one; tells whether anything may have
    /// been read. That nothing came is believed for a minute.
    async fn look_up_inventory(&self, inventories: &Inventories, id: AssetId) -> Result<bool> {
        let due = || query::due_one(&self.0.db, Inventories::PROVIDER, id);
        let is_silent = || inventories.is_known_to_be_silent(id, self.now());
        if due().await?.is_none() || is_silent() {
            return Ok(false);
        }
        let end = Instant::now() + WAIT_TIMEOUT;
        let turn = inventories.turn(id);
        // Whoever had the turn for so long has heard nothing.
        let Ok(_turn) = timeout_at(end, turn.lock()).await else {
            return Ok(false);
        };
        let Some(due) = due().await?.filter(|_| !is_silent()) else {
            return Ok(true);
        };
        let asked = timeout_at(end, inventories.ask(&self.0.db, &self.0.clock, due)).await;
        let too_slow =
            |_| UpstreamError::too_slow(Inventories::PROVIDER, "inventory", WAIT_TIMEOUT);
        match asked.map_err(too_slow).flatten() {
            Ok(answered) => self.take_inventory(answered).await?,
            Err(error) => {
                inventories.note_silent(id, self.now());
                tracing::warn!(
                    asset.id = id.0,
                    error = Error::from(error).chain(),
                    "The inventory of asset `{id}` could not be asked for"
                );
            }
        }
        Ok(true)
    }

    async fn take_inventory(&self, answered: Answered) -> Result<()> {
        let author = Author::new(format!("source:{}", Inventories::PROVIDER), self.now());
        let mut tx = self.0.db.begin().await?;
        answered.take(&mut self.writer(&mut tx, &author)).await?;
        tx.commit().await
    }
}
