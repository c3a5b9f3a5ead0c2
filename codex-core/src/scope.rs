//! Who asks: every read takes a [`Scope`], so that no route can forget to ask.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, ids::CompanyId};

/// What a caller is. Core's token carries it as `permission_level` (contract 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything.
    Admin,
    /// Plans and features besides reading.
    Billing,
    /// Works on tickets and records.
    Technician,
    /// Sees own companies only; also the level of users without a group.
    Client,
    /// Another module with a service token.
    Service,
}

/// A group of roles that may do something. Services count as administrators (contract 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, clients as far as their own companies go.
    Everyone,
    /// Everybody but clients.
    Staff,
    /// Those who may change records: technician, admin, service.
    Technicians,
    /// Those who keep plans and prices: billing, admin, service.
    Billing,
    /// Administrators and services.
    Admins,
}

impl Access {
    /// Whether a role is in the group.
    pub fn has(self, role: Role) -> bool {
        match self {
            Self::Everyone => true,
            Self::Staff => role != Role::Client,
            Self::Technicians => {
                matches!(role, Role::Admin | Role::Technician | Role::Service)
            }
            Self::Billing => matches!(role, Role::Admin | Role::Billing | Role::Service),
            Self::Admins => matches!(role, Role::Admin | Role::Service),
        }
    }
}

/// The companies that a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sight {
    All,
    Only(Vec<CompanyId>),
}

/// A caller's role together with the companies it may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    role: Role,
    sight: Sight,
}

impl Scope {
    /// The system itself: syncs, command line, tests.
    pub fn system() -> Self {
        Self::staff(Role::Admin)
    }

    /// Somebody who sees every company. A `client` made this way sees none.
    pub fn staff(role: Role) -> Self {
        let sight = if role == Role::Client {
            Sight::Only(Vec::new())
        } else {
            Sight::All
        };
        Self { role, sight }
    }

    /// A client user who sees just `companies`.
    pub fn client(companies: Vec<CompanyId>) -> Self {
        Self {
            role: Role::Client,
            sight: Sight::Only(companies),
        }
    }

    /// The caller's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether records of `company` may be shown; records of no company are for staff.
    pub fn sees(&self, company: Option<CompanyId>) -> bool {
        match &self.sight {
            Sight::All => true,
            Sight::Only(own) => company.is_some_and(|id| own.contains(&id)),
        }
    }

    /// The only companies to be shown, or `None` when all are.
    pub fn companies(&self) -> Option<&[CompanyId]> {
        match &self.sight {
            Sight::All => None,
            Sight::Only(own) => Some(own),
        }
    }

    /// The only companies of a list, or `None` for all: the one that is asked for as far as it may be shown,
    /// else all that may be.
    #[cfg(feature = "store")]
    pub(crate) fn within(&self, asked: Option<CompanyId>) -> Option<Vec<CompanyId>> {
        match (asked, &self.sight) {
            (Some(company), _) if self.sees(Some(company)) => Some(vec![company]),
            (Some(_), _) => Some(Vec::new()),
            (None, Sight::Only(own)) => Some(own.clone()),
            (None, Sight::All) => None,
        }
    }

    /// Refuses clients.
    pub fn require_staff(&self, what: &'static str) -> Result<()> {
        self.require(Access::Staff, what)
    }

    /// Refuses all but administrators and services.
    pub fn require_admin(&self, what: &'static str) -> Result<()> {
        self.require(Access::Admins, what)
    }

    /// Refuses those who may not change records.
    pub fn require_technician(&self, what: &'static str) -> Result<()> {
        self.require(Access::Technicians, what)
    }

    /// Refuses those who do not keep plans and prices.
    pub fn require_billing(&self, what: &'static str) -> Result<()> {
        self.require(Access::Billing, what)
    }

    /// Refuses callers whose role is not in a group.
    pub fn require(&self, access: Access, what: &'static str) -> Result<()> {
        if access.has(self.role) {
            Ok(())
        } else {
            Err(Error::Forbidden(what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_scope_sees_only_its_own_companies() {
        let scope = Scope::client(vec![CompanyId(1)]);
        assert!(scope.sees(Some(CompanyId(1))));
        assert!(!scope.sees(Some(CompanyId(2))));
        assert!(!scope.sees(None));
        assert!(!Scope::staff(Role::Client).sees(Some(CompanyId(1))));
    }

    #[test]
    fn roles_allow_actions_by_kind() {
        assert!(
            Scope::staff(Role::Billing)
                .require_technician("edit")
                .is_err()
        );
        assert!(Scope::staff(Role::Service).require_admin("sync").is_ok());
        assert!(Scope::staff(Role::Client).require_staff("agents").is_err());
    }
}
