//! Hardware addresses: a call for each site, which the device list does not give.
//!
//! Sites that were never asked are asked before their devices are written, so that a first run writes
//! each device once. Devices that come later are asked for afterwards.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::{Stream, StreamExt};
use serde_json::{Map, Value};

use super::{
    INTERFACES, NAME,
    client::{Client, List},
    map, parts,
};
use crate::{
    Result,
    assets::Asset,
    panics::Panicked,
    records::{SourceRecord, claims::Statement},
    site_links::query,
    sync::{
        Run, UpstreamError,
        engine::{crawl::Lister as _, optional::OptionalList},
    },
};

sql! {
    /// Sites with devices whose hardware address was never asked for.
    WITHOUT_ADDRESS = "select distinct l.id, l.site_uid from assets a join site_links l \
        on l.site_uid = a.site_uid and l.deleted_at is null and l.provider = $1 \
        left join site_link_status s on s.site_link_id = l.id \
        where a.deleted_at is null and a.mac_address is null \
        and (s.interfaces_read_at is null or a.created_at > s.interfaces_read_at) order by l.id";
}

/// What sites that were never asked before have answered.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Links of the sites that answered, by site uid.
    sites: HashMap<String, i64>,
    by_device: HashMap<String, Option<String>>,
    /// Sites with a device that their answer did not know.
    incomplete: HashSet<String>,
}

impl Addresses {
    /// Asks every live site that was never asked and that `wanted` wants.
    pub async fn read(
        run: &mut Run,
        client: &Arc<Client>,
        known: &Arc<OptionalList>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let sites = query::state(run.db(), NAME).await?;
        let sites = sites
            .into_iter()
            .filter(|site| site.interfaces_read_at.is_none() && wanted(&site.site_uid))
            .map(|site| (site.id, site.site_uid))
            .collect();
        let mut addresses = Self::default();
        let mut answers = ask(client, known, sites);
        while let Some(answer) = answers.next().await {
            let Some((id, uid, devices)) = readable(run, client, answer?)? else {
                continue;
            };
            for device in &devices {
                match map::interfaces(device) {
                    Ok((device, address)) => {
                        addresses.by_device.insert(device, address);
                    }
                    Err(error) => run.issue(error.to_string()),
                }
            }
            addresses.sites.insert(uid, id);
        }
        Ok(addresses)
    }

    /// What its site has said about a device.
    pub fn of(&mut self, device: &SourceRecord<Asset>) -> Vec<Statement<Asset>> {
        let Some(site) = device.scope.strip_prefix("site:") else {
            return Vec::new();
        };
        if let Some(address) = self.by_device.get(&device.external_id) {
            let uid = device.external_id.clone();
            return vec![(INTERFACES, stated(uid, &device.scope, address.clone()))];
        }
        if self.sites.contains_key(site) {
            self.incomplete.insert(site.to_owned());
        }
        Vec::new()
    }

    /// Notes which sites need not be asked again, once their devices are written.
    pub async fn note(self, run: &mut Run) -> Result<()> {
        let whole = self.sites.iter();
        let whole = whole.filter(|(uid, _)| !self.incomplete.contains(*uid));
        let ids: Vec<i64> = whole.map(|(_, id)| *id).collect();
        let now = run.clock().now();
        let mut tx = run.begin().await?;
        query::interfaces_read(&mut tx, &ids, now).await?;
        run.end(tx).await
    }
}

/// Asks the sites that have got devices since they were asked.
pub(super) async fn of_new_devices(
    run: &mut Run,
    client: &Arc<Client>,
    known: &Arc<OptionalList>,
) -> Result<()> {
    let now = run.clock().now();
    let sites: Vec<(i64, String)> = run.db().query(WITHOUT_ADDRESS).bind(NAME).all().await?;
    let mut answers = ask(client, known, sites);
    while let Some(answer) = answers.next().await {
        let Some((id, uid, devices)) = readable(run, client, answer?)? else {
            continue;
        };
        let scope = format!("site:{uid}");
        let items = devices.iter().map(|device| {
            let (uid, address) = map::interfaces(device)?;
            Ok(stated(uid, &scope, address))
        });
        run.page::<Asset>(INTERFACES, items).await?;
        let mut tx = run.begin().await?;
        query::interfaces_read(&mut tx, &[id], now).await?;
        run.end(tx).await?;
    }
    Ok(())
}

/// A site's link, its uid and what it says.
type Answer<T> = (i64, String, T);
/// What it says, or why that could not be read.
type Asked = Answer<Result<Option<Vec<Value>>, UpstreamError>>;

/// The answers of sites, a few calls at a time.
fn ask(
    client: &Arc<Client>,
    known: &Arc<OptionalList>,
    sites: Vec<(i64, String)>,
) -> impl Stream<Item = Result<Asked, Panicked>> + Unpin + Send + use<> {
    let (client, known) = (client.clone(), known.clone());
    parts::ask_each("network interfaces", sites, move |(id, uid)| {
        let (client, known) = (client.clone(), known.clone());
        async move {
            let list = List::SiteInterfaces(uid.clone());
            let all = parts::whole_unless_lacking(&client, &known, &uid, list).await;
            (id, uid, all)
        }
    })
}

/// An answer, or `None` when one site could not be read; trouble with the account is an error.
fn readable(
    run: &mut Run,
    client: &Client,
    (id, uid, answer): Asked,
) -> Result<Option<Answer<Vec<Value>>>> {
    run.calls(client.calls());
    match answer {
        Ok(devices) => Ok(devices.map(|devices| (id, uid, devices))),
        Err(error) if error.stops_everything() => Err(error.into()),
        Err(error) => {
            run.issue(format!(
                "site {uid}: its network interfaces could not be read ({error})"
            ));
            Ok(None)
        }
    }
}

fn stated(uid: String, scope: &str, address: Option<String>) -> SourceRecord<Asset> {
    let address = address.map_or(Value::Null, Value::String);
    let fields = Map::from_iter([("mac_address".to_owned(), address)]);
    SourceRecord::part(uid, scope, fields)
}
