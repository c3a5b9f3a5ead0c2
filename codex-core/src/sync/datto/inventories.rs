//! Inventories of single devices, outside of runs: for people who wait.

use tokio::sync::OnceCell;

use super::{
    NAME, Settings,
    audits::{self, Parts},
    client::Client,
};
use crate::{
    assets::audit::{DeviceInventory, DueDevice},
    sync::{
        UpstreamError,
        ports::{Answer, CallContext, Inventory, Probe},
    },
};

/// Datto RMM's inventories, one device at a time.
#[derive(Debug)]
pub struct Inventories {
    settings: Settings,
    client: OnceCell<Client>,
}

impl Inventories {
    /// Inventories of the account of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            client: OnceCell::new(),
        }
    }

    async fn client(&self, context: CallContext<'_>) -> Result<&Client, UpstreamError> {
        let open = async || {
            let rate_limit_block = context.rate_limit_block(NAME);
            Client::new(
                self.settings.clone(),
                rate_limit_block,
                context.clock.clone(),
            )
            .map(Client::for_people)
        };
        self.client.get_or_try_init(open).await
    }
}

impl Probe for Inventories {
    fn probe<'a>(&'a self, context: CallContext<'a>) -> Answer<'a, ()> {
        Box::pin(async move { self.client(context).await?.probe().await })
    }
}

impl Inventory for Inventories {
    fn provider(&self) -> &'static str {
        NAME
    }

    fn inventory<'a>(
        &'a self,
        context: CallContext<'a>,
        device: DueDevice,
    ) -> Answer<'a, DeviceInventory> {
        Box::pin(async move {
            let client = self.client(context).await?;
            let read = audits::ask(client, &Parts::default(), &device).await?;
            Ok(audits::device_inventory(device, read))
        })
    }
}
