//! Search as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RecordKind;

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// Account number of its company; null when it has none, or is one.
    pub company_account_number: Option<String>,
    /// Name of its company.
    pub company_name: Option<String>,
    /// A second line: e-mail address, operating system, status...
    pub detail: Option<String>,
    /// What names it in paths: account number, id or ticket number.
    #[schema(example = "100001")]
    pub id: String,
    /// `company`, `contact`, `asset`, `ticket`, `location`, `psa_agent`, `billing_plan` or `agent`.
    #[schema(value_type = String, example = "company")]
    pub kind: RecordKind,
    /// Where it fits: `identifier` where the term is its account number, serial number, host name, e-mail address,
    /// telephone number or ticket number; `name`; or `text` for what was said on a ticket or is installed on an asset.
    #[schema(example = "name")]
    pub matched: String,
    /// Where to read it; null for what has no route of its own.
    #[schema(example = "/api/companies/100001")]
    pub path: Option<String>,
    /// What it is called.
    pub title: String,
}

/// What a search found, the best fit first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchOut {
    /// How many are shown.
    pub count: usize,
    /// Whether more records fit than are shown.
    pub more: bool,
    /// The term as it was understood.
    pub query: String,
    /// The records.
    pub results: Vec<SearchHit>,
}

/// Where a record holds a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// The term identifies it.
    Identifier,
    /// In its name, or in what else it is found by.
    Name,
    /// In what was said on it or is installed on it.
    Text,
}

impl Matched {
    /// The word for it in [`SearchHit::matched`].
    pub fn word(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Name => "name",
            Self::Text => "text",
        }
    }
}

/// What a search found, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchGroups {
    /// Records that the term identifies.
    pub exact: Vec<SearchHit>,
    /// The kinds of which something was found.
    pub groups: Vec<SearchGroup>,
    /// The term as it was understood.
    pub query: String,
    /// Its words.
    pub words: Vec<String>,
}

/// What a search found of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchGroup {
    /// The first records, the best fit first.
    pub hits: Vec<SearchHit>,
    /// The kind.
    pub kind: RecordKind,
    /// Whether there were more candidates than are looked at.
    pub more: bool,
    /// How many have the term in their name: those that the list of the kind finds.
    pub total: usize,
}
