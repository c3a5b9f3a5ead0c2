//! Billing through the API: plans, options, what is agreed, what is billed.

use std::collections::BTreeMap;

use codex_client::{
    BillingPlanIn, FeatureOptionIn, ListOptions, Money, Op, OverrideIn, OverrideValue, ValueSource,
};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
    sim::world,
};
use futures::TryStreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

fn gold() -> BillingPlanIn {
    BillingPlanIn {
        plan_name: "Gold / All & in".into(),
        term_length: "1-Year".into(),
        per_user_cost: Money::from_ten_thousandths(125_000).into(),
        soc: "Huntress".into(),
        ..BillingPlanIn::default()
    }
}

on_each_engine! {
    async fn plan_is_created_found_updated_and_deleted(app: TestApp) -> TestResult {
        let billing = client(&app, "billing")?;
        let billing = billing.billing();
        let id = billing.create_plan(&gold()).await?;
        let plan = billing.plan(id).await?;
        assert_eq!((plan.plan_name.as_str(), plan.term_length.as_str()), ("Gold / All & in", "1 Year"));
        assert_eq!((plan.soc.as_str(), plan.sat.as_str()), ("Huntress", "Not Included"));
        assert_eq!(plan.backup_included_tb.to_string(), "1.00");
        let wanted = async |op, term: &str| {
            let options = ListOptions::default().with("plan_name", Op::Eq, "Gold / All & in").with("term_length", op, term);
            billing.plans_where(&options).try_collect::<Vec<_>>().await
        };
        for (op, term, found) in [
            (Op::Eq, "1-Year", 1), (Op::Eq, "2-Year", 0), (Op::In, "2-Year,1-Year", 1), (Op::In, "2-Year,3 Year", 0),
            (Op::Ne, "1-Year", 0), (Op::Ne, "monthly", 1),
        ] {
            assert_eq!(wanted(op, term).await?, vec![plan.clone(); found], "{op:?} {term}");
        }
        for term in ["1 Year", "1-Year"] {
            let plan = billing.ledger_plan("Gold / All & in", term).await?;
            assert_eq!((plan.id, f64::from(plan.per_user_cost)), (id, 12.5));
            assert_eq!(plan.features["soc"], "Huntress");
            assert_eq!(billing.plan_features("Gold / All & in", term).await?.id, id);
        }
        assert_eq!(billing.ledger_plan("Tin", "1 Year").await.unwrap_err().status(), Some(404));
        assert_eq!(billing.create_plan(&gold()).await.unwrap_err().status(), Some(409));

        let change = BillingPlanIn {
            per_user_cost: Money::from_ten_thousandths(130_000).into(),
            features: BTreeMap::from([("soc".to_owned(), None), ("edr".to_owned(), Some("Yes".to_owned()))]).into(),
            ..BillingPlanIn::default()
        };
        billing.update_plan(id, &change).await?;
        let plans = billing.ledger_plans().await?;
        assert_eq!(plans[0].per_user_cost.to_string(), "13.00");
        assert_eq!(plans[0].features.keys().collect::<Vec<_>>(), ["edr"]);
        assert_eq!(plans[0].feature_display_names.as_ref().unwrap()["edr"], "Edr");
        billing.delete_plan(id).await?;
        assert_eq!(billing.plan(id).await.unwrap_err().status(), Some(404));
        assert_eq!(billing.delete_plan(id).await.unwrap_err().status(), Some(404));
        assert!(billing.create_plan(&gold()).await? > id, "a name is free again after a deletion");
        Ok(())
    }

    async fn ledger_finds_a_plan_with_a_slash_and_an_empty_name_is_404(app: TestApp) -> TestResult {
        client(&app, "billing")?.billing().create_plan(&gold()).await?;
        let token = app.core.key.service("ledger", "codex")?;
        let get = |path: &str| app.call(Method::GET, path).bearer_auth(&token);
        let path = "/billing-plans/api/plans/Gold%20%2F%20All%20%26%20in/1%20Year";
        let answer: Value = get(path).send().await?.error_for_status()?.json().await?;
        assert_eq!(answer["status"], "success");
        assert!(answer["plan"].get("feature_display_names").is_none());
        let missing = get("/billing-plans/api/plans/Tin/1%20Year").send().await?;
        assert_eq!(missing.status(), 404);
        assert_eq!(missing.json::<Value>().await?["status"], "error");
        assert_eq!(get("/billing-plans/api/plans//1%20Year").send().await?.status(), 404);
        Ok(())
    }

    async fn brainhair_importers_get_their_keys(app: TestApp) -> TestResult {
        let post = |path: &str, body: Value| -> anyhow::Result<_> {
            let token = app.core.key.service("brainhair", "codex")?;
            Ok(app.call(Method::POST, path).bearer_auth(token).json(&body).send())
        };
        let plan = json!({"plan_name": "Silver", "term_length": "Month to Month", "per_user_cost": 10,
            "backup_cost_per_gb_workstation": 0.5, "antivirus": "Datto AV"});
        let made = post("/api/billing-plans", plan.clone())?.await?;
        assert_eq!(made.status(), 201);
        assert_eq!(post("/api/billing-plans", plan)?.await?.status(), 409);
        let found = app.json("/api/billing-plans?plan_name=Silver&term_length=Month%20to%20Month").await?;
        for key in ["per_user_cost", "per_workstation_cost", "per_server_cost", "per_vm_cost",
            "per_switch_cost", "per_firewall_cost", "per_hour_ticket_cost", "backup_base_fee_workstation",
            "backup_base_fee_server", "backup_cost_per_gb_workstation", "backup_cost_per_gb_server"] {
            assert!(found[0][key].is_f64(), "{key}: {}", found[0]);
        }
        let option = json!({"feature_type": "soc", "value": "Huntress"});
        assert_eq!(post("/api/feature-options", option.clone())?.await?.status(), 201);
        assert_eq!(post("/api/feature-options", option)?.await?.status(), 200);
        let options = app.json("/api/feature-options?category=soc").await?;
        assert_eq!(options[0]["option_value"], "Huntress");
        assert_eq!(options, app.json("/api/feature-options?feature_type=soc").await?);
        assert_eq!(app.json("/api/feature-options?category=sat").await?, json!([]));
        let grouped = app.json("/billing-plans/api/feature-options").await?;
        assert_eq!(grouped["features"]["soc"][0]["value"], "Huntress");
        assert_eq!(app.json("/billing-plans/api/feature-categories").await?["categories"], json!(["soc"]));
        Ok(())
    }

    async fn overrides_win_over_the_plan_and_are_marked(app: TestApp) -> TestResult {
        app.sync().await?;
        let billing = client(&app, "billing")?;
        let technician = client(&app, "technician")?;
        let billing = billing.billing();
        let account = "100001";
        let before = billing.plan_of(account).await?;
        assert_eq!(before.plan_id, None, "nobody made the plan: {before:?}");
        assert!(before.prices.is_empty());
        billing.create_plan(&BillingPlanIn {
            plan_name: before.plan_name.clone().into(),
            term_length: before.term_length.clone().into(),
            ..gold()
        }).await?;
        let agree = |value: OverrideValue| OverrideIn { value: Some(value), enabled: None };
        let text = |text: &str| agree(OverrideValue::Text(text.into()));
        billing.set_override(account, "per_user_cost", &agree(OverrideValue::Price(9.5))).await?;
        billing.set_override(account, "per_user_cost", &agree(OverrideValue::Price(9.75))).await?;
        billing.set_override(account, "soc", &text("Other")).await?;
        billing.set_override(account, "edr", &text("Extra")).await?;
        let off = OverrideIn { enabled: Some(false), ..agree(OverrideValue::Price(1.0)) };
        billing.set_override(account, "per_vm_cost", &off).await?;
        assert_eq!(billing.overrides(account).await?.len(), 4);
        assert!(!billing.get_override(account, "per_vm_cost").await?.enabled);

        let plan = billing.plan_of(account).await?;
        let user = &plan.prices["per_user_cost"];
        assert_eq!((f64::from(user.value), user.source), (9.75, ValueSource::Override));
        assert_eq!(user.plan_value.map(f64::from), Some(12.5));
        let vm = &plan.prices["per_vm_cost"];
        assert_eq!((f64::from(vm.value), vm.source), (0.0, ValueSource::Plan));
        assert_eq!(plan.features["soc"].value, "Other");
        assert_eq!(plan.features["soc"].plan_value.as_deref(), Some("Huntress"));
        assert_eq!(plan.features["edr"].source, ValueSource::Override);

        for (enabled, price) in [(false, "12.50"), (true, "9.75")] {
            let switch = OverrideIn { value: None, enabled: Some(enabled) };
            let now = billing.set_override(account, "per_user_cost", &switch).await?;
            assert_eq!((now.value, now.enabled), (OverrideValue::Price(9.75), enabled));
            assert_eq!(billing.plan_of(account).await?.prices["per_user_cost"].value.to_string(), price);
        }

        billing.delete_override(account, "per_user_cost").await?;
        assert_eq!(billing.plan_of(account).await?.prices["per_user_cost"].value.to_string(), "12.50");
        let gone = billing.delete_override(account, "per_user_cost").await.unwrap_err();
        assert_eq!(gone.status(), Some(404));
        let refused = technician.billing().set_override(account, "soc", &text("x")).await.unwrap_err();
        assert_eq!(refused.status(), Some(403));
        for bad in [json!({"value": -1}), json!({"value": 1e-5}), json!({"value": null}), json!({}), json!({"enabled": true})] {
            let path = format!("/api/companies/{account}/overrides/per_user_cost");
            let answer = app.call_as("billing", Method::PUT, &path)?.json(&bad).send().await?;
            assert_eq!(answer.status(), 422, "{bad}");
            assert_eq!(answer.json::<Value>().await?["errors"][0]["pointer"], "/value", "{bad}");
        }
        let in_use = billing.plans_in_use().await?;
        assert!(in_use.plans.contains_key(&format!("{}|{}", plan.plan_name, plan.term_length)));
        Ok(())
    }

    async fn prices_and_support_level_can_be_overridden(app: TestApp) -> TestResult {
        app.sync().await?;
        let billing = client(&app, "billing")?;
        let (billing, account) = (billing.billing(), "100001");
        let before = billing.plan_of(account).await?;
        billing.create_plan(&BillingPlanIn {
            plan_name: before.plan_name.clone().into(),
            term_length: before.term_length.clone().into(),
            support_level: "Business hours".into(),
            ..gold()
        }).await?;
        let of_plan = billing.plan_of(account).await?;
        assert_eq!(of_plan.prices.keys().collect::<Vec<_>>(), {
            let mut prices = codex_core::billing_plans::PRICES.to_vec();
            prices.sort_unstable();
            prices
        });
        let agree = |value: OverrideValue| OverrideIn { value: Some(value), enabled: None };
        for (n, key) in (1_u8..).zip(codex_core::billing_plans::PRICES) {
            billing.set_override(account, key, &agree(OverrideValue::Price(f64::from(n)))).await?;
        }
        billing.set_override(account, "support_level", &agree(OverrideValue::Text("Unlimited".into()))).await?;
        let agreed = billing.plan_of(account).await?;
        for (n, key) in (1_u8..).zip(codex_core::billing_plans::PRICES) {
            let price = &agreed.prices[key];
            assert_eq!((f64::from(price.value), price.source), (f64::from(n), ValueSource::Override), "{key}");
            assert_eq!(price.plan_value, Some(of_plan.prices[key].value), "{key}");
        }
        let level = agreed.support_level.unwrap();
        assert_eq!((level.value.as_str(), level.source), ("Unlimited", ValueSource::Override));
        assert_eq!(level.plan_value.as_deref(), Some("Business hours"));
        assert!(!agreed.features.contains_key("support_level"));
        Ok(())
    }

    async fn billable_counts_match_the_company_records(app: TestApp) -> TestResult {
        app.sync().await?;
        let billing = client(&app, "billing")?;
        for company in billing.companies().list().await? {
            let account = &company.account_number;
            let billable = billing.billing().billable(account).await?;
            let devices = [&billable.workstations, &billable.servers, &billable.vms,
                &billable.network_devices, &billable.other];
            let counted: usize = devices.iter().map(|count| count.records.len()).sum();
            let assets = billing.companies().assets(account).await?;
            assert_eq!(counted, assets.len());
            let active = billing.companies().contacts(account).await?;
            assert_eq!(billable.users.count, active.iter().filter(|contact| contact.active).count());
        }
        Ok(())
    }

    async fn plan_import_is_all_or_nothing(app: TestApp) -> TestResult {
        let admin = client(&app, "admin")?;
        let billing = admin.billing();
        let id = billing.create_plan(&gold()).await?;
        let option = FeatureOptionIn {
            feature_category: "soc".into(), option_value: "Huntress".into(), ..FeatureOptionIn::default()
        };
        billing.create_feature_option(&option).await?;
        let export = billing.export().await?;
        let again = billing.import(&export).await?;
        assert_eq!((again.plans_skipped, again.options_skipped), (1, 1));
        let before = billing.plan(id).await?;
        billing.delete_plan(id).await?;
        let back = billing.import(&export).await?;
        assert_eq!((back.plans_created, back.options_skipped), (1, 1));
        let mut plans = billing.plans().await?;
        plans[0].id = id;
        assert_eq!(plans, [before]);
        // One bad plan, and none of them is made.
        let bad = json!({"plans": [{"plan_name": "New", "term_length": "1 Year"},
            {"plan_name": "Bad", "per_user_cost": -1}], "feature_options": []});
        let answer = app.call_as("admin", Method::POST, "/api/billing-plans/import")?.json(&bad).send().await?;
        assert_eq!(answer.status(), 422);
        let errors = answer.json::<Value>().await?;
        let at: Vec<&str> = errors["errors"].as_array().unwrap().iter()
            .filter_map(|fault| fault["pointer"].as_str()).collect();
        assert_eq!(at, ["/plans/1/term_length", "/plans/1/per_user_cost"]);
        assert_eq!(billing.plans().await?.len(), 1);
        Ok(())
    }

    async fn imported_plans_apply_to_their_companies(app: TestApp) -> TestResult {
        app.sync().await?;
        let admin = client(&app, "admin")?;
        assert_eq!(admin.billing().import(&world::plans()).await?.plans_created, 20);
        for company in admin.companies().list().await? {
            let plan = admin.billing().plan_of(&company.account_number).await?;
            assert_eq!(plan.plan_name, company.billing_plan);
            let price = &plan.prices["per_user_cost"];
            assert!(f64::from(price.value) > 0.0 && price.plan_value.is_some(), "{plan:?}");
        }
        Ok(())
    }

    async fn two_concurrent_creates_make_one_plan(app: TestApp) -> TestResult {
        let admin = client(&app, "admin")?;
        let (plan, billing) = (gold(), admin.billing());
        let answers = tokio::join!(billing.create_plan(&plan), billing.create_plan(&plan));
        let statuses = [answers.0, answers.1].map(|made| made.err().and_then(|error| error.status()));
        assert!(statuses == [None, Some(409)] || statuses == [Some(409), None], "{statuses:?}");
        Ok(())
    }

    async fn clients_see_no_billing(app: TestApp) -> TestResult {
        app.sync().await?;
        for path in ["/api/billing-plans", "/api/billing-plans/1", "/api/billing-plans/a/b",
            "/billing-plans/api/plans", "/billing-plans/api/plans/a/b", "/billing-plans/api/bulk-plans",
            "/billing-plans/export", "/api/feature-options", "/billing-plans/api/feature-options",
            "/billing-plans/api/feature-categories"] {
            assert_eq!(app.get_as("client", path)?.send().await?.status(), 403, "{path}");
        }
        Ok(())
    }
}
