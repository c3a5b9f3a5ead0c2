//! Assets as the devices of an RMM.

use codex_core::assets::devices::{DeviceDetailOut, DevicesOut};

use crate::{Result, request::Requester};

/// Calls about devices.
#[derive(Debug)]
pub struct Devices<'c>(pub(crate) &'c Requester);

/// Which devices a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceOptions {
    /// Account number of the only company.
    pub company_id: Option<String>,
    /// Whether the agent is connected.
    pub online: Option<bool>,
    /// At most this many; 100 when not given.
    pub limit: Option<u32>,
}

impl Devices<'_> {
    /// The first devices by host name.
    pub async fn list(&self, options: &DeviceOptions) -> Result<DevicesOut> {
        let online = options
            .online
            .map(|online| if online { "online" } else { "offline" });
        let query: Vec<(&str, String)> = [
            ("company_id", options.company_id.clone()),
            ("status", online.map(str::to_owned)),
            ("limit", options.limit.map(|limit| limit.to_string())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        self.0.get(&["api", "rmm", "devices"], &query).await
    }

    /// A device with what its inventory says, by the id of its asset.
    pub async fn get(&self, asset: i64) -> Result<DeviceDetailOut> {
        let id = format!("device-{asset}");
        self.0.get(&["api", "rmm", "device", &id], &[]).await
    }
}
