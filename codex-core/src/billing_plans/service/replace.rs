//! All billing plans and feature options, replaced at once.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{KEEPING, name_and_term, new_plan};
use crate::{
    Error, Fault, Outcome, Result, Scope,
    billing_plans::{
        self, BillingPlan,
        wire::{BillingExport, BillingReplaced, require_importable},
    },
    codex::Codex,
    feature_options::{self, FeatureOption},
    records::{
        Author, RecordBody as _, Resource as _, WriteSummary,
        patch::{all, both},
        writer::RecordWriter,
    },
};

/// What names a plan or an option.
type Names = (String, String);

impl Codex {
    /// Replaces all billing plans and feature options, in one transaction. A plan whose name and term are there keeps its id
    /// and gets the stated values; plans and options that are not named are deleted.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault and its place, also for a plan or an option that is named twice;
    /// [`Error::Forbidden`].
    pub async fn replace_billing(
        &self,
        scope: &Scope,
        author: &Author,
        wanted: &BillingExport,
    ) -> Result<Outcome<BillingReplaced>> {
        scope.require(BillingPlan::WRITTEN_BY, KEEPING)?;
        require_importable(wanted.plans.len(), wanted.feature_options.len())?;
        let plans = wanted.plans.iter().map(|plan| new_plan(plan.stated()?));
        let options = wanted.feature_options.iter();
        let options = options.map(|option| feature_options::wire::stated(option.body()));
        let (plans, options) = both(all("plans", plans), all("feature_options", options))?;
        both(
            distinct("plans", "plan_name", plans.iter().map(name_and_term)),
            distinct(
                "feature_options",
                "option_value",
                options.iter().map(category_and_value),
            ),
        )?;
        let (mut done, mut summary) = (BillingReplaced::default(), WriteSummary::default());
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(BillingPlan::KIND).await?;
        tx.advisory_lock(FeatureOption::KIND).await?;
        let mut writer = self.writer(&mut tx, author);
        replace_plans(&mut writer, plans, &mut done, &mut summary).await?;
        replace_options(&mut writer, options, &mut done, &mut summary).await?;
        Self::conclude(tx, author, summary, done).await
    }
}

async fn replace_plans(
    writer: &mut RecordWriter<'_>,
    plans: Vec<Map<String, Value>>,
    done: &mut BillingReplaced,
    summary: &mut WriteSummary,
) -> Result<()> {
    let mut there = by_names(billing_plans::query::names(writer.tx).await?);
    let (mut kept, mut new) = (HashMap::new(), Vec::new());
    for plan in plans {
        match there.remove(&name_and_term(&plan)) {
            Some(id) => {
                kept.insert(id, plan);
            }
            None => new.push(plan),
        }
    }
    done.plans_kept = kept.len();
    done.plans_created = new.len();
    if !kept.is_empty() {
        summary.add(writer.edit_all::<BillingPlan>(kept).await?.1);
    }
    if !new.is_empty() {
        summary.add(writer.create::<BillingPlan>(new).await?.1);
    }
    let gone: Vec<i64> = there.into_values().collect();
    if !gone.is_empty() {
        let (found, deleted) = writer.delete::<BillingPlan>(&gone).await?;
        done.plans_deleted = found.len();
        summary.add(deleted);
    }
    Ok(())
}

async fn replace_options(
    writer: &mut RecordWriter<'_>,
    options: Vec<Map<String, Value>>,
    done: &mut BillingReplaced,
    summary: &mut WriteSummary,
) -> Result<()> {
    let mut there = by_names(feature_options::query::names(writer.tx).await?);
    let mut new = Vec::new();
    for option in options {
        match there.remove(&category_and_value(&option)) {
            Some(_) => done.options_kept += 1,
            None => new.push(option),
        }
    }
    done.options_created = new.len();
    if !new.is_empty() {
        summary.add(writer.create::<FeatureOption>(new).await?.1);
    }
    let gone: Vec<i64> = there.into_values().collect();
    if !gone.is_empty() {
        let (found, deleted) = writer.delete::<FeatureOption>(&gone).await?;
        done.options_deleted = found.len();
        summary.add(deleted);
    }
    Ok(())
}

fn by_names(rows: Vec<(i64, String, String)>) -> HashMap<Names, i64> {
    let rows = rows.into_iter();
    rows.map(|(id, first, second)| ((first, second), id))
        .collect()
}

fn category_and_value(fields: &Map<String, Value>) -> Names {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    (
        text("feature_category").to_owned(),
        text("option_value").to_owned(),
    )
}

/// Refuses what is named twice; the fault is at `member` of the second one.
fn distinct(list: &str, member: &str, names: impl Iterator<Item = Names>) -> Result<()> {
    let (mut met, mut faults) = (HashMap::new(), Vec::new());
    for (index, name) in names.enumerate() {
        if let Some(first) = met.get(&name) {
            let (one, other) = &name;
            let detail = format!("`{one}`, `{other}` is in row {first} already");
            faults.push(Fault::at(member, detail).within(&format!("/{list}/{index}")));
        } else {
            met.insert(name, index);
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(Error::Unprocessable(faults))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        billing_plans::BillingPlanIn, feature_options::wire::FeatureOptionIn, money::Money,
        records::Intent,
    };

    fn plan(name: &str, cost: f64) -> BillingPlanIn {
        let body = json!({"plan_name": name, "term_length": "1-Year", "per_user_cost": cost, "soc": "Huntress"});
        BillingPlanIn::read(body.as_object().unwrap().clone(), Intent::Create).unwrap()
    }

    fn option(value: &str) -> FeatureOptionIn {
        let body = json!({"feature_category": "soc", "option_value": value});
        FeatureOptionIn::read(body.as_object().unwrap().clone(), Intent::Create).unwrap()
    }

    fn wanted(plans: &[(&str, f64)], options: &[&str]) -> BillingExport {
        BillingExport {
            plans: plans.iter().map(|(name, cost)| plan(name, *cost)).collect(),
            feature_options: options.iter().map(|value| option(value)).collect(),
        }
    }

    #[tokio::test]
    async fn replaced_plans_keep_the_id_of_equal_name_and_term() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let (scope, author) = (Scope::system(), Author::new("test", codex.now()));
        let replace =
            async |wanted: &BillingExport| codex.replace_billing(&scope, &author, wanted).await;
        let first = wanted(&[("Gold", 1.0), ("Silver", 2.0)], &["Huntress", "None"]);
        let done = replace(&first).await.unwrap().applied().unwrap();
        assert_eq!((done.plans_created, done.options_created), (2, 2));
        let id = async |name: &str| {
            let plan = codex.billing_plan_of(&scope, name, "1 Year").await.unwrap();
            plan.map(|plan| plan.id)
        };
        let gold = id("Gold").await;
        let second = wanted(&[("Gold", 3.0), ("Bronze", 4.0)], &["Huntress", "Other"]);
        let done = replace(&second).await.unwrap().applied().unwrap();
        let expected = BillingReplaced {
            plans_created: 1,
            plans_kept: 1,
            plans_deleted: 1,
            options_created: 1,
            options_kept: 1,
            options_deleted: 1,
        };
        assert_eq!(done, expected);
        assert_eq!((id("Gold").await, id("Silver").await), (gold, None));
        let gold = codex
            .billing_plan_of(&scope, "Gold", "1 Year")
            .await
            .unwrap();
        let cost = gold.unwrap().fields.per_user_cost;
        assert_eq!(cost, Money::from_ten_thousandths(30_000));

        let twice = wanted(&[("Gold", 1.0), ("Tin", 1.0), ("Gold", 2.0)], &[]);
        let Err(Error::Unprocessable(faults)) = replace(&twice).await else {
            panic!("refused")
        };
        assert_eq!(faults[0].pointer, "/plans/2/plan_name");
        assert_eq!(id("Tin").await, None, "all or nothing");
        codex.close().await;
    }
}
