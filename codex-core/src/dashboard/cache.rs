//! What is kept of dashboards: each kind of figures by itself, so that a poll of devices does not have tickets counted
//! again.

use chrono::{DateTime, NaiveDate, Utc};

use super::{
    query::{AssetFigures, RecordFigures, TicketFigures},
    wire::OwnTicketsOut,
};
use crate::{fold::IdentityKey, scope::Scope, store::Figures};

/// For whom figures are made, and for which day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audience {
    /// The only companies that count, in order; `None` for all.
    companies: Option<Vec<i64>>,
    day: NaiveDate,
}

impl Audience {
    /// Of a caller.
    pub fn new(scope: &Scope, now: DateTime<Utc>) -> Self {
        let companies = scope.companies().map(|own| {
            let mut ids: Vec<i64> = own.iter().map(|id| id.0).collect();
            ids.sort_unstable();
            ids
        });
        Self {
            companies,
            day: now.date_naive(),
        }
    }
}

/// Whose tickets, and which statuses count as open.
pub(crate) type Responder = (IdentityKey, Vec<i64>);

/// All figures that are kept.
#[derive(Debug, Default)]
pub(crate) struct DashboardCache {
    pub records: Figures<Audience, RecordFigures>,
    pub tickets: Figures<Audience, TicketFigures>,
    pub assets: Figures<Audience, AssetFigures>,
    pub own: Figures<Responder, Option<OwnTicketsOut>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CompanyId;

    #[test]
    fn callers_with_the_same_companies_share_figures() {
        let now = DateTime::UNIX_EPOCH;
        let of = |ids: &[i64]| {
            let ids = ids.iter().map(|id| CompanyId(*id)).collect();
            Audience::new(&Scope::client(ids), now)
        };
        assert_eq!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[1]), of(&[1, 2]));
        assert_ne!(of(&[]), Audience::new(&Scope::system(), now));
    }
}
