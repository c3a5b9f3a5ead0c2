//! Billing plans, feature options, overrides, and what is billed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Error, Result, Scope,
    assets::billable::BillableOut,
    billing_plans::{
        self, BillingPlan, BillingPlanEdit, BillingPlanFields, BillingPlanIn,
        effective::{EffectivePlanOut, plan_of},
        input::laid_over,
        wire::{BillingExport, BillingImported, BulkPlansOut},
    },
    codex::Codex,
    companies::{COMPANY_ID, Company},
    feature_options::{self, FeatureOption, wire::FeatureOptionIn},
    idempotency::step_done,
    ids::{BillingPlanId, FeatureOptionId},
    list::{Page, PageRequest},
    overrides::{self, Override},
    records::{Author, Outcome, RecordBody as _, Resource as _, writer::RecordWriter},
};

const KEEPING: &str = "keeping plans and prices";
/// The most plans or options in one import.
const MAX_IMPORT: usize = 1_000;

impl Codex {
    /// All billing plans, by name and term.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn billing_plans(&self, scope: &Scope) -> Result<Vec<BillingPlan>> {
        billing_plans::query::list(&self.0.db, scope).await
    }

    /// A page of them, by name unless another order is asked for.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a limit out of range, an unknown column, a value that does not fit its column;
    /// [`Error::Forbidden`] for clients.
    pub async fn billing_plans_page(
        &self,
        scope: &Scope,
        page: &PageRequest,
    ) -> Result<Page<BillingPlan>> {
        billing_plans::query::page(&self.0.db, scope, page).await
    }

    /// A billing plan by its id.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn billing_plan(
        &self,
        scope: &Scope,
        id: BillingPlanId,
    ) -> Result<Option<BillingPlan>> {
        billing_plans::query::find(&self.0.db, scope, id).await
    }

    /// A billing plan by name and term, the latter in any spelling.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn billing_plan_of(
        &self,
        scope: &Scope,
        name: &str,
        term: &str,
    ) -> Result<Option<BillingPlan>> {
        billing_plans::query::of_name(&self.0.db, scope, name, term).await
    }

    /// Creates a billing plan.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the plan that has the name and
    /// term, [`Error::Forbidden`].
    pub async fn create_billing_plan(
        &self,
        scope: &Scope,
        author: &Author,
        plan: &BillingPlanIn,
    ) -> Result<BillingPlanId> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        if let Some(id) = step_done(0)? {
            return Ok(BillingPlanId(id));
        }
        let fields = new_plan(plan.stated()?)?;
        let mut tx = self.begin_step(0).await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        let (name, term) = name_and_term(&fields);
        if let Some(holder) = billing_plans::query::holder(&mut tx, &name, &term).await? {
            return Err(taken(&name, &term, holder));
        }
        let (ids, outcome) = self
            .writer(&mut tx, author)
            .create::<BillingPlan>(vec![fields])
            .await?;
        let id = ids.first().copied().unwrap_or_default();
        Self::conclude_step(tx, author, outcome, 0, &id).await?;
        Ok(BillingPlanId(id))
    }

    /// Changes a billing plan; `false` when there is no such plan.
    ///
    /// # Errors
    /// As [`Codex::create_billing_plan`], and [`Error::Changed`].
    pub async fn update_billing_plan(
        &self,
        scope: &Scope,
        author: &Author,
        id: BillingPlanId,
        edit: &BillingPlanIn,
    ) -> Result<bool> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        let edited = edit_plan(&mut self.writer(&mut tx, author), id, edit).await?;
        let Some(outcome) = edited else {
            return Ok(false);
        };
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// Changes several billing plans, all or nothing; `false` when one of them is not there.
    ///
    /// # Errors
    /// As [`Codex::update_billing_plan`]; the place of a fault begins with the plan's id.
    pub async fn update_billing_plans(
        &self,
        scope: &Scope,
        author: &Author,
        edits: &[BillingPlanEdit],
    ) -> Result<bool> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        let (mut outcome, mut faults) = (Outcome::default(), Vec::new());
        for BillingPlanEdit { id, seen, plan } in edits {
            let author = Author {
                unchanged_since: *seen,
                ..author.clone()
            };
            match edit_plan(&mut self.writer(&mut tx, &author), *id, plan).await {
                Ok(Some(edited)) => outcome.add(edited),
                Ok(None) => return Ok(false),
                Err(Error::Unprocessable(own)) => {
                    let place = format!("/{id}");
                    faults.extend(own.into_iter().map(|fault| fault.within(&place)));
                }
                Err(error) => return Err(error),
            }
        }
        if !faults.is_empty() {
            return Err(Error::Unprocessable(faults));
        }
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// Deletes several billing plans, all or nothing; returns how many there were.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn delete_billing_plans(
        &self,
        scope: &Scope,
        author: &Author,
        ids: &[BillingPlanId],
    ) -> Result<usize> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let mut tx = self.0.db.begin().await?;
        let mut writer = self.writer(&mut tx, author);
        let (found, outcome) = writer.delete::<BillingPlan>(&ids).await?;
        Self::conclude(tx, author, outcome).await?;
        Ok(found.len())
    }

    /// How many of the listed companies have each plan, whatever its term, by the plan's name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn companies_by_plan(&self, scope: &Scope) -> Result<Vec<(String, i64)>> {
        billing_plans::query::companies(&self.0.db, scope).await
    }

    /// Deletes a billing plan; `false` when there is no such plan.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn delete_billing_plan(
        &self,
        scope: &Scope,
        author: &Author,
        id: BillingPlanId,
    ) -> Result<bool> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        let (found, outcome) = self
            .writer(&mut tx, author)
            .delete::<BillingPlan>(&[id.0])
            .await?;
        if found.is_empty() {
            return Ok(false);
        }
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// What the plans contain that companies have, by `name|term`; a plan that nobody has made is left out.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn plans_in_use(&self, scope: &Scope) -> Result<BulkPlansOut> {
        let plans = self.billing_plans(scope).await?;
        let by_name: BTreeMap<(&str, &str), &BillingPlan> = plans
            .iter()
            .map(|plan| {
                let key = (
                    plan.fields.plan_name.as_str(),
                    plan.fields.term_length.as_str(),
                );
                (key, plan)
            })
            .collect();
        let used = billing_plans::query::in_use(&self.0.db).await?;
        let used = used.into_iter().filter_map(|(name, term)| {
            let company = crate::companies::CompanyFields {
                billing_plan: Some(name),
                contract_term_length: Some(term),
                ..Default::default()
            };
            let (name, term) = plan_of(&company);
            let plan = by_name.get(&(name.as_str(), term.as_str()))?;
            let plan = billing_plans::wire::BillingPlanOut::from(*plan);
            Some((format!("{name}|{term}"), plan.into()))
        });
        Ok(BulkPlansOut {
            plans: used.collect(),
        })
    }

    /// The options of features, of one kind or all.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn feature_options(
        &self,
        scope: &Scope,
        category: Option<&str>,
    ) -> Result<Vec<FeatureOption>> {
        feature_options::query::list(&self.0.db, scope, category).await
    }

    /// Creates an option of a feature unless it exists; returns whether it is new.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`].
    pub async fn create_feature_option(
        &self,
        scope: &Scope,
        author: &Author,
        option: &FeatureOptionIn,
    ) -> Result<(FeatureOption, bool)> {
        scope.require(FeatureOption::WRITTEN_BY, KEEPING)?;
        let fields = feature_options::wire::stated(option.body())?;
        let (id, new) = if let Some(done) = step_done(0)? {
            done
        } else {
            let mut tx = self.begin_step(0).await?;
            tx.advisory_lock(FeatureOption::KIND).await?;
            let mut outcome = Outcome::default();
            let mut writer = self.writer(&mut tx, author);
            let added = add_option(&mut writer, fields, &mut outcome).await?;
            Self::conclude_step(tx, author, outcome, 0, &added).await?;
            added
        };
        let option = feature_options::query::find(&self.0.db, id).await?;
        let gone = || Error::conflict("the option was deleted meanwhile");
        Ok((option.ok_or_else(gone)?, new))
    }

    /// Updates an option of a feature; `false` when there is no such option. Plans keep the value that they have.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the option that has the value,
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn update_feature_option(
        &self,
        scope: &Scope,
        author: &Author,
        id: FeatureOptionId,
        option: &FeatureOptionIn,
    ) -> Result<bool> {
        scope.require(FeatureOption::WRITTEN_BY, KEEPING)?;
        let mut fields = feature_options::wire::stated(option.body())?;
        for blank in ["display_name", "description"] {
            fields.entry(blank).or_insert(Value::Null);
        }
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(FeatureOption::KIND).await?;
        let (category, value) = (&option.feature_category, &option.option_value);
        let holder = feature_options::query::holder(&mut tx, category, value).await?;
        if let Some(holder) = holder.filter(|holder| *holder != id.0) {
            let message = format!("option {holder} of `{category}` is `{value}` already");
            return Err(Error::conflict(message));
        }
        let mut writer = self.writer(&mut tx, author);
        let edited = writer.edit::<FeatureOption>(id.0, fields).await?;
        let Some(outcome) = edited else {
            return Ok(false);
        };
        Self::conclude(tx, author, outcome).await?;
        Ok(true)
    }

    /// Deletes an option of a feature; `false` when there is no such option. Plans keep the value that they have.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn delete_feature_option(
        &self,
        scope: &Scope,
        author: &Author,
        id: FeatureOptionId,
    ) -> Result<bool> {
        self.delete::<FeatureOption>(scope, author, id.0).await
    }

    /// Every plan and option, as [`Codex::import_billing`] takes them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn export_billing(&self, scope: &Scope) -> Result<BillingExport> {
        let plans = self.billing_plans(scope).await?;
        let options = self.feature_options(scope, None).await?;
        Ok(BillingExport {
            plans: plans.iter().map(BillingExport::plan).collect(),
            feature_options: options.iter().map(Into::into).collect(),
        })
    }

    /// Takes plans and options in; those that are there stay as they are. All or nothing.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault and its place, [`Error::Forbidden`].
    pub async fn import_billing(
        &self,
        scope: &Scope,
        author: &Author,
        import: BillingExport,
    ) -> Result<BillingImported> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut faults = Vec::new();
        if import.plans.len().max(import.feature_options.len()) > MAX_IMPORT {
            return Err(Error::invalid(
                "plans",
                format!("at most {MAX_IMPORT} at once"),
            ));
        }
        let mut read = |list: &str, result: Result<Vec<Map<String, Value>>>, at: usize| match result
        {
            Ok(fields) => fields,
            Err(Error::Unprocessable(own)) => {
                let place = format!("/{list}/{at}");
                faults.extend(own.into_iter().map(|fault| fault.within(&place)));
                Vec::new()
            }
            Err(other) => {
                faults.push(crate::Fault {
                    pointer: format!("/{list}/{at}"),
                    detail: other.to_string(),
                });
                Vec::new()
            }
        };
        let mut plans = Vec::new();
        for (at, plan) in import.plans.into_iter().enumerate() {
            plans.extend(read("plans", new_plan(plan).map(|plan| vec![plan]), at));
        }
        let mut options = Vec::new();
        for (at, option) in import.feature_options.iter().enumerate() {
            let fields = feature_options::wire::stated(option.body());
            options.extend(read(
                "feature_options",
                fields.map(|fields| vec![fields]),
                at,
            ));
        }
        if !faults.is_empty() {
            return Err(Error::Unprocessable(faults));
        }
        if let Some(done) = step_done(0)? {
            return Ok(done);
        }
        let (mut done, mut outcome) = (BillingImported::default(), Outcome::default());
        let mut tx = self.begin_step(0).await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        tx.advisory_lock(FeatureOption::KIND).await?;
        let mut writer = self.writer(&mut tx, author);
        for plan in plans {
            let (name, term) = name_and_term(&plan);
            let holder = billing_plans::query::holder(writer.tx, &name, &term).await?;
            if holder.is_some() {
                done.plans_skipped += 1;
            } else {
                outcome.add(writer.create::<BillingPlan>(vec![plan]).await?.1);
                done.plans_created += 1;
            }
        }
        for option in options {
            if add_option(&mut writer, option, &mut outcome).await?.1 {
                done.options_created += 1;
            } else {
                done.options_skipped += 1;
            }
        }
        Self::conclude_step(tx, author, outcome, 0, &done).await?;
        Ok(done)
    }

    /// The plan in force for a company.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn effective_plan(
        &self,
        scope: &Scope,
        company: &Company,
    ) -> Result<EffectivePlanOut> {
        let (name, term) = plan_of(&company.fields);
        let plan = self.billing_plan_of(scope, &name, &term).await?;
        let overrides = self.overrides(scope, company).await?;
        Ok(EffectivePlanOut::new(
            &company.fields,
            plan.as_ref(),
            &overrides,
        ))
    }

    /// What is billed for a company, with the records behind each number.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn billable(&self, scope: &Scope, company: &Company) -> Result<BillableOut> {
        scope.require_staff("reading what is billed")?;
        let contacts = self.company_contacts(scope, company.id).await?;
        let assets = self.company_assets(scope, company.id).await?;
        let number = company.fields.account_number.as_deref().unwrap_or_default();
        Ok(BillableOut::new(number, &contacts, &assets))
    }

    /// A company's overrides, by key; disabled ones too.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn overrides(&self, scope: &Scope, company: &Company) -> Result<Vec<Override>> {
        overrides::query::of_company(&self.0.db, scope, company.id).await
    }

    /// A company's override for one key.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn override_of(
        &self,
        scope: &Scope,
        company: &Company,
        key: &str,
    ) -> Result<Option<Override>> {
        overrides::query::find(&self.0.db, scope, company.id, key).await
    }

    /// Sets a company's override for one key. `enabled` alone disables or enables the existing override.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`], [`Error::Changed`].
    pub async fn set_override(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        key: &str,
        body: &Map<String, Value>,
    ) -> Result<Override> {
        scope.require(Override::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(Override::KIND).await?;
        let before = overrides::query::find_now(&mut tx, company.id, key).await?;
        let mut fields = overrides::wire::stated(key, body, before.is_some())?;
        let mut writer = self.writer(&mut tx, author);
        let edited = match &before {
            Some(row) => writer.edit::<Override>(row.id.0, fields.clone()).await?,
            None => None,
        };
        let outcome = match edited {
            Some(outcome) => outcome,
            // What its author has seen has ended.
            None if author.unchanged_since.is_some() => return Err(Error::Changed),
            None => {
                fields.insert(COMPANY_ID.into(), json!(company.id));
                writer.create::<Override>(vec![fields]).await?.1
            }
        };
        Self::conclude(tx, author, outcome).await?;
        let row = self.override_of(scope, company, key).await?;
        row.ok_or_else(|| Error::conflict("the override was deleted meanwhile"))
    }

    /// Deletes a company's override for one key; `false` when there is none.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn delete_override(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        key: &str,
    ) -> Result<bool> {
        scope.require(Override::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        let Some(row) = overrides::query::find_now(&mut tx, company.id, key).await? else {
            return Ok(false);
        };
        let (found, outcome) = self
            .writer(&mut tx, author)
            .delete::<Override>(&[row.id.0])
            .await?;
        Self::conclude(tx, author, outcome).await?;
        Ok(!found.is_empty())
    }
}

fn new_plan(body: Map<String, Value>) -> Result<Map<String, Value>> {
    let (mut fields, features) = billing_plans::input::stated(body, true)?;
    let none = BillingPlanFields::default().features;
    fields.insert("features".into(), json!(laid_over(&none, features)));
    Ok(fields)
}

/// Changes a plan in a transaction; `None` when there is no such plan.
async fn edit_plan(
    writer: &mut RecordWriter<'_>,
    id: BillingPlanId,
    edit: &BillingPlanIn,
) -> Result<Option<Outcome>> {
    // Locked: what a rival sets in the same plan must not be laid over with an older state.
    let rows = writer.lock::<BillingPlan>(&[id.0]).await?;
    let Some(row) = rows.get(&id.0).filter(|row| row.deleted_at.is_none()) else {
        return Ok(None);
    };
    let (mut fields, features) = billing_plans::input::stated(edit.stated()?, false)?;
    if !features.is_empty() {
        let features = laid_over(&row.fields.features, features);
        fields.insert("features".into(), json!(features));
    }
    let named = |key: &str, before: &str| {
        let stated = fields.get(key).and_then(Value::as_str);
        stated.unwrap_or(before).to_owned()
    };
    let name = named("plan_name", &row.fields.plan_name);
    let term = named("term_length", &row.fields.term_length);
    let holder = billing_plans::query::holder(writer.tx, &name, &term).await?;
    if let Some(holder) = holder.filter(|holder| *holder != id.0) {
        return Err(taken(&name, &term, holder));
    }
    let outcome = writer.edit::<BillingPlan>(id.0, fields).await?;
    Ok(Some(outcome.unwrap_or_default()))
}

fn name_and_term(fields: &Map<String, Value>) -> (String, String) {
    let text = |key: &str| {
        fields
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    (text("plan_name"), text("term_length"))
}

fn taken(name: &str, term: &str, holder: i64) -> Error {
    Error::conflict(format!(
        "billing plan {holder} is `{name}` for `{term}` already"
    ))
}

/// The option with a value, made if it is not there; tells whether it was.
async fn add_option(
    writer: &mut RecordWriter<'_>,
    fields: Map<String, Value>,
    outcome: &mut Outcome,
) -> Result<(i64, bool)> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let (category, value) = (text("feature_category"), text("option_value"));
    if let Some(id) = feature_options::query::holder(writer.tx, category, value).await? {
        return Ok((id, false));
    }
    let (ids, made) = writer.create::<FeatureOption>(vec![fields]).await?;
    outcome.add(made);
    Ok((ids.first().copied().unwrap_or_default(), true))
}
