//! Billing plans as JSON (contract 1.2.F).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    BILLED_HOURLY, BillingPlan, BillingPlanFields, NOT_INCLUDED, feature_label,
    input::BillingPlanIn,
};
use crate::{
    Error, Result,
    feature_options::wire::FeatureOptionIn,
    money::Money,
    records::{
        Intent, RecordBody as _,
        patch::{all, both},
    },
};

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
    /// Id; it never changes.
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
pub struct BulkPlanOut {
    /// Antivirus product, or `Not Included`.
    pub antivirus: String,
    /// E-mail security product.
    pub email_security: String,
    /// Network management.
    pub network_management: String,
    /// Password manager.
    pub password_manager: String,
    /// Name of the plan.
    pub plan_name: String,
    /// Security awareness training.
    pub sat: String,
    /// Security operations centre.
    pub soc: String,
    /// `Billed Hourly`, `Unlimited` or as set.
    pub support_level: Option<String>,
    /// Term of contract.
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

/// A record was created or updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Saved {
    /// Its id.
    pub id: i64,
    /// What was done, in words.
    pub message: String,
}

// Contract 1.2.F, export.
/// Plans and options, as one Codex exports them and another imports them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BillingExport {
    /// Plans.
    pub plans: Vec<BillingPlanIn>,
    /// Options of features.
    pub feature_options: Vec<FeatureOptionIn>,
}

impl BillingExport {
    /// Reads what is to be imported.
    ///
    /// # Errors
    /// As [`BillingExport::of_bodies`].
    pub fn read(plans: Vec<Map<String, Value>>, options: &[FeatureOptionIn]) -> Result<Self> {
        Self::of_bodies(plans, options.iter().map(FeatureOptionIn::body).collect())
    }

    /// Reads plans and options that are bodies of JSON.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault and its place, [`Error::Invalid`] when there is too much of it.
    pub fn of_bodies(
        plans: Vec<Map<String, Value>>,
        options: Vec<Map<String, Value>>,
    ) -> Result<Self> {
        require_importable(plans.len(), options.len())?;
        let plans = plans.into_iter();
        let plans = plans.map(|plan| BillingPlanIn::read(plan, Intent::Create));
        let options = options.into_iter();
        let options = options.map(|option| FeatureOptionIn::read(option, Intent::Create));
        let (plans, feature_options) = both(all("plans", plans), all("feature_options", options))?;
        Ok(Self {
            plans,
            feature_options,
        })
    }
}

/// The most plans or options in one import.
const MAX_IMPORT: usize = 1_000;

/// Refuses an import of too many plans or options.
pub(crate) fn require_importable(plans: usize, options: usize) -> Result<()> {
    if plans.max(options) > MAX_IMPORT {
        return Err(Error::invalid(
            "plans",
            format!("at most {MAX_IMPORT} at once"),
        ));
    }
    Ok(())
}

/// A plan as it is exported: every field and feature, no id.
#[cfg(feature = "sync")]
pub(crate) fn exported(plan: &BillingPlan) -> Result<BillingPlanIn> {
    let plan = serde_json::to_value(&plan.fields).and_then(serde_json::from_value);
    plan.map_err(|source| Error::Corrupt {
        what: "billing plan".to_owned(),
        source: Some(source),
    })
}

/// How many plans and options a replacement created, kept and deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BillingReplaced {
    /// Options that are new.
    pub options_created: usize,
    /// Options that were not named.
    pub options_deleted: usize,
    /// Options that were there: they keep their ids.
    pub options_kept: usize,
    /// Plans that are new.
    pub plans_created: usize,
    /// Plans that were not named.
    pub plans_deleted: usize,
    /// Plans whose name and term were there: they keep their ids.
    pub plans_kept: usize,
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
    use super::*;
    use crate::ids::BillingPlanId;

    #[test]
    fn empty_plan_has_contract_keys_and_neutral_values() {
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
        assert_eq!(ledger["plan"]["backup_included_tb"], 0.0);
        assert!(ledger["plan"].get("feature_display_names").is_none());
    }
}
