//! Billing plans, options of features, and what companies are billed by.

use codex_core::{
    assets::billable::BillableOut,
    billing_plans::{
        effective::EffectivePlanOut,
        input::BillingPlanIn,
        wire::{
            BillingExport, BillingImported, BillingPlanOut, BulkPlansOut, LedgerPlanAnswer,
            LedgerPlanOut, LedgerPlansOut, PlanFeaturesOut, Saved,
        },
    },
    feature_options::wire::{
        FeatureOptionIn, FeatureOptionOut, LedgerCategoriesOut, LedgerOptionsOut,
    },
    overrides::wire::{OverrideIn, OverrideOut},
};

use crate::{
    Creation, Edit, ListOptions, Reading, Records, Result,
    request::{Requester, json},
};

/// Calls about billing. Not for clients; changes are for billing, administrators and services.
#[derive(Debug)]
pub struct Billing<'c>(pub(crate) &'c Requester);

/// The id of what was saved.
fn id(body: &[u8]) -> serde_json::Result<i64> {
    let saved: Saved = json(body)?;
    Ok(saved.id)
}

const PLANS: [&str; 2] = ["api", "billing-plans"];
const LEDGER: [&str; 2] = ["billing-plans", "api"];

impl Billing<'_> {
    /// All billing plans, by name and term.
    pub async fn plans(&self) -> Result<Vec<BillingPlanOut>> {
        self.0.get(&PLANS, &[]).await
    }

    /// Every plan that `options` let through, by name unless they say otherwise, page after page as they are asked
    /// for. A term may be named in any spelling.
    pub fn plans_where(&self, options: &ListOptions) -> Records<BillingPlanOut> {
        self.0.records(&PLANS, &options.in_order("plan_name"))
    }

    /// Creates a billing plan; returns its id.
    pub fn create_plan(&self, plan: &BillingPlanIn) -> Creation<i64> {
        self.0.create(&PLANS, plan).decoded(id)
    }

    /// One billing plan.
    pub fn plan(&self, id: i64) -> Reading<BillingPlanOut> {
        self.0.read(&[PLANS[0], PLANS[1], &id.to_string()])
    }

    /// Updates a billing plan; fields that are not sent stay as they are.
    pub fn update_plan(&self, id: i64, plan: &BillingPlanIn) -> Edit<()> {
        let path = [PLANS[0], PLANS[1], &id.to_string()];
        self.0.put(&path, plan).decoded(|_| Ok(()))
    }

    /// Deletes a billing plan.
    pub fn delete_plan(&self, id: i64) -> Edit<()> {
        self.0.delete(&[PLANS[0], PLANS[1], &id.to_string()])
    }

    /// What a plan contains, without its prices.
    pub async fn plan_features(&self, name: &str, term: &str) -> Result<PlanFeaturesOut> {
        self.0.get(&[PLANS[0], PLANS[1], name, term], &[]).await
    }

    /// Imports plans and options from an export; existing ones stay as they are.
    pub fn import(&self, import: &BillingExport) -> Creation<BillingImported> {
        self.0.create(&[PLANS[0], PLANS[1], "import"], import)
    }

    /// Exports every plan and option, for [`Billing::import`].
    pub async fn export(&self) -> Result<BillingExport> {
        self.0.get(&["billing-plans", "export"], &[]).await
    }

    /// Billing plans as Ledger bills by them.
    pub async fn ledger_plans(&self) -> Result<Vec<LedgerPlanOut>> {
        let answer: LedgerPlansOut = self.0.get(&[LEDGER[0], LEDGER[1], "plans"], &[]).await?;
        Ok(answer.plans)
    }

    /// One billing plan as Ledger bills by it.
    pub async fn ledger_plan(&self, name: &str, term: &str) -> Result<LedgerPlanOut> {
        let path = [LEDGER[0], LEDGER[1], "plans", name, term];
        let answer: LedgerPlanAnswer = self.0.get(&path, &[]).await?;
        Ok(answer.plan)
    }

    /// The contents of the plans that companies have, by `name|term`.
    pub async fn plans_in_use(&self) -> Result<BulkPlansOut> {
        self.0.get(&[LEDGER[0], LEDGER[1], "bulk-plans"], &[]).await
    }

    /// The options of features, of one kind or all.
    pub async fn feature_options(&self, feature: Option<&str>) -> Result<Vec<FeatureOptionOut>> {
        let query: Vec<_> = feature
            .map(|kind| ("feature_type", kind.to_owned()))
            .into_iter()
            .collect();
        self.0.get(&["api", "feature-options"], &query).await
    }

    /// Creates an option of a feature unless it exists; returns its id.
    pub fn create_feature_option(&self, option: &FeatureOptionIn) -> Creation<i64> {
        let path = ["api", "feature-options"];
        self.0.create(&path, option).decoded(id)
    }

    /// The options of features by kind, as Ledger reads them.
    pub async fn ledger_options(&self) -> Result<LedgerOptionsOut> {
        self.0
            .get(&[LEDGER[0], LEDGER[1], "feature-options"], &[])
            .await
    }

    /// The kinds of feature, in order.
    pub async fn feature_categories(&self) -> Result<Vec<String>> {
        let path = [LEDGER[0], LEDGER[1], "feature-categories"];
        let answer: LedgerCategoriesOut = self.0.get(&path, &[]).await?;
        Ok(answer.categories)
    }

    /// The effective plan of a company, with the origin of each value.
    pub async fn plan_of(&self, account_number: &str) -> Result<EffectivePlanOut> {
        self.0
            .get(&["api", "companies", account_number, "plan"], &[])
            .await
    }

    /// The billable counts of a company, with the records behind each number.
    pub async fn billable(&self, account_number: &str) -> Result<BillableOut> {
        self.0
            .get(&["api", "companies", account_number, "billable"], &[])
            .await
    }

    /// A company's overrides, by key.
    pub async fn overrides(&self, account_number: &str) -> Result<Vec<OverrideOut>> {
        self.0
            .get(&["api", "companies", account_number, "overrides"], &[])
            .await
    }

    /// A company's override for one key.
    pub fn get_override(&self, account_number: &str, key: &str) -> Reading<OverrideOut> {
        self.0
            .read(&["api", "companies", account_number, "overrides", key])
    }

    /// Sets a company's override for one key.
    pub fn set_override(
        &self,
        account_number: &str,
        key: &str,
        agreed: &OverrideIn,
    ) -> Edit<OverrideOut> {
        self.0.put(
            &["api", "companies", account_number, "overrides", key],
            agreed,
        )
    }

    /// Deletes a company's override for one key.
    pub fn delete_override(&self, account_number: &str, key: &str) -> Edit<()> {
        self.0
            .delete(&["api", "companies", account_number, "overrides", key])
    }
}
