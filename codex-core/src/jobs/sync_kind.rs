//! The syncs there are, and one name for each: on the command line, in paths of the API, in lists of jobs.
//!
//! Jobs are stored under `script` and `sync_type`, leases and cursors under the source's own name. Those stay
//! as they are; they are understood as other names of the sync. The names are those of today's contract, also where
//! another vendor is chosen.

use std::str::FromStr;

use crate::{nearest::nearest, scope::Access};

/// What a source is to the MSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncKind {
    /// Professional services automation: companies, contacts, agents.
    Psa,
    /// The PSA's tickets that changed, with what was said and worked.
    Tickets,
    /// The PSA's tickets that changed, lists only.
    TicketsLight,
    /// Every ticket that the PSA has, back to its first.
    TicketHistory,
    /// Remote monitoring and management: sites and devices.
    Rmm,
    /// What is in the RMM's devices and on them.
    RmmAudits,
    /// The people who log in.
    Agents,
    /// Account numbers for the PSA's companies that have none.
    AssignAccounts,
    /// Account numbers for the RMM's sites.
    PushAccounts,
}

/// The name of a stored job's sync in SQL; the script of what no sync of today is.
#[cfg(feature = "store")]
pub(super) const SYNC_NAME: &str = "(case \
    when script = 'psa' and sync_type = 'base' then 'freshservice' \
    when script = 'rmm' and sync_type is null then 'datto' \
    when script = 'rmm-audits' and sync_type is null then 'datto-audits' \
    when script = 'psa' and sync_type = 'tickets-detail' then 'tickets' \
    when script = 'psa' and sync_type = 'tickets' then 'tickets-light' \
    when script = 'psa' and sync_type = 'tickets-history' then 'ticket-history' \
    when script = 'keycloak_agents' and sync_type is null then 'keycloak' \
    when script = 'create-account-numbers' and sync_type is null then 'accounts-assign' \
    when script = 'push-to-datto' and sync_type is null then 'accounts-push' \
    else script end)";

impl SyncKind {
    /// Every sync, in the order in which links find what they point to.
    pub const ALL: [Self; 9] = [
        Self::Psa,
        Self::Rmm,
        Self::RmmAudits,
        Self::Tickets,
        Self::TicketsLight,
        Self::TicketHistory,
        Self::Agents,
        Self::AssignAccounts,
        Self::PushAccounts,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Psa => "freshservice",
            Self::Rmm => "datto",
            Self::RmmAudits => "datto-audits",
            Self::Tickets => "tickets",
            Self::TicketsLight => "tickets-light",
            Self::TicketHistory => "ticket-history",
            Self::Agents => "keycloak",
            Self::AssignAccounts => "accounts-assign",
            Self::PushAccounts => "accounts-push",
        }
    }

    /// Names that it has or had elsewhere: of its jobs, its source, its older routes and commands.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Psa => &["psa"],
            Self::Rmm => &["rmm"],
            Self::RmmAudits => &["audits", "rmm-audits", "datto.audits"],
            Self::Tickets => &["tickets-detail", "freshservice.tickets"],
            Self::TicketsLight => &[],
            Self::TicketHistory => &["tickets-history", "full-history", "freshservice.history"],
            Self::Agents => &["agents", "keycloak_agents"],
            Self::AssignAccounts => &["create-account-numbers", "freshservice.accounts"],
            Self::PushAccounts => &["push-to-datto", "datto.accounts"],
        }
    }

    /// Who may start it.
    pub fn started_by(self) -> Access {
        match self {
            Self::Tickets | Self::TicketsLight => Access::Technicians,
            Self::Psa
            | Self::TicketHistory
            | Self::Rmm
            | Self::RmmAudits
            | Self::Agents
            | Self::AssignAccounts
            | Self::PushAccounts => Access::Admins,
        }
    }

    /// What its jobs are stored as: what today's modules ask for.
    pub fn script(self) -> &'static str {
        match self {
            Self::Psa | Self::Tickets | Self::TicketsLight | Self::TicketHistory => "psa",
            Self::Rmm => "rmm",
            Self::RmmAudits => "rmm-audits",
            Self::Agents => "keycloak_agents",
            Self::AssignAccounts => "create-account-numbers",
            Self::PushAccounts => "push-to-datto",
        }
    }

    /// Type of its jobs, where several syncs share a script.
    pub fn sync_type(self) -> Option<&'static str> {
        match self {
            Self::Psa => Some("base"),
            Self::Tickets => Some("tickets-detail"),
            Self::TicketsLight => Some("tickets"),
            Self::TicketHistory => Some("tickets-history"),
            Self::Rmm
            | Self::RmmAudits
            | Self::Agents
            | Self::AssignAccounts
            | Self::PushAccounts => None,
        }
    }

    /// The sync whose jobs are stored so; `None` for what no sync of today is.
    pub fn of_job(script: &str, sync_type: Option<&str>) -> Option<Self> {
        let is = |part: &Self| part.script() == script && part.sync_type() == sync_type;
        Self::ALL.into_iter().find(is)
    }
}

impl FromStr for SyncKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is = |part: &Self| part.name() == text || part.aliases().contains(&text);
        Self::ALL.into_iter().find(is).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let meant = match nearest(text, names) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            format!("there is no sync `{text}`; {meant}")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_maps_to_one_sync() {
        let mut seen = BTreeSet::new();
        for part in SyncKind::ALL {
            for name in std::iter::once(part.name()).chain(part.aliases().iter().copied()) {
                assert!(seen.insert(name), "{name}");
                assert_eq!(name.parse(), Ok(part));
            }
            assert_eq!(
                SyncKind::of_job(part.script(), part.sync_type()),
                Some(part)
            );
        }
        assert_eq!(SyncKind::of_job("psa", None), None);
        let error = "dato".parse::<SyncKind>().unwrap_err();
        assert_eq!(error, "there is no sync `dato`; did you mean `datto`?");
    }

    #[cfg(feature = "store")]
    #[test]
    fn names_in_sql_are_those_of_all_syncs() {
        let cases = SyncKind::ALL.map(|kind| {
            let of_type = match kind.sync_type() {
                Some(sync_type) => format!("= '{sync_type}'"),
                None => "is null".to_owned(),
            };
            let (script, name) = (kind.script(), kind.name());
            format!("when script = '{script}' and sync_type {of_type} then '{name}'")
        });
        let wanted = format!("(case {} else script end)", cases.join(" "));
        assert_eq!(SYNC_NAME, wanted);
    }
}
