//! What is read beside the lists, a few calls at a time: site variables and network interfaces.

use std::{collections::BTreeMap, sync::Arc};

use chrono::Duration;
use futures::{StreamExt, stream};
use serde_json::{Map, Value};

use super::{
    INTERFACES, NAME, Options, VARIABLES,
    client::{Client, List},
    map,
};
use crate::{
    Result,
    assets::Asset,
    site_links::{SiteLink, query},
    sync::{
        Incoming, Run, UpstreamError,
        crawl::{Lister as _, Page},
    },
};

/// Calls in flight at once.
const AT_ONCE: usize = 6;
/// A list that goes on for longer than this is not one of a site.
const MAX_PAGES: usize = 100;

sql! {
    /// Sites of a provider that are gone.
    GONE_SITES = "select external_id from claims where source = $1 and kind = 'site_link' \
        and gone_at is not null";
    /// Sites with devices whose hardware address was never asked for.
    WITHOUT_ADDRESS = "select distinct l.id, l.site_uid from assets a join site_links l \
        on l.site_uid = a.site_uid and l.deleted_at is null and l.provider = $1 \
        left join site_link_status s on s.site_link_id = l.id \
        where a.deleted_at is null and a.mac_address is null \
        and (s.interfaces_read_at is null or a.created_at > s.interfaces_read_at) order by l.id";
}

/// The sites that have been confirmed gone.
pub(super) async fn gone_sites(run: &Run) -> Result<Vec<String>> {
    run.db().query(GONE_SITES).bind(NAME).scalars().await
}

/// Reads the account number of sites that have never been asked or not for long.
pub(super) async fn variables(
    run: &mut Run,
    client: &Arc<Client>,
    options: &Options,
) -> Result<()> {
    let now = run.clock().now();
    let oldest = now - Duration::hours(i64::from(options.variables_max_age_hours));
    let sites: Vec<(i64, String)> = query::state(run.db(), NAME)
        .await?
        .into_iter()
        .filter(|site| options.map_system_sites || site.system_site != Some(true))
        .filter(|site| site.variables_read_at.is_none_or(|at| at < oldest))
        .map(|site| (site.id, site.site_uid))
        .collect();
    let mut answers = stream::iter(sites)
        .map(|(id, uid)| {
            let client = client.clone();
            async move {
                let all = whole(&client, List::SiteVariables(uid.clone())).await;
                (id, uid, all)
            }
        })
        .buffered(AT_ONCE)
        .chunks(50);
    while let Some(answers) = answers.next().await {
        run.calls(client.calls());
        let (mut read, mut items) = (Vec::new(), Vec::new());
        for (id, uid, answer) in answers {
            let variables = match answer {
                Ok(variables) => variables,
                // A failure is not absence: the site keeps its company (upstreams trap 46).
                Err(error) if of_one_object(&error) => {
                    run.issue(format!(
                        "site {uid}: its variables could not be read ({error})"
                    ));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let number = match map::account_number(&variables) {
                map::Variable::Number(number) => Value::String(number),
                map::Variable::Masked => {
                    run.issue(format!("site {uid}: its account number is masked"));
                    Value::Null
                }
                map::Variable::Empty | map::Variable::Missing => Value::Null,
            };
            read.push(id);
            items.push(Ok(stated::<SiteLink>(
                uid,
                "sites",
                "account_number",
                number,
            )));
        }
        run.page::<SiteLink>(VARIABLES, items).await?;
        let mut tx = run.begin().await?;
        query::variables_read(&mut tx, &read, now).await?;
        run.end(tx).await?;
    }
    Ok(())
}

/// Reads hardware addresses of sites that have got new devices.
pub(super) async fn interfaces(run: &mut Run, client: &Arc<Client>) -> Result<()> {
    let now = run.clock().now();
    let sites: Vec<(i64, String)> = run.db().query(WITHOUT_ADDRESS).bind(NAME).all().await?;
    let mut answers = stream::iter(sites)
        .map(|(id, uid)| {
            let client = client.clone();
            async move {
                let all = whole(&client, List::SiteInterfaces(uid.clone())).await;
                (id, uid, all)
            }
        })
        .buffered(AT_ONCE);
    while let Some((id, uid, answer)) = answers.next().await {
        run.calls(client.calls());
        let devices = match answer {
            Ok(devices) => devices,
            Err(error) if of_one_object(&error) => {
                run.issue(format!(
                    "site {uid}: its network interfaces could not be read ({error})"
                ));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let scope = format!("site:{uid}");
        let items = devices.iter().map(|device| {
            let (uid, address) = map::interfaces(device)?;
            let address = address.map_or(Value::Null, Value::String);
            Ok(stated::<Asset>(uid, &scope, "mac_address", address))
        });
        run.page::<Asset>(INTERFACES, items).await?;
        let mut tx = run.begin().await?;
        query::interfaces_read(&mut tx, &[id], now).await?;
        run.end(tx).await?;
    }
    Ok(())
}

/// All items of a short list.
async fn whole(client: &Client, list: List) -> Result<Vec<Value>, UpstreamError> {
    let mut all = Vec::new();
    let mut at = None;
    for _ in 0..MAX_PAGES {
        let Page { items, next, .. } = client.page(&list, at).await?;
        all.extend(items);
        at = next;
        if at.is_none() {
            return Ok(all);
        }
    }
    Err(UpstreamError::malformed(NAME, "a site's list without end"))
}

/// Whether the trouble is with one object and not with the account.
fn of_one_object(error: &UpstreamError) -> bool {
    !error.stops_everything()
}

/// A part's claim: one field of one record.
fn stated<R: crate::changes::Resource>(
    uid: String,
    scope: &str,
    field: &str,
    value: Value,
) -> Incoming<R> {
    Incoming {
        external_id: uid,
        scope: scope.to_owned(),
        fields: Map::from_iter([(field.to_owned(), value)]),
        extra: Map::new(),
        status: None,
        secrets: BTreeMap::new(),
        source_updated_at: None,
    }
}
