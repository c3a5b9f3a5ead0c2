//! Changes as people look at them: account numbers in place of row ids of companies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::query::account_numbers;
use crate::{
    Result,
    companies::{COMPANY_ID, COMPANY_IDS, COMPANY_NUMBER, COMPANY_NUMBERS, Company},
    records::{Change, ChangeOut, Resource as _},
    store::Q,
};

/// Account numbers by row id.
type Numbers = BTreeMap<i64, Option<String>>;

/// The wire form of changes; `q` begins the statement that looks account numbers up.
pub(crate) async fn changes_out(q: Q<'_>, changes: Vec<Change>) -> Result<Vec<ChangeOut>> {
    // A company that is new, or gets another number, is known by what its own change says.
    let mut numbers: Numbers = changes.iter().filter_map(own_number).collect();
    let ids: BTreeSet<i64> = changes.iter().flat_map(company_ids).collect();
    let unknown = ids.into_iter().filter(|id| !numbers.contains_key(id));
    let unknown: Vec<i64> = unknown.collect();
    numbers.extend(account_numbers(q, unknown).await?);
    let out = changes.into_iter().map(|change| out(change, &numbers));
    Ok(out.collect())
}

/// The number of a company that its change says: the one that it has, or, where it is new, the one that it gets.
fn own_number(change: &Change) -> Option<(i64, Option<String>)> {
    let values = change.fields.get("account_number")?;
    let number = values["before"].as_str().or(values["after"].as_str());
    (change.kind == Company::KIND).then(|| (change.record_id, number.map(str::to_owned)))
}

/// Row ids of companies in a change.
fn company_ids(change: &Change) -> Vec<i64> {
    let mut ids = Vec::new();
    if change.kind == Company::KIND {
        ids.push(change.record_id);
    }
    for values in [COMPANY_ID, COMPANY_IDS].map(|name| change.fields.get(name)) {
        for value in values
            .into_iter()
            .flat_map(|values| [&values["before"], &values["after"]])
        {
            let listed = value.as_array().into_iter().flatten();
            ids.extend(
                std::iter::once(value)
                    .chain(listed)
                    .filter_map(Value::as_i64),
            );
        }
    }
    ids
}

fn out(mut change: Change, numbers: &Numbers) -> ChangeOut {
    for (name, public) in [(COMPANY_ID, COMPANY_NUMBER), (COMPANY_IDS, COMPANY_NUMBERS)] {
        if let Some(mut values) = change.fields.remove(name) {
            values["before"] = numbered(&values["before"], numbers);
            values["after"] = numbered(&values["after"], numbers);
            change.fields.insert(public.to_owned(), values);
        }
    }
    let number = || numbers.get(&change.record_id).cloned().flatten();
    let is_company = change.kind == Company::KIND;
    ChangeOut {
        company_account_number: is_company.then(number).flatten(),
        record_id: (!is_company).then_some(change.record_id),
        fields: change.fields,
        kind: change.kind.into_owned(),
        op: change.op,
    }
}

/// A row id, or a list of them, as account numbers.
fn numbered(value: &Value, numbers: &Numbers) -> Value {
    match value {
        Value::Array(ids) => ids.iter().map(|id| numbered(id, numbers)).collect(),
        value => {
            let number = value.as_i64().and_then(|id| numbers.get(&id)?.as_deref());
            number.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::records::ChangeOp;

    fn change(kind: &'static str, mut fields: Value) -> Change {
        Change {
            kind: kind.into(),
            record_id: 7,
            op: ChangeOp::Update,
            fields: fields
                .as_object_mut()
                .map(std::mem::take)
                .unwrap_or_default(),
        }
    }

    #[test]
    fn company_row_ids_are_not_exposed() {
        let numbers: Numbers = [(7, Some("100007".to_owned())), (8, None)].into();
        let asset = change(
            "asset",
            json!({"company_id": {"before": 7, "after": 8}, "backup_bytes": {"before": 7, "after": 8}}),
        );
        assert_eq!(company_ids(&asset), [7, 8]);
        let asset = out(asset, &numbers);
        assert_eq!(
            (asset.record_id, &asset.company_account_number),
            (Some(7), &None)
        );
        assert_eq!(
            Value::Object(asset.fields),
            json!({"backup_bytes": {"before": 7, "after": 8},
                "company_account_number": {"before": "100007", "after": null}})
        );
        let contact = change(
            "contact",
            json!({"company_ids": {"before": [], "after": [7, 8]}}),
        );
        assert_eq!(company_ids(&contact), [7, 8]);
        let contact = out(contact, &numbers);
        assert_eq!(
            Value::Object(contact.fields),
            json!({"company_account_numbers": {"before": [], "after": ["100007", null]}})
        );
        let company = change("company", json!({"name": {"before": "A", "after": "B"}}));
        assert_eq!(
            (company_ids(&company), own_number(&company)),
            (vec![7], None)
        );
        let company = out(company, &numbers);
        assert_eq!(
            (company.record_id, company.company_account_number.as_deref()),
            (None, Some("100007"))
        );
    }

    #[test]
    fn new_company_is_named_by_its_assigned_number() {
        let of = |before: Value| {
            let values = json!({"before": before, "after": "2"});
            own_number(&change("company", json!({"account_number": values})))
        };
        assert_eq!(of(Value::Null), Some((7, Some("2".to_owned()))));
        assert_eq!(of("1".into()), Some((7, Some("1".to_owned()))));
        let site = change(
            "site_link",
            json!({"account_number": {"before": null, "after": "2"}}),
        );
        assert_eq!(own_number(&site), None);
    }
}
