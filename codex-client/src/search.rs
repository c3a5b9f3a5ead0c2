//! Search over everything.

use codex_core::search::wire::SearchOut;

use crate::{Client, Result};

/// What to search.
#[derive(Debug, Clone, Default)]
pub struct SearchOptions {
    /// Only these kinds: `company`, `contact`, `asset`, `ticket`, `location`.
    pub kinds: Vec<String>,
    /// At most this many records, 1 to 100.
    pub limit: Option<u32>,
}

impl Client {
    /// Finds companies, contacts, assets, tickets and locations; the best fit first.
    pub async fn search(&self, term: &str, options: &SearchOptions) -> Result<SearchOut> {
        let mut query = vec![("q", term.to_owned())];
        if !options.kinds.is_empty() {
            query.push(("kind", options.kinds.join(",")));
        }
        query.extend(options.limit.map(|limit| ("limit", limit.to_string())));
        self.0.get(&["api", "search"], &query).await
    }
}
