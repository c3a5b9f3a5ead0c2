//! What needs to know the types of all kinds of record. The list of kinds is in [`crate::kinds`].

use std::sync::LazyLock;

use crate::{
    Error, RecordKind, Result,
    nearest::hint,
    records::{
        Resource, SearchDef, Tracked as _,
        resolve::{Policy, Precedence},
    },
};

/// The kinds that are searched, in the order in which equals are shown.
pub(crate) static SEARCHED: LazyLock<Vec<&'static SearchDef>> = LazyLock::new(|| {
    let kinds = RecordKind::ALL.into_iter();
    let searched = kinds.filter_map(|kind| by_kind!(kind, R => <R as Resource>::SEARCH));
    let mut searched: Vec<&SearchDef> = searched.collect();
    searched.sort_unstable_by_key(|def| def.number);
    searched
});

/// The named statements of all kinds.
#[cfg(feature = "sync")]
pub(crate) fn statements() -> Vec<(&'static str, crate::store::Sql)> {
    let kinds = RecordKind::ALL.into_iter();
    let statements = kinds.map(|kind| by_kind!(kind, R => <R as Resource>::STATEMENTS.concat()));
    statements.flatten().collect()
}

/// The tracked fields of a kind of record.
fn fields_of(kind: RecordKind) -> &'static [&'static str] {
    by_kind!(kind, R => <R as Resource>::Fields::NAMES)
}

impl Precedence {
    /// Sets the policy of one field of one kind of record. It holds from the next change of a record on.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such kind or field, or its policy is fixed.
    pub fn with_policy(mut self, kind: &str, field: &str, policy: Policy) -> Result<Self> {
        let invalid = |message: String| Err(Error::invalid(format!("{kind}.{field}"), message));
        let known = match kind.parse::<RecordKind>() {
            Ok(known) => known,
            Err(message) => return invalid(message),
        };
        let fields = fields_of(known);
        if !fields.contains(&field) {
            let hint = hint(field, fields.iter().copied());
            let kind = known.with_article();
            return invalid(format!("{kind} has no field `{field}`{hint}"));
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
    use crate::{Access, records::search_index::STRIDE};

    #[test]
    fn kinds_are_listed_with_their_types() {
        for kind in RecordKind::ALL {
            assert_eq!(by_kind!(kind, R => R::RECORD_KIND), kind);
        }
    }

    #[test]
    fn search_definitions_are_those_of_their_kinds() {
        let numbers = SEARCHED.iter().map(|def| def.number);
        assert_eq!(numbers.collect::<BTreeSet<_>>().len(), SEARCHED.len());
        for def in SEARCHED.iter() {
            assert!((1..STRIDE).contains(&def.number), "{}", def.kind);
            let own = by_kind!(def.kind, R => R::SEARCH.map(|own| own.number));
            assert_eq!(own, Some(def.number), "{}", def.kind);
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
