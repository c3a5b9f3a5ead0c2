//! From claims to a record: a pure function.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, Result};

/// The source of what people state.
pub const MANUAL: &str = "manual";
/// The source of what was imported from the Flask service: every other source is stronger.
pub const IMPORT: &str = "import";

/// Whether a person's value or the sources' value wins for one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// A person's value wins until it is released; the default.
    ManualWins,
    /// A source that states the field wins over a person.
    SourceWins,
    /// What the record already has stays; sources only fill a gap, people replace it.
    WriteIfEmpty,
    /// A person's value wins until the sources state another value than the one it replaced. The default for tickets,
    /// because the PSA goes on changing them.
    ManualUntilChanged,
}

/// Account numbers link systems: no sync may replace one.
const ACCOUNT_NUMBER: (&str, &str) = ("company", "account_number");

/// Which source wins, per field.
#[derive(Debug, Clone)]
pub struct Precedence {
    sources: Vec<String>,
    policies: BTreeMap<(String, String), Policy>,
}

impl Precedence {
    /// Sources in this order, the strongest first. Sources that it does not name come last, by name. Manual values come
    /// before all sources.
    pub fn new(sources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            sources: sources.into_iter().map(Into::into).collect(),
            policies: BTreeMap::new(),
        }
    }

    /// Whether the policy of a field cannot be chosen.
    pub(crate) fn is_fixed(kind: &str, field: &str) -> bool {
        (kind, field) == ACCOUNT_NUMBER
    }

    /// Sets the policy of a field. The caller checks that the field exists and that its policy is not fixed.
    pub(crate) fn set_policy(&mut self, kind: &str, field: &str, policy: Policy) {
        self.policies
            .insert((kind.to_owned(), field.to_owned()), policy);
    }

    fn policy(&self, kind: &str, field: &str) -> Policy {
        if Self::is_fixed(kind, field) {
            return Policy::WriteIfEmpty;
        }
        let fallback = if kind == "ticket" {
            Policy::ManualUntilChanged
        } else {
            Policy::ManualWins
        };
        let key = (kind.to_owned(), field.to_owned());
        self.policies.get(&key).copied().unwrap_or(fallback)
    }

    /// Whether a field of the kind has a policy that keeps the record's value: then merging needs the row.
    pub(crate) fn needs_row(&self, kind: &str) -> bool {
        let keeps = |((of, _), policy): (&(String, String), &Policy)| {
            of == kind && *policy == Policy::WriteIfEmpty
        };
        kind == ACCOUNT_NUMBER.0 || self.policies.iter().any(keeps)
    }

    /// Lower is stronger; sources outside the order come last, by name, and behind them what was imported.
    fn rank<'a>(&self, source: &'a str) -> (usize, &'a str) {
        let known = self.sources.iter().position(|known| known == source);
        let others = self.sources.len() + usize::from(source == IMPORT);
        (known.unwrap_or(others), source)
    }
}

/// What one source states about a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The source.
    pub source: String,
    /// The source's id of the record.
    pub external_id: String,
    /// Whether the source still has it; `false` in a manual claim once a person has deleted the record.
    pub live: bool,
    /// Whether the claim keeps the record alive; parts such as a device's interfaces do not.
    pub anchor: bool,
    /// Stated fields: absent says nothing, null blanks.
    pub fields: Map<String, Value>,
    /// Unmapped members; in a manual claim the sources' values that it replaced.
    pub extra: Map<String, Value>,
}

/// The fields of a record: for each, the strongest claim that states it.
///
/// Claims of sources that no longer have the record count only when no source has it, so that a
/// deleted record keeps its last values. The order of `claims` never matters.
pub fn resolve(
    precedence: &Precedence,
    kind: &str,
    claims: &[Claim],
    current: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let winners = winners(precedence, kind, claims, current).into_iter();
    winners
        .map(|(name, winner)| (name.to_owned(), winner.value.clone()))
        .collect()
}

/// The value of a field, and the claim that states it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Winner<'c> {
    /// The value.
    pub value: &'c Value,
    /// The claim; `None` when the record keeps a value that no claim states any more.
    pub claim: Option<&'c Claim>,
}

/// The claims, the strongest first: people, then the sources in order of precedence.
pub(crate) fn ordered<'c>(precedence: &Precedence, claims: &'c [Claim]) -> Vec<&'c Claim> {
    let mut order: Vec<&Claim> = claims.iter().collect();
    // Two claims of one source (a device that came back under a new uid): the live one, then by id.
    order.sort_by_key(|claim| {
        (
            claim.source != MANUAL,
            precedence.rank(&claim.source),
            !claim.live,
            &claim.external_id,
        )
    });
    order
}

/// As [`resolve`], with the claim that each value comes from.
pub(crate) fn winners<'c>(
    precedence: &Precedence,
    kind: &str,
    claims: &'c [Claim],
    current: Option<&'c Map<String, Value>>,
) -> BTreeMap<&'c str, Winner<'c>> {
    // What does not keep a record alive does not outlast what did: a part, or an import that a source has taken over.
    let any_live = claims
        .iter()
        .any(|claim| claim.live && claim.anchor && claim.source != MANUAL);
    let mut order = ordered(precedence, claims);
    order.retain(|claim| claim.source == MANUAL || claim.live || !any_live);

    let mut fields = BTreeMap::new();
    let names = order.iter().flat_map(|claim| claim.fields.keys());
    for name in names {
        if fields.contains_key(name.as_str()) {
            continue;
        }
        let policy = precedence.policy(kind, name);
        let stated = |manual: bool| {
            order
                .iter()
                .filter(|claim| (claim.source == MANUAL) == manual)
                .find_map(|claim| {
                    let value = claim.fields.get(name)?;
                    let claim = Some(*claim);
                    Some(Winner { value, claim })
                })
        };
        let winner = match policy {
            Policy::ManualWins | Policy::WriteIfEmpty => stated(true).or_else(|| stated(false)),
            Policy::SourceWins => stated(false).or_else(|| stated(true)),
            Policy::ManualUntilChanged => {
                let replaced = order
                    .iter()
                    .find(|claim| claim.source == MANUAL)
                    .and_then(|claim| claim.extra.get(name));
                let source = stated(false);
                let now = source.map_or(&Value::Null, |winner| winner.value);
                if now == replaced.unwrap_or(&Value::Null) {
                    stated(true).or(source)
                } else {
                    source.or_else(|| stated(true))
                }
            }
        };
        let kept = current
            .and_then(|current| current.get(name))
            .filter(|value| policy == Policy::WriteIfEmpty && !value.is_null())
            .filter(|_| stated(true).is_none())
            .map(|value| Winner {
                value,
                // A source may state the same value.
                claim: winner
                    .filter(|winner| winner.value == value)
                    .and_then(|winner| winner.claim),
            });
        if let Some(winner) = kept.or(winner) {
            fields.insert(name.as_str(), winner);
        }
    }
    fields
}

/// Whether the record is live: some claim keeps it alive, and no person has deleted it.
pub fn alive(claims: &[Claim]) -> bool {
    let deleted_manually = claims
        .iter()
        .any(|claim| claim.source == MANUAL && !claim.live);
    !deleted_manually && claims.iter().any(|claim| claim.live && claim.anchor)
}

/// Merges newly stated fields into what the same source stated before: a field that is absent now keeps its value.
/// Returns whether anything differs.
pub fn merge_claim(before: &mut Map<String, Value>, stated: &Map<String, Value>) -> bool {
    let mut differs = false;
    for (name, value) in stated {
        if before.get(name) != Some(value) {
            before.insert(name.clone(), value.clone());
            differs = true;
        }
    }
    differs
}

/// Turns resolved fields into the typed ones of a record; a null means the type's default.
pub(crate) fn typed<F: DeserializeOwned>(kind: &str, fields: &Map<String, Value>) -> Result<F> {
    into_typed(kind, fields.clone())
}

/// As [`typed`], where the map is not needed any more.
pub(crate) fn into_typed<F: DeserializeOwned>(
    kind: &str,
    mut fields: Map<String, Value>,
) -> Result<F> {
    fields.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(fields)).map_err(|source| Error::Corrupt {
        what: format!("{kind} claim"),
        source: Some(source),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claim(source: &str, fields: Value) -> Claim {
        let Value::Object(fields) = fields else {
            panic!("an object")
        };
        Claim {
            source: source.into(),
            external_id: "1".into(),
            live: true,
            anchor: true,
            fields,
            extra: Map::new(),
        }
    }

    fn precedence() -> Precedence {
        Precedence::new(["psa", "rmm.interfaces", "rmm"])
    }

    fn resolved(claims: &[Claim]) -> Value {
        Value::Object(resolve(&precedence(), "contact", claims, None))
    }

    #[test]
    fn strongest_source_that_states_a_field_wins() {
        let claims = [
            claim("rmm", json!({"mac_address": "A", "hostname": "h"})),
            claim("rmm.interfaces", json!({"mac_address": "B"})),
        ];
        assert_eq!(
            resolved(&claims),
            json!({"mac_address": "B", "hostname": "h"})
        );
    }

    #[test]
    fn absent_null_and_value_differ() {
        let source = claim("psa", json!({"a": "1", "b": "2"}));
        let manual = claim(MANUAL, json!({"a": null}));
        assert_eq!(resolved(&[source, manual]), json!({"a": null, "b": "2"}));
    }

    #[test]
    fn null_clears_a_field_and_absent_does_not() {
        let mut before = claim("x", json!({"a": "1", "b": "2"})).fields;
        assert!(merge_claim(
            &mut before,
            &claim("x", json!({"b": null})).fields
        ));
        assert!(!merge_claim(
            &mut before,
            &claim("x", json!({"a": "1"})).fields
        ));
        assert_eq!(Value::Object(before), json!({"a": "1", "b": null}));
    }

    #[test]
    fn release_restores_the_source_value() {
        let source = claim("psa", json!({"a": "1"}));
        let mut manual = claim(MANUAL, json!({"a": "mine"}));
        assert_eq!(
            resolved(&[source.clone(), manual.clone()]),
            json!({"a": "mine"})
        );
        manual.fields.remove("a");
        assert_eq!(resolved(&[source, manual]), json!({"a": "1"}));
    }

    #[test]
    fn policies_let_the_source_win_or_fill_gaps() {
        let claims = [
            claim("psa", json!({"name": "1"})),
            claim(MANUAL, json!({"name": "mine"})),
        ];
        let with = |policy| {
            let mut precedence = precedence();
            precedence.set_policy("contact", "name", policy);
            precedence
        };
        let source_wins = with(Policy::SourceWins);
        assert_eq!(resolve(&source_wins, "contact", &claims, None)["name"], "1");
        let current = claim("", json!({"name": "old"})).fields;
        let keep = with(Policy::WriteIfEmpty);
        let kept = |claims| resolve(&keep, "contact", claims, Some(&current))["name"].clone();
        assert_eq!(kept(&claims[..1]), "old");
        assert_eq!(kept(&claims), "mine");
    }

    #[test]
    fn only_kinds_with_write_if_empty_need_the_row() {
        let plain = precedence();
        assert!(plain.needs_row("company") && !plain.needs_row("contact"));
        let with = |policy| {
            let mut precedence = precedence();
            precedence.set_policy("contact", "name", policy);
            precedence
        };
        assert!(!with(Policy::SourceWins).needs_row("contact"));
        assert!(with(Policy::WriteIfEmpty).needs_row("contact"));
    }

    /// The source changes it when it states another value than the one that was replaced.
    #[test]
    fn manual_ticket_value_wins_until_the_source_changes_it() {
        let resolved =
            |claims: &[Claim]| Value::Object(resolve(&precedence(), "ticket", claims, None));
        let mut source = claim("psa", json!({"status_id": 2, "subject": "s"}));
        let mut manual = claim(MANUAL, json!({"status_id": 5, "group_id": 7}));
        manual.extra = claim("", json!({"status_id": 2, "group_id": null})).fields;
        let both = |source: &Claim| resolved(&[source.clone(), manual.clone()]);
        let mine = json!({"status_id": 5, "subject": "s", "group_id": 7});
        assert_eq!(both(&source), mine);
        source.fields.insert("subject".into(), json!("other"));
        assert_eq!(
            both(&source)["status_id"],
            5,
            "another field says nothing about this one"
        );
        source.fields.insert("status_id".into(), json!(3));
        assert_eq!(both(&source)["status_id"], 3);
    }

    #[test]
    fn record_without_live_claims_keeps_its_last_values() {
        let mut gone = claim("rmm", json!({"hostname": "h"}));
        gone.live = false;
        let mut live = claim("rmm", json!({"hostname": "new"}));
        live.external_id = "2".into();
        assert_eq!(
            resolved(std::slice::from_ref(&gone)),
            json!({"hostname": "h"})
        );
        assert_eq!(resolved(&[gone, live]), json!({"hostname": "new"}));
    }

    proptest! {
        #[test]
        fn claim_order_does_not_matter(
            claims in proptest::collection::vec(
                (0..4usize, 0..3u8, any::<bool>(),
                 proptest::collection::btree_map("[a-d]", proptest::option::of(0..5u8), 0..4)), 0..6),
            seed in any::<u64>(),
        ) {
            let sources = [MANUAL, "psa", "rmm", "other"];
            let mut seen = std::collections::BTreeSet::new();
            let mut claims: Vec<Claim> = claims
                .into_iter()
                .filter(|(source, id, ..)| seen.insert((*source, *id)))
                .map(|(source, id, live, fields)| Claim {
                    source: sources[source].into(),
                    external_id: id.to_string(),
                    live,
                    anchor: true,
                    fields: fields.into_iter().map(|(k, v)| (k, json!(v))).collect(),
                    extra: Map::new(),
                })
                .collect();
            let before = resolved(&claims);
            if !claims.is_empty() {
                let at = usize::try_from(seed % claims.len() as u64).unwrap();
                claims.rotate_left(at);
                claims.reverse();
            }
            prop_assert_eq!(before, resolved(&claims));
        }
    }
}
