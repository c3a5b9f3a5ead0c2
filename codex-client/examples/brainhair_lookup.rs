//! What Brainhair does when somebody asks about a name: find it, and read what is known.
//!
//! `cargo run --example brainhair_lookup -- http://127.0.0.1:5010 <token of Core> acme`

use std::io::{self, Write as _};

use codex_client::{Client, SearchOptions, TokenSource};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `println!` panics when the reader goes away, as `head` does.
    let mut out = io::stdout();
    let mut arguments = std::env::args().skip(1);
    let base = arguments.next().ok_or("the address of Codex is missing")?;
    let token = arguments.next().ok_or("a token is missing")?;
    let term = arguments.next().ok_or("what to look for is missing")?;
    let codex = Client::new(&base, TokenSource::fixed(token))?;

    let found = codex.search(&term, &SearchOptions::default()).await?;
    writeln!(out, "{} found for `{}`", found.count, found.query)?;
    for hit in found.results {
        let company = hit.company_name.as_deref().unwrap_or("-");
        writeln!(out, "{}: {} ({company})", hit.kind, hit.title)?;
        if hit.kind == "company" && !hit.id.is_empty() {
            let assets = codex.companies().assets(&hit.id).await?;
            let online = assets
                .iter()
                .filter(|asset| asset.online == Some(true))
                .count();
            writeln!(out, "  {} assets, {online} online", assets.len())?;
        }
        if let (true, Ok(number)) = (hit.kind == "ticket", hit.id.parse()) {
            let ticket = codex.tickets().get(number).await?;
            let status = ticket.status_text;
            writeln!(out, "  {status}, {} messages", ticket.conversations.len())?;
        }
    }
    Ok(())
}
