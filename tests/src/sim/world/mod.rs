//! A made-up MSP: departments, requesters and agents at Freshservice, sites and devices at Datto, users at
//! Keycloak.
//! Deterministic from its seed, and as messy as real data is.
//!
//! Records are JSON as the vendor sends it, so that a test can say whatever a vendor may say. Which record has
//! which flaw follows from its place in the list; the functions that make them say so.

mod changes;
#[expect(
    clippy::manual_is_multiple_of,
    reason = "which record has which flaw is a table of remainders; 0 is one of them"
)]
mod datto;
#[expect(
    clippy::manual_is_multiple_of,
    reason = "which record has which flaw is a table of remainders; 0 is one of them"
)]
mod freshservice;
mod keycloak;
mod plans;
#[cfg(test)]
mod tests;
#[expect(
    clippy::manual_is_multiple_of,
    reason = "which record has which flaw is a table of remainders; 0 is one of them"
)]
pub mod tickets;

use chrono::{DateTime, Duration, TimeZone, Utc};
use rand::{SeedableRng, rngs::SmallRng};
use serde_json::{Map, Value};

pub use datto::{ACCOUNT_UID, DELETED_DEVICES, device_uid};
pub use freshservice::{department_id, requester_id};
pub use keycloak::user_id;
pub use plans::plans;

/// How large a world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 3 companies, 12 contacts, 12 assets: to be read by eye.
    Tiny,
    /// 50 companies, 150 contacts, 150 assets: what most tests need, on several small pages.
    Small,
    /// 50 companies, 2,000 contacts, 3,000 assets.
    S,
    /// 500 companies, 20,000 contacts, 40,000 assets.
    M,
    /// 2,000 companies, 100,000 contacts, 200,000 assets.
    L,
}

impl Size {
    /// Companies, contacts, assets.
    pub fn counts(self) -> (usize, usize, usize) {
        match self {
            Self::Tiny => (3, 12, 12),
            Self::Small => (50, 150, 150),
            Self::S => (50, 2_000, 3_000),
            Self::M => (500, 20_000, 40_000),
            Self::L => (2_000, 100_000, 200_000),
        }
    }
}

impl Size {
    /// Tickets.
    pub fn tickets(self) -> usize {
        match self {
            Self::Tiny | Self::Small => 60,
            Self::S => 600,
            Self::M => 20_000,
            Self::L => 200_000,
        }
    }
}

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_uppercase().as_str() {
            "TINY" => Ok(Self::Tiny),
            "SMALL" => Ok(Self::Small),
            "S" => Ok(Self::S),
            "M" => Ok(Self::M),
            "L" => Ok(Self::L),
            _ => Err(format!("a size is tiny, small, S, M or L, not {text}")),
        }
    }
}

/// A Datto site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its uid; not a GUID for the site of deleted devices.
    pub uid: String,
    /// The site without its device count, which is counted when it is sent.
    pub body: Map<String, Value>,
    /// Its variables, as sent.
    pub variables: Vec<Value>,
    /// A device count to claim instead of the true one.
    pub claimed_count: Option<u64>,
}

/// A Datto device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Uid of its site. `siteUid`, `siteId` and `siteName` are sent after it, if there is such a site.
    pub site: String,
    /// Its hardware address, sent by the network-interface route only.
    pub mac: Option<String>,
    /// As sent; times are milliseconds here, whatever the simulator makes of them.
    pub body: Map<String, Value>,
}

/// Everything that the simulators serve.
#[derive(Debug, Clone)]
pub struct World {
    /// The vendors' time.
    pub now: DateTime<Utc>,
    /// Freshservice departments, as sent.
    pub departments: Vec<Value>,
    /// Freshservice requesters, as sent; lists sort them.
    pub requesters: Vec<Value>,
    /// Freshservice agents, as sent; lists sort them.
    pub agents: Vec<Value>,
    /// Freshservice tickets, oldest first.
    pub tickets: Vec<tickets::Ticket>,
    /// Datto sites.
    pub sites: Vec<Site>,
    /// Datto devices.
    pub devices: Vec<Device>,
    /// Keycloak users, as a single one is sent; lists sort them.
    pub users: Vec<Value>,
}

impl World {
    /// A world of a size, on a day of its own.
    pub fn generate(size: Size, seed: u64) -> Self {
        let day = Utc.with_ymd_and_hms(2026, 1, 5, 10, 0, 0).single();
        Self::generate_at(size, seed, day.unwrap_or_default())
    }

    /// A world of a size at a moment.
    pub fn generate_at(size: Size, seed: u64, now: DateTime<Utc>) -> Self {
        let (companies, contacts, assets) = size.counts();
        let mut rng = SmallRng::seed_from_u64(seed);
        let departments: Vec<Value> = (0..companies)
            .map(|n| freshservice::department(&mut rng, n, size))
            .collect();
        let requesters = (0..contacts)
            .map(|n| freshservice::requester(&mut rng, n, &departments))
            .collect();
        let sites = datto::sites(&mut rng, &departments);
        let customers = sites.len() - datto::SYSTEM_SITES;
        let devices = (0..assets)
            .map(|n| {
                // One in forty lies in Managed; the others are spread evenly.
                let managed = n % 40 == 39;
                let site = if managed { customers } else { n % customers };
                datto::device(&mut rng, n, &sites[site], now)
            })
            .collect();
        let world = Self {
            now,
            departments,
            requesters,
            agents: (0..(companies / 10).clamp(2, 90))
                .map(freshservice::agent)
                .collect(),
            tickets: Vec::new(),
            sites,
            devices,
            users: keycloak::users(size),
        };
        world.with_tickets(size.tickets())
    }

    /// The same world with so many tickets.
    #[must_use]
    pub fn with_tickets(mut self, count: usize) -> Self {
        self.tickets = (0..count)
            .map(|n| tickets::ticket(n, count, &self))
            .collect();
        self
    }

    /// A world to be read by eye.
    pub fn tiny() -> Self {
        Self::generate(Size::Tiny, 1)
    }

    /// Moves the clock: every online device has been seen since, some by another user, from another address.
    pub fn tick(&mut self, by: Duration) {
        self.now += by;
        let millis = self.now.timestamp_millis();
        for (n, device) in self.devices.iter_mut().enumerate() {
            if device.body.get("online") == Some(&Value::Bool(true)) {
                device.body.insert("lastSeen".into(), millis.into());
                // Network devices have neither.
                if n.is_multiple_of(7) && !device.body["lastLoggedInUser"].is_null() {
                    let user = format!("CORP\\user{millis}");
                    let address = format!("203.0.113.{}", millis % 250);
                    device.body.insert("lastLoggedInUser".into(), user.into());
                    device.body.insert("extIpAddress".into(), address.into());
                }
            }
        }
    }

    /// The position of a requester, agent or department by its id.
    pub fn position(list: &[Value], id: i64) -> Option<usize> {
        list.iter().position(|item| item["id"].as_i64() == Some(id))
    }
}
