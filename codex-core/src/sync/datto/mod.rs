//! Datto RMM: sites, their variables, devices, network interfaces (vendors 2).

mod accounts;
mod audit_map;
mod audits;
mod client;
mod crawl;
mod interfaces;
mod inventories;
mod map;
mod parts;

pub use accounts::Accounts;
pub use audits::Audits;
pub use client::Settings;
pub use inventories::Inventories;

use super::{Run, Source, SyncKind, Work};
use crate::records::claims::ClaimSource;

/// Name of the source.
pub const NAME: &str = "datto";
const MAIN: ClaimSource = ClaimSource::Main(NAME);
/// Its lists.
const SITES: &str = "sites";
const DEVICES: &str = "devices";
/// What site variables say about a site.
const VARIABLES: ClaimSource = ClaimSource::Part {
    name: "datto.variables",
    of: NAME,
};
/// What the network-interface route says about a device.
const INTERFACES: ClaimSource = ClaimSource::Part {
    name: "datto.interfaces",
    of: NAME,
};

/// Its statements by name, for the test that prepares them all.
pub(super) fn statements() -> Vec<(&'static str, crate::store::Sql)> {
    [
        parts::STATEMENTS,
        interfaces::STATEMENTS,
        accounts::STATEMENTS,
    ]
    .concat()
}

/// How the account's sites and fields are read.
#[derive(Debug, Clone)]
pub struct Options {
    /// User-defined fields that hold secrets, by name.
    pub secret_udfs: Vec<String>,
    /// Whether Managed and OnDemand may belong to a customer (vendors 2.7).
    pub map_system_sites: bool,
    /// After how many hours a site's variables are read again.
    pub variables_max_age_hours: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            secret_udfs: vec!["udf2".into(), "udf9".into()],
            map_system_sites: false,
            variables_max_age_hours: 24,
        }
    }
}

/// The Datto RMM source.
#[derive(Debug)]
pub struct Datto {
    settings: Settings,
    options: Options,
}

impl Datto {
    /// A source that syncs from the account of `settings`.
    pub fn new(settings: Settings, options: Options) -> Self {
        Self { settings, options }
    }
}

impl Source for Datto {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Rmm
    }

    fn origins(&self) -> Vec<ClaimSource> {
        vec![MAIN, VARIABLES, INTERFACES]
    }

    fn scopes(&self) -> &'static [&'static str] {
        &[SITES, DEVICES]
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(crawl::sync(&self.settings, &self.options, run))
    }
}
