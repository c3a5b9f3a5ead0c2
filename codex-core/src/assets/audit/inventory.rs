//! A device's inventory between the RMM and the database.

use chrono::{DateTime, Utc};

use super::{Audit, query};
use crate::{
    Result,
    assets::Asset,
    ids::AssetId,
    records::{Unread, claims::Statement, writer::RecordWriter},
};

/// A device whose inventory is to be read.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueDevice {
    /// The device.
    pub id: AssetId,
    /// The RMM's id of it.
    pub device_uid: String,
    /// The RMM's id of its site.
    pub site_uid: Option<String>,
    /// `device`, `esxihost`, `printer`; `None` where the RMM does not say.
    pub device_class: Option<String>,
    /// When the RMM took the inventory.
    pub audited_at: DateTime<Utc>,
}

/// What the RMM says of a device's inventory.
#[derive(Debug)]
pub struct DeviceInventory {
    /// What it says of the record, and the part of the source that says so; `None` when there is no inventory.
    pub claim: Option<Statement<Asset>>,
    /// Hardware and programs.
    pub audit: Audit,
}

impl DeviceInventory {
    /// Writes it, outside of runs.
    pub(crate) async fn write(self, writer: &mut RecordWriter<'_>) -> Result<()> {
        for Unread { member, reason } in self.claim.iter().flat_map(|(_, item)| &item.unread) {
            tracing::warn!("`{member}` of an inventory {reason}");
        }
        let page = self.claim.into_iter().collect();
        writer.apply::<Asset>(page).await?;
        query::replace(writer.tx, &[self.audit], writer.author.at).await
    }
}
