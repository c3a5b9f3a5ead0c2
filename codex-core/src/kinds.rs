//! The kinds of record there are: the one list of them, and what needs to know all.

use crate::{
    Error, Result, agents, assets, billing_plans, companies, contacts, feature_options, locations,
    overrides, psa_agents,
    records::{
        Resource, SearchDef, Tracked as _,
        resolve::{Policy, Precedence},
    },
    site_links, tags, tickets,
};

/// Does something with the type of a kind of record; `None` when there is no such kind.
///
/// `by_kind!("asset", R => work::<R>().await)` is `Some(work::<Asset>().await)`.
macro_rules! by_kind {
    ($kind:expr, $r:ident => $work:expr) => {
        $crate::kinds::by_kind!($kind, $r => $work, [
            $crate::agents::Agent, $crate::companies::Company, $crate::contacts::Contact,
            $crate::assets::Asset, $crate::locations::Location, $crate::site_links::SiteLink,
            $crate::psa_agents::PsaAgent, $crate::tickets::Ticket,
            $crate::billing_plans::BillingPlan, $crate::feature_options::FeatureOption,
            $crate::overrides::Override, $crate::tags::Tag, $crate::views::View,
        ])
    };
    ($kind:expr, $r:ident => $work:expr, [$($kind_of:ty),+ $(,)?]) => {
        match $kind {
            $(kind if kind == <$kind_of as $crate::records::Resource>::KIND => {
                type $r = $kind_of;
                Some($work)
            })+
            _ => None,
        }
    };
}
pub(crate) use by_kind;

/// The names of the kinds, in the order in which people look for them.
pub(crate) const KINDS: [&str; 12] = [
    companies::Company::KIND,
    contacts::Contact::KIND,
    assets::Asset::KIND,
    tickets::Ticket::KIND,
    locations::Location::KIND,
    billing_plans::BillingPlan::KIND,
    feature_options::FeatureOption::KIND,
    overrides::Override::KIND,
    tags::Tag::KIND,
    agents::Agent::KIND,
    psa_agents::PsaAgent::KIND,
    site_links::SiteLink::KIND,
];

/// The kinds that are searched, in the order in which equals are shown.
pub(crate) const SEARCHED: [&SearchDef; 8] = [
    &companies::query::SEARCH,
    &contacts::query::SEARCH,
    &assets::query::SEARCH,
    &tickets::query::SEARCH,
    &locations::query::SEARCH,
    &psa_agents::query::SEARCH,
    &billing_plans::query::SEARCH,
    &agents::query::SEARCH,
];

/// The tracked fields of a kind of record, `None` when there is no such kind.
pub(crate) fn fields_of(kind: &str) -> Option<&'static [&'static str]> {
    by_kind!(kind, R => <R as Resource>::Fields::NAMES)
}

impl Precedence {
    /// Sets the policy of one field of one kind of record. It holds from the next change of a record on.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such kind or field, or its policy is fixed.
    pub fn with_policy(mut self, kind: &str, field: &str, policy: Policy) -> Result<Self> {
        let invalid = |message: String| Err(Error::invalid(format!("{kind}.{field}"), message));
        let Some(fields) = fields_of(kind) else {
            return invalid(format!("there is no kind of record `{kind}`"));
        };
        if !fields.contains(&field) {
            return invalid(format!("a {kind} has no field `{field}`"));
        }
        if Self::is_fixed(kind, field) {
            return invalid("account numbers link systems: no sync may replace one".into());
        }
        self.set_policy(kind, field, policy);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Access, claims::ClaimedResource, records::search_index::STRIDE};

    #[test]
    fn names_of_kinds_are_all_known_and_different() {
        let names: BTreeSet<&str> = KINDS.into_iter().collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            assert!(fields_of(kind).is_some(), "{kind}");
        }
    }

    #[test]
    fn claimed_resources_are_kinds_of_record() {
        for kind in ClaimedResource::ALL.map(ClaimedResource::kind) {
            assert!(fields_of(kind).is_some(), "{kind}");
        }
    }

    #[test]
    fn search_definitions_are_those_of_their_kinds() {
        let numbers = SEARCHED.iter().map(|def| def.number);
        assert_eq!(numbers.collect::<BTreeSet<_>>().len(), SEARCHED.len());
        for def in SEARCHED {
            assert!((1..STRIDE).contains(&def.number), "{}", def.kind);
            let own = by_kind!(def.kind, R => R::SEARCH.map(|own| own.number));
            assert_eq!(own, Some(Some(def.number)), "{}", def.kind);
            // What clients may find is found within their companies.
            let is_for_clients = def.access == Access::Everyone;
            assert_eq!(def.of_companies.is_some(), is_for_clients, "{}", def.kind);
        }
    }

    #[test]
    fn unknown_fields_and_fixed_policies_are_refused_by_name() {
        let refused = |kind: &str, field: &str| {
            let precedence = Precedence::new(["psa"]);
            let policy = precedence.with_policy(kind, field, Policy::SourceWins);
            policy.unwrap_err().to_string()
        };
        assert!(refused("planet", "name").contains("planet.name: there is no kind"));
        assert!(refused("company", "colour").contains("company.colour: a company has no field"));
        assert!(refused("company", "account_number").contains("no sync may replace"));
    }
}
