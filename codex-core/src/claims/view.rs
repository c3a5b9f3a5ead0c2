//! Claims of one record as people look at them: a pure function of row, claims and changes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{
    query::{ChangeRow, ClaimRow},
    wire::{FieldClaimsOut, OtherClaimOut, SourceRecordOut},
};
use crate::{
    Result,
    companies::{COMPANY_ID, COMPANY_NUMBER},
    records::{
        ChangeOp, Resource, Stored, Tracked as _, as_map,
        resolve::{self, Claim, MANUAL, Precedence},
    },
};

/// The name of a field as people see it.
pub(crate) fn public_name(name: &'static str) -> &'static str {
    if name == COMPANY_ID {
        COMPANY_NUMBER
    } else {
        name
    }
}

/// Every field of a record, in order of their names.
pub(crate) fn fields<R: Resource>(
    precedence: &Precedence,
    row: &Stored<R::Fields>,
    claims: &[ClaimRow],
    changes: &[ChangeRow],
) -> Result<Vec<FieldClaimsOut>> {
    let claims: Vec<Claim> = claims.iter().map(ClaimRow::claim).collect();
    let values = as_map(&row.fields)?;
    let winners = resolve::winners(precedence, R::KIND, &claims, Some(&values));
    // As the row would have it if no rule had a say.
    let stated: Map<String, Value> = winners
        .iter()
        .map(|(name, winner)| ((*name).to_owned(), winner.value.clone()))
        .collect();
    let stated = as_map(&resolve::typed::<R::Fields>(R::KIND, &stated)?)?;
    let order = resolve::ordered(precedence, &claims);
    let mut fields: Vec<FieldClaimsOut> = Vec::with_capacity(R::Fields::NAMES.len());
    for name in R::Fields::NAMES {
        let value = values.get(*name).cloned().unwrap_or_default();
        let winner = winners.get(name).and_then(|winner| winner.claim);
        let winner = winner.filter(|_| stated.get(*name) == Some(&value));
        let others = order
            .iter()
            .filter(|claim| !winner.is_some_and(|won| std::ptr::eq(won, **claim)));
        let others = others.filter_map(|claim| Some((claim, claim.fields.get(*name)?)));
        let known = winner.is_some() || !value.is_null();
        fields.push(FieldClaimsOut {
            field: public_name(name).to_owned(),
            others: others
                .map(|(claim, value)| OtherClaimOut {
                    external_id: external_id(claim),
                    source: claim.source.clone(),
                    value: value.clone(),
                })
                .collect(),
            since: known.then(|| since(name, changes)).flatten(),
            source: winner.map(|claim| claim.source.clone()),
            value,
        });
    }
    fields.sort_by(|a, b| a.field.cmp(&b.field));
    Ok(fields)
}

/// When a field got the value that it has: at its last change, or when the record was created.
fn since(name: &str, changes: &[ChangeRow]) -> Option<DateTime<Utc>> {
    let changed = |change: &&ChangeRow| {
        let field = change.changes.get(name);
        // What a person set or released without another value is in the log too.
        change.op == ChangeOp::Create.name()
            || field.is_some_and(|field| field["before"] != field["after"])
    };
    changes.iter().find(changed).map(|change| change.at)
}

/// The record as each source has it, the strongest source first.
pub(crate) fn sources(precedence: &Precedence, rows: &[ClaimRow]) -> Vec<SourceRecordOut> {
    let claims: Vec<Claim> = rows.iter().map(ClaimRow::claim).collect();
    let order = resolve::ordered(precedence, &claims);
    let by_identity: BTreeMap<(&str, &str), &ClaimRow> = claims
        .iter()
        .zip(rows)
        .map(|(claim, row)| ((claim.source.as_str(), claim.external_id.as_str()), row))
        .collect();
    let found = order.into_iter().filter_map(|claim| {
        let row = by_identity.get(&(claim.source.as_str(), claim.external_id.as_str()))?;
        Some(SourceRecordOut {
            external_id: external_id(claim),
            first_seen: row.first_seen,
            gone_at: row.gone_at,
            source: claim.source.clone(),
            source_updated_at: row.source_updated_at,
        })
    });
    found.collect()
}

/// A person's claim goes by our own row id, which is of no use outside.
fn external_id(claim: &Claim) -> Option<String> {
    (claim.source != MANUAL).then(|| claim.external_id.clone())
}

/// Row ids of companies in these fields.
pub(crate) fn company_ids(fields: &[FieldClaimsOut]) -> Vec<i64> {
    let of_company = fields.iter().filter(|field| field.field == COMPANY_NUMBER);
    let values = of_company.flat_map(|field| {
        let others = field.others.iter().map(|other| &other.value);
        std::iter::once(&field.value).chain(others)
    });
    values.filter_map(Value::as_i64).collect()
}

/// Puts account numbers in place of row ids of companies.
pub(crate) fn name_companies(fields: &mut [FieldClaimsOut], numbers: &[(i64, Option<String>)]) {
    let numbers: BTreeMap<i64, &Option<String>> =
        numbers.iter().map(|(id, number)| (*id, number)).collect();
    let name = |value: &mut Value| {
        if let Some(id) = value.as_i64() {
            let number = numbers.get(&id).and_then(|number| number.as_deref());
            *value = number.into();
        }
    };
    for field in fields
        .iter_mut()
        .filter(|field| field.field == COMPANY_NUMBER)
    {
        name(&mut field.value);
        for other in &mut field.others {
            name(&mut other.value);
        }
    }
}
