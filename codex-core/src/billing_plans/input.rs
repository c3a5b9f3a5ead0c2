//! Billing plans as they are sent (contract 1.2.F).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use super::BillingPlanIn;
use super::{BILLED_HOURLY, BillingPlanFields, LEGACY_FEATURES, PRICES, term};
use crate::{
    Error, Fault, RecordKind, Result,
    json_columns::Dict,
    money::{Money, MoneyError},
    records::{
        Intent, RecordBody,
        patch::{Form, NUL, as_it_is, fits, sound},
    },
};

/// The volume of backup that a new plan includes: one terabyte (contract 1.2.F).
const ONE: Money = Money::from_ten_thousandths(10_000);

const FORM: Form = Form {
    kind: RecordKind::BillingPlan,
    fields: BillingPlanFields::FIELDS,
    beside: &[],
    refused: &[],
    rule: |key, value| {
        if PRICES.contains(&key) {
            price(key, &value)
        } else {
            as_it_is(key, value)
        }
    },
};

/// The prices that have four decimals; the others have two (contract 1.2.F).
const PER_GIGABYTE: [&str; 2] = [
    "backup_cost_per_gb_workstation",
    "backup_cost_per_gb_server",
];

/// A price as it is sent: a number, or the text of one, as forms and older scripts send it.
pub(crate) fn price(key: &str, value: &Value) -> std::result::Result<Value, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or("must be a number")?;
    if number < 0.0 {
        return Err("must not be negative".into());
    }
    let (most, places) = if PER_GIGABYTE.contains(&key) {
        ("four", 1)
    } else {
        ("two", 100)
    };
    let too_precise = || format!("must have at most {most} decimals");
    let money = Money::try_from(number).map_err(|error| match error {
        MoneyError::TooPrecise => too_precise(),
        other => other.to_string(),
    })?;
    if money.ten_thousandths() % places != 0 {
        return Err(too_precise());
    }
    Ok(f64::from(money).into())
}

/// Features that are stated, by kind; `None` takes one out.
pub type StatedFeatures = BTreeMap<String, Option<String>>;

impl RecordBody for BillingPlanIn {
    fn read(body: Map<String, Value>, intent: Intent) -> Result<Self> {
        let (fields, features) = stated(body, intent == Intent::Create)?;
        let plan = serde_json::from_value(Value::Object(fields));
        let mut plan: Self = plan.map_err(|error| Error::invalid("body", error.to_string()))?;
        if !features.is_empty() {
            plan.features = features.into();
        }
        Ok(plan)
    }
}

/// Splits a body into the plan's fields and its features. Keys that a plan does not have are left out, as
/// today's importers send more than a plan has (contract 1.2.F).
///
/// # Errors
/// [`crate::Error::Unprocessable`] with every fault.
pub fn stated(
    mut body: Map<String, Value>,
    new: bool,
) -> Result<(Map<String, Value>, StatedFeatures)> {
    if let Some(name) = body.remove("billing_plan") {
        body.entry("plan_name").or_insert(name);
    }
    let mut faults = Vec::new();
    let features = features(&mut body, &mut faults);
    body.retain(|key, _| FORM.takes(key));
    if new {
        for price in PRICES {
            let default = if price == "backup_included_tb" {
                ONE
            } else {
                Money::ZERO
            };
            body.entry(price)
                .or_insert_with(|| f64::from(default).into());
        }
        body.entry("support_level")
            .or_insert_with(|| BILLED_HOURLY.into());
    }
    let fields = if new {
        FORM.new_record::<BillingPlanFields>(body)
    } else {
        FORM.change_beside::<BillingPlanFields>(body, !features.is_empty())
    };
    let mut fields = sound(fields, faults)?;
    // One spelling, before anybody asks who has the term already.
    if let Some(Value::String(text)) = fields.get_mut("term_length") {
        *text = term(text);
    }
    Ok((fields, features))
}

fn features(body: &mut Map<String, Value>, faults: &mut Vec<Fault>) -> StatedFeatures {
    let mut features = StatedFeatures::new();
    let mut state = |key: &str, place: &str, value: Value| match value {
        _ if key.contains('\0') => {
            faults.push(Fault::at(key, NUL).within(place));
        }
        Value::Null => {
            features.insert(key.to_owned(), None);
        }
        Value::String(text) if !text.contains('\0') => match fits(&text, false) {
            Ok(()) => {
                let text = text.trim();
                features.insert(key.to_owned(), (!text.is_empty()).then(|| text.to_owned()));
            }
            Err(long) => faults.push(Fault::at(key, long).within(place)),
        },
        _ => faults.push(Fault::at(key, "must be a text").within(place)),
    };
    for (key, _) in LEGACY_FEATURES {
        if let Some(value) = body.remove(key) {
            state(key, "", value);
        }
    }
    match body.remove("features") {
        Some(Value::Object(map)) => {
            for (key, value) in map {
                state(&key, "/features", value);
            }
        }
        Some(Value::Null) | None => {}
        Some(_) => faults.push(Fault::at("features", "must be an object of texts")),
    }
    features
}

/// Lays stated features over those that a plan has.
pub fn laid_over(have: &Dict, stated: StatedFeatures) -> Dict {
    let mut features = have.clone();
    for (key, value) in stated {
        match value {
            Some(value) => features.0.insert(key, value),
            None => features.0.remove(&key),
        };
    }
    features
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn new_plan_has_defaults_and_a_normalized_term() {
        let sent = json!({"plan_name": "Gold", "term_length": "1-Year", "per_user_cost": "12.50",
            "soc": "Huntress", "features": {"sat": "KnowBe4"}, "comment": "ignored"});
        let (fields, features) = stated(body(&sent), true).unwrap();
        assert_eq!(fields["term_length"], "1 Year");
        assert_eq!(fields["per_user_cost"], 12.5);
        assert_eq!(fields["backup_included_tb"], 1.0);
        assert_eq!(fields["support_level"], "Billed Hourly");
        assert_eq!(features.len(), 2);
    }

    #[test]
    fn every_invalid_price_is_reported() {
        let sent = json!({"plan_name": null, "per_user_cost": -1, "per_vm_cost": "NaN",
            "per_server_cost": 0.00001, "per_switch_cost": null, "features": {"a/b": 1, "nul\0": "x"}});
        let Err(crate::Error::Unprocessable(faults)) = stated(body(&sent), true) else {
            panic!("refused")
        };
        let at: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            at,
            [
                "/term_length",
                "/per_server_cost",
                "/per_switch_cost",
                "/per_user_cost",
                "/per_vm_cost",
                "/plan_name",
                "/features/a~1b",
                "/features/nul\0"
            ]
        );
    }

    #[test]
    fn prices_have_two_decimals_and_those_per_gigabyte_four() {
        let (user, gigabyte) = ("per_user_cost", "backup_cost_per_gb_server");
        for (key, sent, right) in [
            (user, json!(1.99), Ok(json!(1.99))),
            (user, json!("19.9"), Ok(json!(19.9))),
            (user, json!(1_234_567.89), Ok(json!(1_234_567.89))),
            (user, json!(1.999), Err("must have at most two decimals")),
            (
                user,
                json!("0.00001"),
                Err("must have at most two decimals"),
            ),
            (gigabyte, json!(0.0125), Ok(json!(0.0125))),
            (
                gigabyte,
                json!(0.012_55),
                Err("must have at most four decimals"),
            ),
            (user, json!(true), Err("must be a number")),
        ] {
            assert_eq!(
                price(key, &sent),
                right.map_err(str::to_owned),
                "{key} {sent}"
            );
        }
    }

    #[test]
    fn null_removes_a_feature() {
        let have = Dict(BTreeMap::from([
            ("soc".into(), "x".into()),
            ("sat".into(), "y".into()),
        ]));
        let (fields, features) =
            stated(body(&json!({"soc": null, "features": {"sat": "z"}})), false).unwrap();
        assert!(fields.is_empty());
        assert_eq!(
            laid_over(&have, features).0,
            BTreeMap::from([("sat".into(), "z".into())])
        );
    }
}
