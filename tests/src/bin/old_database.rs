//! Makes a database of the former service, to try an import.
//!
//! `cargo run -p codex-tests --bin old_database -- --generation 2 --size M --to sqlite:old.db`

use clap::Parser;
use codex_core::import::Generation;
use codex_tests::{
    old::{Options, Target, fill},
    sim::{Size, World},
};

/// Makes a database of the former service, with the records that `simulate` and the demo serve.
#[derive(Debug, Parser)]
struct OldDatabase {
    /// 1 = first, 2 = second, 3 = a first one migrated to the second
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    generation: u8,
    /// Make the third, and leave out a different part of its migration for each number
    #[arg(long, value_name = "SEED", conflicts_with = "generation")]
    mixture: Option<u64>,
    /// tiny, small, S, M or L
    #[arg(long, default_value = "S")]
    size: Size,
    /// Leave out the flaws that such databases have
    #[arg(long)]
    clean: bool,
    /// The empty database: sqlite:path or postgresql://user:password@host/database
    #[arg(long, value_name = "URL")]
    to: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = OldDatabase::parse();
    let mut options = match (asked.mixture, asked.generation) {
        (Some(seed), _) => Options::mixture(seed)?,
        (None, 1) => Options::flawed(Generation::First)?,
        (None, 2) => Options::flawed(Generation::Second)?,
        (None, _) => Options::flawed(Generation::Mixed)?,
    };
    if asked.clean {
        options.flaws.clear();
    }
    let world = World::generate(asked.size, 7);
    let made = fill(Target::open(&asked.to).await?, &world, &options).await?;
    for (table, rows) in &made.rows {
        println!("{rows:>8} {table}");
    }
    for (flaw, rows) in &made.flaws {
        println!("{rows:>8} with {}", flaw.word());
    }
    println!(
        "The clock of its server is that of {}.",
        options.zone.name()
    );
    Ok(())
}
