//! Billing plans as JSON (contract 1.2.F).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    BillingPlan, BillingPlanFields, LEGACY_FEATURES, NOT_INCLUDED, PRICES, feature_label, term,
};
use crate::{
    Fault, Result,
    edit::{Form, as_it_is, sound},
    feature_options::wire::FeatureOptionIn,
    list::Dict,
    money::{Money, MoneyError},
};

/// The support level of a plan that names none (contract 1.2.F).
const BILLED_HOURLY: &str = "Billed Hourly";
/// The volume of backup that a new plan includes: one terabyte (contract 1.2.F).
const ONE: Money = Money::from_ten_thousandths(10_000);

/// A plan for one term, with both models of backup prices and the six features that older modules know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BillingPlanOut {
    /// Antivirus product, or `Not Included`.
    #[schema(example = "Not Included")]
    pub antivirus: String,
    /// Base fee of a server's backup.
    pub backup_base_fee_server: Money,
    /// Base fee of a workstation's backup.
    pub backup_base_fee_workstation: Money,
    /// Per gigabyte of a server's backup.
    pub backup_cost_per_gb_server: Money,
    /// Per gigabyte of a workstation's backup.
    pub backup_cost_per_gb_workstation: Money,
    /// Terabytes of backup that are included.
    pub backup_included_tb: Money,
    /// Per terabyte beyond those.
    pub backup_per_tb_fee: Money,
    /// The plan's name once more.
    pub billing_plan: String,
    /// E-mail security product.
    pub email_security: String,
    /// Id, stable for ever.
    pub id: i64,
    /// Network management.
    pub network_management: String,
    /// Password manager.
    pub password_manager: String,
    /// Per firewall and month.
    pub per_firewall_cost: Money,
    /// Per hour of work on tickets.
    pub per_hour_ticket_cost: Money,
    /// Per server and month.
    pub per_server_cost: Money,
    /// Per switch and month.
    pub per_switch_cost: Money,
    /// Per user and month.
    pub per_user_cost: Money,
    /// Per virtual machine and month.
    pub per_vm_cost: Money,
    /// Per workstation and month.
    pub per_workstation_cost: Money,
    /// Name.
    #[schema(example = "Gold")]
    pub plan_name: String,
    /// Security awareness training.
    pub sat: String,
    /// Security operations centre.
    pub soc: String,
    /// Support level.
    pub support_level: Option<String>,
    /// Term of contract.
    #[schema(example = "1 Year")]
    pub term_length: String,
}

impl From<&BillingPlan> for BillingPlanOut {
    fn from(plan: &BillingPlan) -> Self {
        let fields = &plan.fields;
        let feature = |key: &str| feature(fields, key).to_owned();
        Self {
            antivirus: feature("antivirus"),
            backup_base_fee_server: fields.backup_base_fee_server,
            backup_base_fee_workstation: fields.backup_base_fee_workstation,
            backup_cost_per_gb_server: fields.backup_cost_per_gb_server,
            backup_cost_per_gb_workstation: fields.backup_cost_per_gb_workstation,
            backup_included_tb: fields.backup_included_tb,
            backup_per_tb_fee: fields.backup_per_tb_fee,
            billing_plan: fields.plan_name.clone(),
            email_security: feature("email_security"),
            id: plan.id.0,
            network_management: feature("network_management"),
            password_manager: feature("password_manager"),
            per_firewall_cost: fields.per_firewall_cost,
            per_hour_ticket_cost: fields.per_hour_ticket_cost,
            per_server_cost: fields.per_server_cost,
            per_switch_cost: fields.per_switch_cost,
            per_user_cost: fields.per_user_cost,
            per_vm_cost: fields.per_vm_cost,
            per_workstation_cost: fields.per_workstation_cost,
            plan_name: fields.plan_name.clone(),
            sat: feature("sat"),
            soc: feature("soc"),
            support_level: fields.support_level.clone(),
            term_length: fields.term_length.clone(),
        }
    }
}

fn feature<'f>(fields: &'f BillingPlanFields, key: &str) -> &'f str {
    fields
        .features
        .0
        .get(key)
        .map_or(NOT_INCLUDED, String::as_str)
}

/// What a plan contains, without its prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanFeaturesOut {
    /// Features by kind.
    pub features: BTreeMap<String, String>,
    /// Id.
    pub id: i64,
    /// Name.
    pub plan_name: String,
    /// Support level.
    pub support_level: Option<String>,
    /// Term of contract.
    pub term_length: String,
}

impl From<&BillingPlan> for PlanFeaturesOut {
    fn from(plan: &BillingPlan) -> Self {
        Self {
            features: plan.fields.features.0.clone(),
            id: plan.id.0,
            plan_name: plan.fields.plan_name.clone(),
            support_level: plan.fields.support_level.clone(),
            term_length: plan.fields.term_length.clone(),
        }
    }
}

/// A plan as Ledger bills by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerPlanOut {
    /// Base fee of a server's backup.
    pub backup_base_fee_server: Money,
    /// Base fee of a workstation's backup.
    pub backup_base_fee_workstation: Money,
    /// Terabytes of backup that are included.
    pub backup_included_tb: Money,
    /// Per terabyte beyond those.
    pub backup_per_tb_fee: Money,
    /// Labels of the kinds of feature; in lists only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_display_names: Option<BTreeMap<String, String>>,
    /// Features by kind.
    pub features: BTreeMap<String, String>,
    /// Id.
    pub id: i64,
    /// Per firewall and month.
    pub per_firewall_cost: Money,
    /// Per hour of work on tickets.
    pub per_hour_ticket_cost: Money,
    /// Per server and month.
    pub per_server_cost: Money,
    /// Per switch and month.
    pub per_switch_cost: Money,
    /// Per user and month.
    pub per_user_cost: Money,
    /// Per virtual machine and month.
    pub per_vm_cost: Money,
    /// Per workstation and month.
    pub per_workstation_cost: Money,
    /// Name.
    pub plan_name: String,
    /// Support level.
    pub support_level: Option<String>,
    /// Term of contract.
    pub term_length: String,
}

impl From<&BillingPlan> for LedgerPlanOut {
    fn from(plan: &BillingPlan) -> Self {
        let fields = &plan.fields;
        Self {
            backup_base_fee_server: fields.backup_base_fee_server,
            backup_base_fee_workstation: fields.backup_base_fee_workstation,
            backup_included_tb: fields.backup_included_tb,
            backup_per_tb_fee: fields.backup_per_tb_fee,
            feature_display_names: None,
            features: fields.features.0.clone(),
            id: plan.id.0,
            per_firewall_cost: fields.per_firewall_cost,
            per_hour_ticket_cost: fields.per_hour_ticket_cost,
            per_server_cost: fields.per_server_cost,
            per_switch_cost: fields.per_switch_cost,
            per_user_cost: fields.per_user_cost,
            per_vm_cost: fields.per_vm_cost,
            per_workstation_cost: fields.per_workstation_cost,
            plan_name: fields.plan_name.clone(),
            support_level: fields.support_level.clone(),
            term_length: fields.term_length.clone(),
        }
    }
}

/// Plans as Ledger reads them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerPlansOut {
    /// How many.
    pub count: usize,
    /// By name and term.
    pub plans: Vec<LedgerPlanOut>,
    /// `success`.
    #[schema(example = "success")]
    pub status: String,
}

impl LedgerPlansOut {
    /// All plans, each with the labels of every kind of feature.
    pub fn new(plans: &[BillingPlan], categories: &[String]) -> Self {
        let named = plans.iter().flat_map(|plan| plan.fields.features.0.keys());
        let labels: BTreeMap<String, String> = named
            .chain(categories)
            .map(|key| (key.clone(), feature_label(key)))
            .collect();
        Self {
            count: plans.len(),
            plans: plans
                .iter()
                .map(|plan| LedgerPlanOut {
                    feature_display_names: Some(labels.clone()),
                    ..plan.into()
                })
                .collect(),
            status: "success".into(),
        }
    }
}

/// One plan as Ledger reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerPlanAnswer {
    /// The plan.
    pub plan: LedgerPlanOut,
    /// `success`.
    #[schema(example = "success")]
    pub status: String,
}

impl From<&BillingPlan> for LedgerPlanAnswer {
    fn from(plan: &BillingPlan) -> Self {
        let mut plan = LedgerPlanOut::from(plan);
        plan.support_level
            .get_or_insert_with(|| BILLED_HOURLY.to_owned());
        Self {
            plan,
            status: "success".into(),
        }
    }
}

/// What plans in use contain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkPlansOut {
    /// By `name|term`.
    pub plans: BTreeMap<String, BulkPlanOut>,
}

/// What a plan contains, the features that older modules know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(
    missing_docs,
    reason = "each is the field of the same name in `BillingPlanOut`"
)]
pub struct BulkPlanOut {
    pub antivirus: String,
    pub email_security: String,
    pub network_management: String,
    pub password_manager: String,
    pub plan_name: String,
    pub sat: String,
    pub soc: String,
    pub support_level: Option<String>,
    pub term_length: String,
}

impl From<BillingPlanOut> for BulkPlanOut {
    fn from(plan: BillingPlanOut) -> Self {
        Self {
            antivirus: plan.antivirus,
            email_security: plan.email_security,
            network_management: plan.network_management,
            password_manager: plan.password_manager,
            plan_name: plan.plan_name,
            sat: plan.sat,
            soc: plan.soc,
            support_level: plan.support_level,
            term_length: plan.term_length,
        }
    }
}

/// A record was made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// Its id.
    pub id: i64,
    /// What was done, in words.
    pub message: String,
}

/// A plan as it is sent: what is absent stays, or has the default of a new plan (prices 0, one terabyte of
/// backup, billed hourly). The six features of older modules may be sent beside `features`; null takes a
/// feature out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(
    missing_docs,
    reason = "each is the field of the same name in `BillingPlanOut`"
)]
#[serde(default)]
pub struct BillingPlanIn {
    /// Needed for a new plan; `billing_plan` is taken too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_name: Option<String>,
    /// Needed for a new plan; in any spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_length: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_plan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_user_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_workstation_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_server_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_vm_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_switch_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_firewall_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour_ticket_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_base_fee_workstation: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_base_fee_server: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_included_tb: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_per_tb_fee: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_cost_per_gb_workstation: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup_cost_per_gb_server: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub antivirus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_manager: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sat: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_security: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_management: Option<String>,
    /// Features by kind, laid over those that the plan has; null takes one out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<BTreeMap<String, Option<String>>>,
}

/// Keys of the body that are fields of the record as they are.
const KEYS: [&str; 16] = [
    "plan_name",
    "term_length",
    "support_level",
    PRICES[0],
    PRICES[1],
    PRICES[2],
    PRICES[3],
    PRICES[4],
    PRICES[5],
    PRICES[6],
    PRICES[7],
    PRICES[8],
    PRICES[9],
    PRICES[10],
    PRICES[11],
    PRICES[12],
];

const REQUIRED: [&str; 15] = [
    "plan_name",
    "term_length",
    PRICES[0],
    PRICES[1],
    PRICES[2],
    PRICES[3],
    PRICES[4],
    PRICES[5],
    PRICES[6],
    PRICES[7],
    PRICES[8],
    PRICES[9],
    PRICES[10],
    PRICES[11],
    PRICES[12],
];

const FORM: Form = Form {
    kind: "billing plan",
    keys: &KEYS,
    required: &REQUIRED,
    refused: &[],
    rule: |key, value| {
        if PRICES.contains(&key) {
            price(&value)
        } else {
            as_it_is(key, value)
        }
    },
};

/// A price as it is sent: a number, or the text of one, as forms and older scripts send it.
pub(crate) fn price(value: &Value) -> std::result::Result<Value, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or("is no number")?;
    if number < 0.0 {
        return Err("must not be negative".into());
    }
    let money = Money::try_from(number).map_err(|error: MoneyError| error.to_string())?;
    Ok(f64::from(money).into())
}

/// Features that are stated, by kind; `None` takes one out.
pub type StatedFeatures = BTreeMap<String, Option<String>>;

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
    body.retain(|key, _| KEYS.contains(&key.as_str()));
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
        Value::Null => {
            features.insert(key.to_owned(), None);
        }
        Value::String(text) if !text.contains('\0') => {
            let text = text.trim();
            features.insert(key.to_owned(), (!text.is_empty()).then(|| text.to_owned()));
        }
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

/// Plans and options as they are carried from one Codex to another (contract 1.2.F, export).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BillingExport {
    /// Plans.
    #[schema(value_type = Vec<BillingPlanIn>)]
    pub plans: Vec<Map<String, Value>>,
    /// Options of features.
    pub feature_options: Vec<FeatureOptionIn>,
}

impl BillingExport {
    /// A plan as it is carried: every field and feature, no id.
    pub fn plan(plan: &BillingPlan) -> Map<String, Value> {
        let fields = serde_json::to_value(&plan.fields).unwrap_or_default();
        match fields {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillingImported {
    /// Plans that are new.
    pub plans_created: usize,
    /// Plans that were there already and stay as they are.
    pub plans_skipped: usize,
    /// Options that are new.
    pub options_created: usize,
    /// Options that were there already.
    pub options_skipped: usize,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::BillingPlanId;

    fn body(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_plan_of_which_nothing_is_known_has_the_contracts_keys_in_order_and_neutral_values() {
        let plan = BillingPlan {
            id: BillingPlanId(3),
            fields: BillingPlanFields::default(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
        };
        let text = serde_json::to_string(&BillingPlanOut::from(&plan)).unwrap();
        assert!(text.starts_with(r#"{"antivirus":"Not Included","backup_base_fee_server":0.0,"#));
        let sent: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&sent).unwrap(), text, "keys in order");
        let ledger = serde_json::to_value(LedgerPlanAnswer::from(&plan)).unwrap();
        assert_eq!(ledger["plan"]["support_level"], "Billed Hourly");
        assert_eq!(ledger["plan"]["backup_included_tb"], 0.0, "contract D-32");
        assert!(ledger["plan"].get("feature_display_names").is_none());
    }

    #[test]
    fn a_new_plan_has_the_contracts_defaults_and_one_spelling_of_its_term() {
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
    fn every_bad_price_is_named() {
        let sent = json!({"plan_name": null, "per_user_cost": -1, "per_vm_cost": "NaN",
            "per_server_cost": 0.00001, "per_switch_cost": null, "features": {"a/b": 1}});
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
                "/features/a~1b"
            ]
        );
    }

    #[test]
    fn null_takes_a_feature_out() {
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
