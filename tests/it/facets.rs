//! Facets: the values of a column, counted within filters and scope.

use codex_client::{Client, FacetOut, ListOptions, ListedResource, Op};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
};
use reqwest::Method;
use serde_json::json;

/// The values of one column with their counts.
async fn counted(
    client: &Client,
    list: ListedResource,
    column: &str,
    options: &ListOptions,
) -> anyhow::Result<Vec<(Option<String>, i64)>> {
    let facets = client.facets(list, &[column], options).await?;
    anyhow::ensure!(
        facets.len() == 1 && facets[0].column == column,
        "{facets:?}"
    );
    let values = facets[0].values.iter();
    Ok(values
        .map(|value| (value.value.clone(), value.count))
        .collect())
}

async fn total(
    client: &Client,
    list: ListedResource,
    options: &ListOptions,
) -> anyhow::Result<i64> {
    let options = ListOptions {
        total: true,
        limit: Some(1),
        ..options.clone()
    };
    let total = match list {
        ListedResource::Assets => client.assets().list(&options).await?.total,
        ListedResource::Contacts => client.contacts().list(&options).await?.total,
        _ => client.companies().page(&options).await?.total,
    };
    Ok(i64::try_from(total.unwrap_or_default())?)
}

/// The condition that leaves what a value counts.
fn narrowed(
    options: &ListOptions,
    column: &str,
    is_text: bool,
    value: Option<&str>,
) -> ListOptions {
    let options = options.clone();
    match value {
        None => options.with(column, Op::IsNull, true),
        Some(value) if is_text => options.with(column, Op::Exact, value),
        Some(value) => options.with(column, Op::Eq, value),
    }
}

on_each_engine! {
    async fn facets_count_what_their_filters_list(app: TestApp) -> TestResult {
        app.sync().await?;
        let tech = client(&app, "technician")?;
        let some = ListOptions::default().with("hostname", Op::Contains, "1");
        for (list, column, is_text, options) in [
            (ListedResource::Assets, "hardware_type", true, ListOptions::default()),
            (ListedResource::Assets, "online", false, some.clone()),
            (ListedResource::Assets, "patch_status", true, some),
            (ListedResource::Contacts, "active", false, ListOptions::default()),
            (ListedResource::Companies, "billing_plan", true, ListOptions::default()),
        ] {
            let values = counted(&tech, list, column, &options).await?;
            assert!(!values.is_empty() && values.len() <= 10, "{column}: {values:?}");
            assert!(values.is_sorted_by(|a, b| a.1 >= b.1), "{column}: {values:?}");
            for (value, count) in &values {
                let narrowed = narrowed(&options, column, is_text, value.as_deref());
                assert_eq!(total(&tech, list, &narrowed).await?, *count, "{column} {value:?}");
            }
            let others = tech.facets(list, &[column], &options).await?[0].others;
            let sum: i64 = values.iter().map(|(_, count)| count).sum();
            assert_eq!(sum + others, total(&tech, list, &options).await?, "{column}");
        }
        let statuses = counted(&tech, ListedResource::Tickets, "status", &ListOptions::default()).await?;
        assert!(statuses.iter().any(|(word, _)| word.as_deref() == Some("open")), "{statuses:?}");
        let one = ListOptions::default().with("status", Op::Eq, "open");
        let open = counted(&tech, ListedResource::Tickets, "status", &one).await?;
        assert_eq!(open.len(), 1, "{open:?}");
        Ok(())
    }

    async fn facets_have_their_ten_most_frequent_values(app: TestApp) -> TestResult {
        let tech = client(&app, "technician")?;
        // Kind 12 is there twelve times, kind 1 once.
        let rows: Vec<_> = (1..=12).flat_map(|kind| (0..kind).map(move |n| {
            json!({"hostname": format!("pc-{kind}-{n}"), "hardware_type": format!("Kind {kind:02}")})
        })).collect();
        let bulk = app.call_as("technician", Method::POST, "/api/assets/bulk")?.json(&rows);
        bulk.send().await?.error_for_status()?;
        let facets = tech.facets(ListedResource::Assets, &["hardware_type"], &ListOptions::default()).await?;
        let counts: Vec<i64> = facets[0].values.iter().map(|value| value.count).collect();
        assert_eq!(counts, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
        assert_eq!(facets[0].others, 3);
        Ok(())
    }

    async fn facets_show_clients_their_own_companies_alone(app: TestApp) -> TestResult {
        app.sync().await?;
        let customer = client(&app, "client")?;
        let own: Vec<FacetOut> = customer.facets(ListedResource::Assets, &[], &ListOptions::default()).await?;
        assert!(own.iter().all(|facet| facet.values.is_empty() && facet.others == 0), "{own:?}");
        let columns: Vec<&str> = own.iter().map(|facet| facet.column.as_str()).collect();
        assert!(columns.contains(&"online") && !columns.contains(&"patch_status"), "{columns:?}");
        for (column, says) in [("patch_status", "not shown to this role"), ("hostname", "has no facet"), ("onlin", "did you mean")] {
            let refused = customer.facets(ListedResource::Assets, &[column], &ListOptions::default()).await.unwrap_err();
            assert!(refused.status() == Some(400) && refused.to_string().contains(says), "{refused}");
        }
        Ok(())
    }
}
