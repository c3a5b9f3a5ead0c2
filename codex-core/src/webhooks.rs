//! Webhooks that were signed: each is taken in once, whichever process gets it.

use chrono::{DateTime, Utc};

use crate::{Result, codex::Codex};

sql! {
    /// Forgets signatures that are too old to be accepted.
    FORGET = "delete from webhook_signatures where expires_at < $1";
    /// Notes a signature; nothing when it is known.
    NOTE = "insert into webhook_signatures (signature, expires_at) values ($1, $2) \
        on conflict (signature) do nothing";
    /// Lets a signature be used again.
    RELEASE = "delete from webhook_signatures where signature = $1";
}

impl Codex {
    /// Notes that a signed webhook has arrived, until it is too old to be accepted anyway; `false` when
    /// it arrived before.
    pub async fn first_delivery(&self, signature: &str, expires_at: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.0.db.begin().await?;
        tx.query(FORGET).bind(self.now()).execute().await?;
        let q = tx.query(NOTE).bind(signature).bind(expires_at);
        let noted = q.execute().await?;
        tx.commit().await?;
        Ok(noted == 1)
    }

    /// Lets a webhook that could not be taken in be delivered again.
    pub async fn forget_delivery(&self, signature: &str) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        tx.query(RELEASE).bind(signature).execute().await?;
        tx.commit().await
    }
}
