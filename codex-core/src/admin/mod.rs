//! What administrators look at and do: how much is stored, whether vendors answer, and a new beginning.

pub(crate) mod query;
mod service;

use std::str::FromStr;

use crate::{RecordKind, nearest::nearest};

/// How many live records there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct RecordCounts {
    /// Companies.
    pub companies: i64,
    /// Contacts.
    pub contacts: i64,
    /// Contacts that are active.
    pub active_contacts: i64,
    /// Assets.
    pub assets: i64,
    /// Assets that are online.
    pub online_assets: i64,
    /// People who log in.
    pub agents: i64,
    /// Those who may.
    pub enabled_agents: i64,
    /// Tickets.
    pub tickets: i64,
}

/// How much waits, for a time or for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingWork {
    /// Changes that have not reached the PSA.
    pub outbox: i64,
    /// Deletions that are held.
    pub holds: i64,
    /// Duplicate candidates.
    pub duplicates: i64,
}

/// Which records are cleared (contract 1.2.K).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearData {
    /// Companies with their tickets, sites, locations, assets and overrides.
    Companies,
    /// Contacts.
    Contacts,
    /// Assets.
    Assets,
    /// The people who log in.
    Agents,
    /// All of these.
    All,
}

impl ClearData {
    /// Every choice.
    pub const ALL: [Self; 5] = [
        Self::Companies,
        Self::Contacts,
        Self::Assets,
        Self::Agents,
        Self::All,
    ];

    /// Its name in forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Assets => "assets",
            Self::Agents => "agents",
            Self::All => "all",
        }
    }

    /// The kinds of record, those that belong to others first.
    pub fn kinds(self) -> &'static [RecordKind] {
        match self {
            Self::Companies => &[
                RecordKind::Ticket,
                RecordKind::SiteLink,
                RecordKind::Location,
                RecordKind::Asset,
                RecordKind::Company,
            ],
            Self::Contacts => &[RecordKind::Contact],
            Self::Assets => &[RecordKind::Asset],
            Self::Agents => &[RecordKind::Agent],
            Self::All => &[
                RecordKind::Contact,
                RecordKind::Ticket,
                RecordKind::SiteLink,
                RecordKind::Location,
                RecordKind::Asset,
                RecordKind::Company,
                RecordKind::Agent,
            ],
        }
    }
}

impl FromStr for ClearData {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|data| data.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            match nearest(text, names) {
                Some(name) => format!("`{text}` is unknown; did you mean `{name}`?"),
                None => format!("`{text}` is unknown; there are {}", names.join(", ")),
            }
        })
    }
}

/// What was cleared, or would be: records by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared(pub Vec<(String, i64)>);

impl Cleared {
    /// How many records.
    pub fn total(&self) -> i64 {
        self.0.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_data_are_read_back() {
        for data in ClearData::ALL {
            assert_eq!(data.name().parse(), Ok(data));
        }
        let error = "contact".parse::<ClearData>().unwrap_err();
        assert!(error.ends_with("did you mean `contacts`?"), "{error}");
    }

    #[test]
    fn everything_is_each_kind_once() {
        let mut all = ClearData::All.kinds().to_vec();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ClearData::All.kinds().len());
        for data in ClearData::ALL {
            assert!(data.kinds().iter().all(|kind| all.contains(kind)));
        }
    }
}
