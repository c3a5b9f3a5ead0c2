//! Billing plans, feature options, overrides, and what is billed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Error, Outcome, Result, Scope,
    assets::billable::BillableOut,
    billing_plans::{
        self, BillingPlan, BillingPlanFields, BillingPlanIn,
        effective::{EffectivePlanOut, plan_of},
        input::laid_over,
        wire::{BillingExport, BillingImported, BulkPlansOut, exported, require_importable},
    },
    codex::Codex,
    companies::{COMPANY_ID, Company},
    feature_options::{self, FeatureOption, wire::FeatureOptionIn},
    idempotency::step_done,
    ids::BillingPlanId,
    list::{Page, PageRequest},
    overrides::{self, Override, wire::OverrideIn},
    records::{
        Author, RecordBody as _, Resource as _, WriteSummary,
        patch::{all, both},
        writer::RecordWriter,
    },
};

const KEEPING: &str = "keeping plans and prices";

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
    ) -> Result<Outcome<BillingPlanId>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        if let Some(id) = step_done(0)? {
            return Ok(Outcome::Applied(BillingPlanId(id)));
        }
        let fields = new_plan(plan.stated()?)?;
        let mut tx = self.begin_step(0).await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        let (name, term) = name_and_term(&fields);
        if let Some(holder) = billing_plans::query::holder(&mut tx, &name, &term).await? {
            return Err(taken(&name, &term, holder));
        }
        let (ids, summary) = self
            .writer(&mut tx, author)
            .create::<BillingPlan>(vec![fields])
            .await?;
        let id = ids.first().copied().unwrap_or_default();
        let created = Self::conclude_step(tx, author, summary, 0, id).await?;
        Ok(created.map(BillingPlanId))
    }

    /// Changes a billing plan; `None` when there is no such plan.
    ///
    /// # Errors
    /// As [`Codex::create_billing_plan`], and [`Error::Changed`].
    pub async fn update_billing_plan(
        &self,
        scope: &Scope,
        author: &Author,
        id: BillingPlanId,
        edit: &BillingPlanIn,
    ) -> Result<Option<Outcome>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        let mut writer = self.writer(&mut tx, author);
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
        let summary = writer.edit::<BillingPlan>(id.0, fields).await?;
        let updated = Self::conclude(tx, author, summary.unwrap_or_default(), ());
        updated.await.map(Some)
    }

    /// Deletes a billing plan; `None` when there is no such plan.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn delete_billing_plan(
        &self,
        scope: &Scope,
        author: &Author,
        id: BillingPlanId,
    ) -> Result<Option<Outcome>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        let (found, summary) = self
            .writer(&mut tx, author)
            .delete::<BillingPlan>(&[id.0])
            .await?;
        if found.is_empty() {
            return Ok(None);
        }
        Self::conclude(tx, author, summary, ()).await.map(Some)
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
    ) -> Result<Outcome<(FeatureOption, bool)>> {
        scope.require(FeatureOption::WRITTEN_BY, KEEPING)?;
        let fields = feature_options::wire::stated(option.body())?;
        let created = if let Some(done) = step_done(0)? {
            Outcome::Applied(done)
        } else {
            let mut tx = self.begin_step(0).await?;
            tx.advisory_lock(FeatureOption::KIND).await?;
            let mut summary = WriteSummary::default();
            let mut writer = self.writer(&mut tx, author);
            let added = add_option(&mut writer, fields, &mut summary).await?;
            Self::conclude_step(tx, author, summary, 0, added).await?
        };
        let option = |(id, new)| async move {
            let option = feature_options::query::find(&self.0.db, id).await?;
            let gone = || Error::conflict("the option was deleted meanwhile");
            Ok((option.ok_or_else(gone)?, new))
        };
        created.then(option).await
    }

    /// Every plan and option, as [`Codex::import_billing`] takes them.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn export_billing(&self, scope: &Scope) -> Result<BillingExport> {
        let plans = self.billing_plans(scope).await?;
        let options = self.feature_options(scope, None).await?;
        Ok(BillingExport {
            plans: plans.iter().map(exported).collect::<Result<_>>()?,
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
        import: &BillingExport,
    ) -> Result<Outcome<BillingImported>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        require_importable(import.plans.len(), import.feature_options.len())?;
        let plans = import.plans.iter().map(|plan| new_plan(plan.stated()?));
        let options = import.feature_options.iter();
        let options = options.map(|option| feature_options::wire::stated(option.body()));
        let (plans, options) = both(all("plans", plans), all("feature_options", options))?;
        if let Some(done) = step_done(0)? {
            return Ok(Outcome::Applied(done));
        }
        let (mut done, mut summary) = (BillingImported::default(), WriteSummary::default());
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
                summary.add(writer.create::<BillingPlan>(vec![plan]).await?.1);
                done.plans_created += 1;
            }
        }
        for option in options {
            if add_option(&mut writer, option, &mut summary).await?.1 {
                done.options_created += 1;
            } else {
                done.options_skipped += 1;
            }
        }
        Self::conclude_step(tx, author, summary, 0, done).await
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
        sent: &OverrideIn,
    ) -> Result<Outcome<Override>> {
        scope.require(Override::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(Override::KIND).await?;
        let before = overrides::query::find_now(&mut tx, company.id, key).await?;
        let mut fields = sent.stated(key, before.is_some())?;
        let mut writer = self.writer(&mut tx, author);
        let edited = match &before {
            Some(row) => writer.edit::<Override>(row.id.0, fields.clone()).await?,
            None => None,
        };
        let summary = match edited {
            Some(summary) => summary,
            // What its author has seen has ended.
            None if author.unchanged_since.is_some() => return Err(Error::Changed),
            None => {
                fields.insert(COMPANY_ID.into(), json!(company.id));
                writer.create::<Override>(vec![fields]).await?.1
            }
        };
        let set = Self::conclude(tx, author, summary, ()).await?;
        let row = |()| async {
            let row = self.override_of(scope, company, key).await?;
            row.ok_or_else(|| Error::conflict("the override was deleted meanwhile"))
        };
        set.then(row).await
    }

    /// Deletes a company's override for one key; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn delete_override(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        key: &str,
    ) -> Result<Option<Outcome>> {
        scope.require(Override::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        let Some(row) = overrides::query::find_now(&mut tx, company.id, key).await? else {
            return Ok(None);
        };
        let (found, summary) = self
            .writer(&mut tx, author)
            .delete::<Override>(&[row.id.0])
            .await?;
        if found.is_empty() {
            return Ok(None);
        }
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }
}

fn new_plan(body: Map<String, Value>) -> Result<Map<String, Value>> {
    let (mut fields, features) = billing_plans::input::stated(body, true)?;
    let none = BillingPlanFields::default().features;
    fields.insert("features".into(), json!(laid_over(&none, features)));
    Ok(fields)
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
    summary: &mut WriteSummary,
) -> Result<(i64, bool)> {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let (category, value) = (text("feature_category"), text("option_value"));
    if let Some(id) = feature_options::query::holder(writer.tx, category, value).await? {
        return Ok((id, false));
    }
    let (ids, made) = writer.create::<FeatureOption>(vec![fields]).await?;
    summary.add(made);
    Ok((ids.first().copied().unwrap_or_default(), true))
}
