//! Billing plans, the plan in force for a company, and what is billed.

mod replace;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Error, Outcome, Result, Scope,
    assets::billable::BillableOut,
    billing_plans::{
        self, BillingPlan, BillingPlanEdit, BillingPlanFields, BillingPlanIn,
        effective::{EffectivePlanOut, plan_of},
        input::laid_over,
        wire::{BillingExport, BillingImported, BulkPlansOut, exported, require_importable},
    },
    codex::Codex,
    companies::Company,
    feature_options::{self, FeatureOption},
    idempotency::step_done,
    ids::BillingPlanId,
    list::{Page, PageRequest},
    records::{
        Author, RecordBody as _, Resource as _, WriteSummary,
        patch::{all, both},
        writer::RecordWriter,
    },
};

/// What changes of plans, options and overrides are called.
pub(crate) const KEEPING: &str = "keeping plans and prices";

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
        let summary = edit_plan(&mut self.writer(&mut tx, author), id, edit).await?;
        let Some(summary) = summary else {
            return Ok(None);
        };
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }

    /// Changes several billing plans, all or nothing; `None` when one of them is not there.
    ///
    /// # Errors
    /// As [`Codex::update_billing_plan`]; the place of a fault begins with the plan's id.
    pub async fn update_billing_plans(
        &self,
        scope: &Scope,
        author: &Author,
        edits: &[BillingPlanEdit],
    ) -> Result<Option<Outcome>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        let (mut summary, mut faults) = (WriteSummary::default(), Vec::new());
        for BillingPlanEdit { id, seen, plan } in edits {
            let author = Author {
                unchanged_since: *seen,
                ..author.clone()
            };
            match edit_plan(&mut self.writer(&mut tx, &author), *id, plan).await {
                Ok(Some(edited)) => summary.add(edited),
                Ok(None) => return Ok(None),
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
        Self::conclude(tx, author, summary, ()).await.map(Some)
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
    ) -> Result<Outcome<usize>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let mut tx = self.0.db.begin().await?;
        let mut writer = self.writer(&mut tx, author);
        let (found, summary) = writer.delete::<BillingPlan>(&ids).await?;
        Self::conclude(tx, author, summary, found.len()).await
    }

    /// How many of the listed companies have each plan, whatever its term, by the plan's name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn companies_by_plan(&self, scope: &Scope) -> Result<Vec<(String, i64)>> {
        billing_plans::query::companies(&self.0.db, scope).await
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
            if feature_options::service::add(&mut writer, option, &mut summary)
                .await?
                .1
            {
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
) -> Result<Option<WriteSummary>> {
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
    Ok(Some(summary.unwrap_or_default()))
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
