//! Times the read of one asset in Rust, which codex-py/tests/speed.py compares with the same read in Python:
//! `point_read sqlite:///srv/codex.db ID`, the median microseconds on standard output.

use std::{
    io::{self, Write as _},
    time::Instant,
};

use codex_core::{Codex, Scope, ids::AssetId};

const READS: usize = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `println!` panics when the reader goes away, as `head` does.
    let mut out = io::stdout();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, id] = words.as_slice() else {
        return Err("usage: point_read URL ID".into());
    };
    let (codex, scope, id) = (
        Codex::open(url).await?,
        Scope::system(),
        AssetId(id.parse()?),
    );
    let mut took = Vec::with_capacity(READS);
    for _ in 0..READS {
        let began = Instant::now();
        let asset = codex.asset_with_company(&scope, id).await?;
        took.push(began.elapsed());
        asset.ok_or("there is no such asset")?;
    }
    took.sort_unstable();
    writeln!(out, "{:.1}", took[READS / 2].as_secs_f64() * 1e6)?;
    codex.close().await;
    Ok(())
}
