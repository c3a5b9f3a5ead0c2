//! Which records a list holds, and how they are spelled.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::DateTime;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use super::{
    audits,
    options::{Options, Times, Udf},
};
use crate::sim::world::{Device, Site, World};

/// Members of a device that are times.
const TIMES: [&str; 4] = ["lastSeen", "lastReboot", "lastAuditDate", "creationDate"];
/// Most user-defined fields that a device has ever had.
const UDF_MAX: usize = 300;

/// The lists that the simulator has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum List {
    Sites,
    Devices,
    SiteDevices(String),
    SiteInterfaces(String),
    SiteVariables(String),
    Software(String),
}

impl List {
    /// The member that holds the list.
    pub fn array(&self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::Devices | Self::SiteDevices(_) | Self::SiteInterfaces(_) => "devices",
            Self::SiteVariables(_) => "variables",
            Self::Software(_) => "software",
        }
    }

    /// Parameters that must be found in a member of the record, whatever the case (vendors 2.5).
    fn filters(&self) -> &'static [&'static str] {
        match self {
            Self::Sites => &["siteName"],
            Self::Devices => &["hostname", "deviceType", "operatingSystem", "siteName"],
            _ => &[],
        }
    }
}

/// What is kept until the world changes: who is where, orders, pages.
#[derive(Debug)]
pub(super) struct Kept {
    pub revision: u64,
    sites: HashMap<String, usize>,
    devices: HashMap<String, usize>,
    at_site: HashMap<String, Vec<usize>>,
    orders: Mutex<HashMap<String, Arc<Vec<usize>>>>,
    pages: Mutex<HashMap<String, Vec<Arc<str>>>>,
}

impl Kept {
    pub fn of(world: &World, revision: u64) -> Self {
        let mut at_site: HashMap<String, Vec<usize>> = HashMap::new();
        let mut devices = HashMap::new();
        for (at, device) in world.devices.iter().enumerate() {
            match at_site.get_mut(&device.site) {
                Some(there) => there.push(at),
                None => drop(at_site.insert(device.site.clone(), vec![at])),
            }
            if let Some(uid) = device.body.get("uid").and_then(Value::as_str) {
                devices.entry(uid.to_owned()).or_insert(at);
            }
        }
        let sites = world.sites.iter().enumerate();
        Self {
            revision,
            sites: sites.map(|(at, site)| (site.uid.clone(), at)).collect(),
            devices,
            at_site,
            orders: Mutex::default(),
            pages: Mutex::default(),
        }
    }

    /// A page's items as JSON text, and how many items the whole list has; `None` for a site that does
    /// not exist.
    pub fn page(
        &self,
        world: &World,
        options: &Options,
        asked: &Asked<'_>,
    ) -> Option<(Vec<Arc<str>>, usize)> {
        let key = format!("{:?}{:?}", asked.list, asked.filters);
        let order = self.order(world, options, asked, &key)?;
        let key = format!("{key}#{}#{}", asked.page, asked.max);
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let items = pages.entry(key).or_insert_with(|| {
            let first = asked.page.saturating_mul(asked.max);
            let places = order.iter().skip(first).take(asked.max);
            places
                .map(|at| Arc::from(self.spelled(world, options, asked.list, *at)))
                .collect()
        });
        Some((items.clone(), order.len()))
    }

    fn order(
        &self,
        world: &World,
        options: &Options,
        asked: &Asked<'_>,
        key: &str,
    ) -> Option<Arc<Vec<usize>>> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = orders.get(key) {
            return Some(order.clone());
        }
        let order = Arc::new(self.ordered(world, options, asked)?);
        orders.insert(key.to_owned(), order.clone());
        Some(order)
    }

    /// The places of a list's records. No route promises an order; here it is that of the world.
    fn ordered(&self, world: &World, options: &Options, asked: &Asked<'_>) -> Option<Vec<usize>> {
        let found = |at: &usize| asked.lists(world, *at);
        Some(match asked.list {
            List::Sites => (0..world.sites.len()).filter(found).collect(),
            List::Devices => (0..world.devices.len())
                .filter(|at| !(options.account_list_lacks_third && at % 3 == 2))
                .filter(found)
                .collect(),
            List::SiteDevices(uid) | List::SiteInterfaces(uid) => {
                self.sites.get(uid)?;
                self.at_site.get(uid).cloned().unwrap_or_default()
            }
            List::Software(uid) => {
                (0..audits::programs(&world.devices[*self.devices.get(uid)?]).len()).collect()
            }
            List::SiteVariables(uid) => {
                (0..world.sites[*self.sites.get(uid)?].variables.len()).collect()
            }
        })
    }

    fn spelled(&self, world: &World, options: &Options, list: &List, at: usize) -> String {
        match list {
            List::Sites => self.site_text(world, &world.sites[at]),
            List::Devices | List::SiteDevices(_) => {
                self.device_text(world, options, &world.devices[at])
            }
            List::SiteInterfaces(_) => self.interfaces_text(world, &world.devices[at]),
            List::Software(uid) => {
                audits::programs(&world.devices[self.devices[uid]])[at].to_string()
            }
            List::SiteVariables(uid) => world.sites[self.sites[uid]].variables[at].to_string(),
        }
    }

    pub fn site(&self, world: &World, uid: &str) -> Option<String> {
        let at = self.sites.get(uid)?;
        Some(self.site_text(world, &world.sites[*at]))
    }

    /// A device as it is.
    pub fn find<'w>(&self, world: &'w World, uid: &str) -> Option<&'w Device> {
        Some(&world.devices[*self.devices.get(uid)?])
    }

    pub fn device(&self, world: &World, options: &Options, uid: &str) -> Option<String> {
        let at = self.devices.get(uid)?;
        Some(self.device_text(world, options, &world.devices[*at]))
    }

    fn site_text(&self, world: &World, site: &Site) -> String {
        let there = self.at_site.get(&site.uid).map_or(&[][..], Vec::as_slice);
        let online = there
            .iter()
            .filter(|at| is_online(&world.devices[**at]))
            .count();
        let count = site
            .claimed_count
            .map_or(there.len(), |n| usize::try_from(n).unwrap_or(usize::MAX));
        let mut body = site.body.clone();
        let status = json!({"numberOfDevices": count, "numberOfOnlineDevices": online,
            "numberOfOfflineDevices": count.saturating_sub(online)});
        body.insert("devicesStatus".into(), status);
        Value::Object(body).to_string()
    }

    fn device_text(&self, world: &World, options: &Options, device: &Device) -> String {
        let site = self.sites.get(&device.site).map(|at| &world.sites[*at]);
        let sent = Sent {
            device,
            site,
            options,
        };
        // Every member is a JSON value with text for a key, so there is nothing that could fail.
        serde_json::to_string(&sent).unwrap_or_default()
    }

    fn interfaces_text(&self, world: &World, device: &Device) -> String {
        let site = self.sites.get(&device.site).map(|at| &world.sites[*at]);
        let member = |name: &str| device.body.get(name).cloned().unwrap_or_default();
        let of_site = |name: &str| {
            site.and_then(|site| site.body.get(name))
                .cloned()
                .unwrap_or_default()
        };
        let nics = match &device.mac {
            Some(mac) => json!([{"instance": "Ethernet", "ipv4": member("intIpAddress"),
                "ipv6": null, "macAddress": mac, "type": "Ethernet 802.3"}]),
            None => Value::Null,
        };
        json!({"id": member("id"), "uid": member("uid"), "siteId": of_site("id"), "siteUid": device.site,
            "siteName": of_site("name"), "deviceType": member("deviceType"), "hostname": member("hostname"),
            "intIpAddress": member("intIpAddress"), "extIpAddress": member("extIpAddress"), "nics": nics})
        .to_string()
    }
}

/// What a call asks a list for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'q> {
    pub list: &'q List,
    pub page: usize,
    pub max: usize,
    pub filters: &'q BTreeMap<String, String>,
}

impl Asked<'_> {
    fn lists(&self, world: &World, at: usize) -> bool {
        let body = match self.list {
            List::Sites => &world.sites[at].body,
            _ => &world.devices[at].body,
        };
        let wanted = self.list.filters().iter();
        wanted
            .filter_map(|name| Some((*name, self.filters.get(*name)?)))
            .all(|(name, wanted)| {
                let value = match (self.list, name) {
                    (List::Sites, _) => body.get("name"),
                    (_, "deviceType") => body.get(name).and_then(|kind| kind.get("type")),
                    (_, name) => body.get(name),
                };
                let wanted = wanted.replace('%', "").to_lowercase();
                value
                    .and_then(Value::as_str)
                    .is_some_and(|value| value.to_lowercase().contains(&wanted))
            })
    }
}

pub(super) fn is_online(device: &Device) -> bool {
    device.body.get("online") == Some(&Value::Bool(true))
}

/// A device as it goes over the wire: with its site of the moment, and fields and times as the account's build
/// spells them. Written member by member because a copy of each device would cost more than the sending.
struct Sent<'w> {
    device: &'w Device,
    site: Option<&'w Site>,
    options: &'w Options,
}

impl Serialize for Sent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.device.body {
            let of_site = |name: &str| self.site.and_then(|site| site.body.get(name));
            match name.as_str() {
                "siteUid" => map.serialize_entry(name, &self.device.site)?,
                "siteId" => map.serialize_entry(name, of_site("id").unwrap_or(value))?,
                "siteName" => map.serialize_entry(name, of_site("name").unwrap_or(value))?,
                "udf" => match (self.options.udf, value) {
                    (Udf::Absent, _) => {}
                    (Udf::Udf300, Value::Object(fields)) => {
                        let mut all = fields.clone();
                        for number in 31..=UDF_MAX {
                            all.entry(format!("udf{number}")).or_insert(Value::Null);
                        }
                        map.serialize_entry(name, &all)?;
                    }
                    (Udf::Udf30 | Udf::Udf300, value) => map.serialize_entry(name, value)?,
                },
                time if TIMES.contains(&time) => {
                    map.serialize_entry(name, &spelled_time(value, self.options.times))?;
                }
                _ => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

fn spelled_time(value: &Value, times: Times) -> Value {
    match (times, value.as_i64()) {
        (Times::Seconds, Some(millis)) => json!(millis.div_euclid(1000)),
        (Times::Iso, Some(millis)) => DateTime::from_timestamp_millis(millis)
            .map_or(Value::Null, |at| {
                at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into()
            }),
        _ => value.clone(),
    }
}
