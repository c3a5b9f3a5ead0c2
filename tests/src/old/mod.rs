//! Databases of the former service, made of a simulated [`World`]: what its syncs would have stored of the records that
//! the simulators serve, so that a sync after an import meets the same ids. Each generation of the schema, mixtures of
//! them by a seed, and the flaws that such databases have, each of which can be left out.
//!
//! Which row has which flaw follows from its number; rows with a flaw of their own have ids below [`FIRST_ID`].

mod assets;
mod columns;
mod companies;
mod database;
mod flaws;
mod people;
mod plans;
mod row;
mod schema;
mod tickets;

use std::collections::{BTreeMap, BTreeSet};

use codex_core::import::{Generation, TimeZone};

pub use database::Target;
pub use flaws::OldFlaw;

use crate::sim::World;
use database::Writer;
use schema::Schema;

/// The first id of rows that stand for a record of the world.
pub const FIRST_ID: i64 = 1_000;

/// Which database to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// The generation of its schema.
    pub generation: Generation,
    /// Of a mixture: which of the later columns and tables are there; `None` for all of them.
    pub seed: Option<u64>,
    /// The flaws that it has.
    pub flaws: BTreeSet<OldFlaw>,
    /// The zone of its server's clock.
    pub zone: TimeZone,
}

impl Options {
    /// A database of a generation with every flaw.
    ///
    /// # Errors
    /// When the zone of its clock is not known.
    pub fn flawed(generation: Generation) -> anyhow::Result<Self> {
        Ok(Self {
            generation,
            seed: None,
            flaws: OldFlaw::ALL.into_iter().collect(),
            zone: codex_core::import::time_zone("Europe/Berlin")?,
        })
    }

    /// A mixture by a seed with every flaw.
    ///
    /// # Errors
    /// As [`Options::flawed`].
    pub fn mixture(seed: u64) -> anyhow::Result<Self> {
        Ok(Self {
            seed: Some(seed),
            ..Self::flawed(Generation::Mixed)?
        })
    }

    fn has(&self, flaw: OldFlaw) -> bool {
        self.flaws.contains(&flaw)
    }

    fn is_second(&self) -> bool {
        self.generation == Generation::Second
    }
}

/// What a database was filled with.
#[derive(Debug, Default)]
pub struct Made {
    /// Rows by table; only tables that are there.
    pub rows: BTreeMap<&'static str, u64>,
    /// Rows that an import leaves out or merges, by table.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Rows with a flaw.
    pub flaws: BTreeMap<OldFlaw, u64>,
    /// How many rows an import reports at least, by table and code.
    pub reported: BTreeMap<(&'static str, &'static str), u64>,
    /// Ids of assets by the uid of the device.
    pub assets: BTreeMap<String, i64>,
    /// Ids of contacts by the PSA's id of the requester.
    pub contacts: BTreeMap<i64, i64>,
    /// Ids of overrides that are imported, with account number and key.
    pub overrides: BTreeMap<i64, (String, &'static str)>,
}

impl Made {
    /// Counts a row with a flaw that an import takes as it is.
    fn count(&mut self, flaw: OldFlaw) {
        *self.flaws.entry(flaw).or_default() += 1;
    }

    /// Notes a row with a flaw that an import reports under a code.
    fn note(&mut self, flaw: OldFlaw, table: &'static str, code: &'static str) {
        self.count(flaw);
        *self.reported.entry((table, code)).or_default() += 1;
    }

    /// Notes a row with a flaw for which an import leaves it out or merges it.
    fn note_left_out(&mut self, flaw: OldFlaw, table: &'static str, code: &'static str) {
        self.note(flaw, table, code);
        *self.left_out.entry(table).or_default() += 1;
    }
}

/// Whether the row with a number is one of the `every`: the last of each.
fn is_each(n: usize, every: usize) -> bool {
    n % every == every - 1
}

/// An id by a number.
fn id_of(n: usize) -> i64 {
    FIRST_ID + i64::try_from(n).unwrap_or_default()
}

/// Makes the tables and fills them, in one transaction.
///
/// # Errors
/// When the database refuses a statement, such as for tables that are there already.
pub async fn fill(target: Target, world: &World, options: &Options) -> anyhow::Result<Made> {
    let schema = Schema::new(options.generation, options.seed);
    let mut writer = Writer::begin(target, schema).await?;
    let mut made = Made::default();
    let numbers = companies::fill(&mut writer, world, options, &mut made).await?;
    let contacts = people::contacts(&mut writer, world, options, &numbers, &mut made).await?;
    companies::sites(&mut writer, world, options, &numbers, &mut made).await?;
    assets::fill(
        &mut writer,
        world,
        options,
        &numbers,
        &contacts.by_company,
        &mut made,
    )
    .await?;
    companies::beside(&mut writer, options, &numbers, &mut made).await?;
    people::psa_agents(&mut writer, world, options, &mut made).await?;
    people::agents(&mut writer, world, options, &mut made).await?;
    plans::fill(&mut writer, world, options, &mut made).await?;
    tickets::fill(&mut writer, world, options, &numbers, &mut made).await?;
    tickets::jobs(&mut writer, options, &mut made).await?;
    made.rows = writer.end().await?;
    Ok(made)
}
