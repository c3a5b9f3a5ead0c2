//! The order of work: sites, variables, interfaces, devices, what is missing.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    DEVICES, MAIN, NAME, Options, Settings,
    client::{Client, List},
    interfaces::{self, Addresses},
    map, parts,
};
use crate::{
    Result,
    assets::Asset,
    jobs::ScopeResult,
    plural::count_of,
    site_links::SiteLink,
    sync::{
        Lookup, Run, UpstreamError,
        engine::{
            crawl::{Crawl, Lister as _},
            missing::Directory,
            optional::OptionalList,
        },
    },
};

/// A site as this run has seen it.
struct Site {
    /// Devices by the site's own count; `None` when it does not say.
    count: Option<u64>,
    /// Holds what was deleted.
    deleted_devices: bool,
}

/// Sites by uid.
type Sites = BTreeMap<String, Site>;

/// What it takes to read a page of devices.
struct Intake<'r> {
    options: &'r Options,
    sites: &'r Sites,
    addresses: Addresses,
}

impl Intake<'_> {
    /// Takes a page of devices; gives how many could not be read. A device that is flagged deleted or
    /// lies in the graveyard is gone by the vendor's own word.
    async fn take(&mut self, run: &mut Run, items: &[Value]) -> Result<usize> {
        let buried = |item: &Value| {
            let site = map::uid(item, "siteUid");
            map::device_deleted(item)
                || site
                    .and_then(|uid| self.sites.get(uid))
                    .is_some_and(|s| s.deleted_devices)
        };
        let (gone, live): (Vec<&Value>, Vec<&Value>) = items.iter().partition(|item| buried(item));
        let live = live.into_iter().map(|item| {
            let device = map::device(item, &self.options.secret_udfs)?;
            let parts = self.addresses.of(&device);
            Ok((device, parts))
        });
        let unreadable = run.page_with_parts::<Asset>(MAIN, live).await?;
        run.retire::<Asset>(&uids(gone)).await?;
        Ok(unreadable)
    }
}

/// The uids of devices, as far as they have one.
fn uids<'v>(items: impl IntoIterator<Item = &'v Value>) -> Vec<String> {
    let uids = items.into_iter().filter_map(|item| map::uid(item, "uid"));
    uids.map(str::to_owned).collect()
}

/// Scope of one site's devices.
fn scope_of(site: &str) -> String {
    format!("site:{site}")
}

pub(super) async fn sync(settings: &Settings, options: &Options, run: &mut Run) -> Result<()> {
    let client = Client::of_run(settings, run)?;

    run.stage("sites", Some(0));
    let (sites, certified) = crawl_sites(run, &client).await?;
    let gone = reconcile_sites(run, &client, certified).await?;

    run.stage("site variables", Some(5));
    parts::variables(run, &client, options).await?;

    if !run.wants(DEVICES) {
        return finish(run, &client).await;
    }
    run.stage("network interfaces", Some(15));
    let holds_devices = |uid: &str| sites.get(uid).is_some_and(|s| s.count != Some(0));
    let known = Arc::new(OptionalList::new("network interfaces"));
    let mut intake = Intake {
        options,
        sites: &sites,
        addresses: Addresses::read(run, &client, &known, holds_devices).await?,
    };

    run.stage("devices", Some(30));
    let complete = crawl_devices(run, &client, &mut intake).await?;
    let mut certified = check_sites(run, &client, &mut intake, complete).await?;
    intake.addresses.note(run).await?;
    // What a deleted site held is missing for certain; the guard holds it when it is much.
    certified.extend(gone.iter().map(|uid| scope_of(uid)));
    reconcile_devices(run, &client, options, &sites, &certified).await?;

    run.stage("network interfaces of new devices", Some(90));
    interfaces::of_new_devices(run, &client, &known).await?;
    known.report(run, "hardware addresses stay as they are");
    finish(run, &client).await
}

async fn finish(run: &mut Run, client: &Client) -> Result<()> {
    run.stage("links", Some(95));
    run.relink_companies().await?;
    run.match_devices().await?;
    run.calls(client.calls());
    run.stage("done", Some(100));
    Ok(())
}

async fn crawl_sites(run: &mut Run, client: &Arc<Client>) -> Result<(Sites, bool)> {
    let mut sites = Sites::new();
    let mut crawl = Crawl::start(client, List::Sites);
    while let Some(items) = crawl.next(run).await? {
        for item in &items {
            if let Ok(site) = map::site(item) {
                let deleted_devices = map::deleted_devices_site(item);
                sites.insert(
                    site.external_id,
                    Site {
                        count: map::device_count(item),
                        deleted_devices,
                    },
                );
            }
        }
        crawl.unreadable += run
            .page::<SiteLink>(MAIN, items.iter().map(map::site))
            .await?;
    }
    let certified = crawl.certify::<SiteLink>(run, "sites").await?;
    Ok((sites, certified))
}

/// Looks after sites that are no longer listed; gives those that are gone by now.
async fn reconcile_sites(run: &mut Run, client: &Client, certified: bool) -> Result<Vec<String>> {
    let certified = certified.then(|| "sites".to_owned()).into_iter().collect();
    run.reconcile::<SiteLink>(&certified, client).await?;
    parts::gone_sites(run).await
}

/// Reads the account's devices; tells whether the list was whole by itself.
async fn crawl_devices(
    run: &mut Run,
    client: &Arc<Client>,
    intake: &mut Intake<'_>,
) -> Result<bool> {
    let mut crawl = Crawl::start(client, List::Devices);
    let (mut arrived, mut read) = (HashSet::new(), 0_u64);
    while let Some(items) = crawl.next(run).await? {
        read += items.len() as u64;
        arrived.extend(uids(&items));
        if let Some(total) = crawl.total.filter(|total| *total > 0) {
            let percent = 30 + (read * 55 / total).min(55);
            run.stage("devices", u8::try_from(percent).ok());
        }
        crawl.unreadable += intake.take(run, &items).await?;
    }
    let count = crawl.total;
    let whole = crawl.unreadable == 0 && count.is_none_or(|total| total == arrived.len() as u64);
    if arrived.is_empty() && crate::sync::engine::missing::live_count::<Asset>(run).await? > 0 {
        return Err(UpstreamError::empty_list(NAME, "devices").into());
    }
    let reason = (!whole).then(|| {
        let unknown = || "an unknown number of devices".to_owned();
        let counted = count.map_or_else(unknown, |n| count_of(n, "device"));
        format!(
            "the account counts {counted}, {} arrived readable",
            arrived.len()
        )
    });
    run.scope(
        "devices",
        ScopeResult {
            certified: whole,
            seen: arrived.len() as u64,
            reason,
        },
    );
    Ok(whole)
}

/// Certifies sites whose own device count agrees with what arrived; the others are read one by one: the
/// account list has been seen to lack a third (trap 39).
async fn check_sites(
    run: &mut Run,
    client: &Arc<Client>,
    intake: &mut Intake<'_>,
    account_list_whole: bool,
) -> Result<HashSet<String>> {
    let mut certified = HashSet::new();
    for (uid, site) in intake
        .sites
        .iter()
        .filter(|(_, site)| !site.deleted_devices)
    {
        let scope = scope_of(uid);
        let arrived = run.seen::<Asset>(&scope) as u64;
        if site.count == Some(arrived) && account_list_whole {
            certified.insert(scope);
            continue;
        }
        match crawl_site(run, client, intake, uid, site.count).await {
            Ok(None) => {
                certified.insert(scope);
            }
            Ok(Some(reason)) => {
                let seen = run.seen::<Asset>(&scope) as u64;
                run.scope(
                    &scope,
                    ScopeResult {
                        certified: false,
                        seen,
                        reason: Some(reason),
                    },
                );
            }
            // One site that cannot be read keeps its assets; the others go on (trap 42).
            Err(crate::Error::Upstream(error)) if is_about_one_site(&error) => {
                run.issue(format!(
                    "site {uid}: its devices could not be read and are kept ({error})"
                ));
                let reason = Some("its devices could not be read".to_owned());
                run.scope(
                    &scope,
                    ScopeResult {
                        certified: false,
                        seen: arrived,
                        reason,
                    },
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(certified)
}

/// Whether the vendor would refuse this one site at every call, and no other for it.
fn is_about_one_site(error: &UpstreamError) -> bool {
    matches!(
        error,
        UpstreamError::Forbidden { .. }
            | UpstreamError::NotFound { .. }
            | UpstreamError::Malformed { .. }
            | UpstreamError::TooLarge { .. }
    )
}

/// Reads one site's devices; gives the reason why absence there proves nothing, if there is one.
async fn crawl_site(
    run: &mut Run,
    client: &Arc<Client>,
    intake: &mut Intake<'_>,
    uid: &str,
    count: Option<u64>,
) -> Result<Option<String>> {
    let mut crawl = Crawl::start(client, List::SiteDevices(uid.to_owned()));
    let mut arrived = HashSet::new();
    while let Some(items) = crawl.next(run).await? {
        arrived.extend(uids(&items));
        crawl.unreadable += intake.take(run, &items).await?;
    }
    let listed = arrived.len() as u64;
    if crawl.unreadable > 0 {
        let devices = count_of(crawl.unreadable, "device");
        return Ok(Some(format!("{devices} could not be read")));
    }
    if let Some(total) = crawl.total.filter(|total| *total != listed) {
        let counted = count_of(total, "device");
        return Ok(Some(format!(
            "the site's list counts {counted}, {listed} arrived"
        )));
    }
    if count == Some(listed) {
        return Ok(None);
    }
    // The count came before the list; devices may have been added since.
    let now = client.site(uid).await?.as_ref().and_then(map::device_count);
    run.calls(client.calls());
    Ok(match now {
        Some(now) if now == listed => None,
        Some(now) => Some(format!(
            "the site counts {}, {listed} arrived",
            count_of(now, "device")
        )),
        None => Some("the site does not count its devices".to_owned()),
    })
}

async fn reconcile_devices(
    run: &mut Run,
    client: &Client,
    options: &Options,
    sites: &Sites,
    certified: &HashSet<String>,
) -> Result<()> {
    let done = run
        .reconcile::<Asset>(
            certified,
            &Devices {
                client,
                options,
                sites,
            },
        )
        .await;
    run.calls(client.calls());
    done
}

impl Directory<SiteLink> for Client {
    async fn ask(&self, uid: &str) -> Result<Lookup<SiteLink>, UpstreamError> {
        let Some(found) = self.site(uid).await? else {
            return Ok(Lookup::Absent);
        };
        let site = map::site(&found).map_err(|_| UpstreamError::malformed(NAME, "site"))?;
        Ok(Lookup::Present(Box::new(site)))
    }
}

/// Looks devices up by their uids.
struct Devices<'c> {
    client: &'c Client,
    options: &'c Options,
    sites: &'c Sites,
}

impl Directory<Asset> for Devices<'_> {
    async fn ask(&self, uid: &str) -> Result<Lookup<Asset>, UpstreamError> {
        let Some(found) = self.client.device(uid).await? else {
            return Ok(Lookup::Absent);
        };
        let device = map::device(&found, &self.options.secret_udfs)
            .map_err(|_| UpstreamError::malformed(NAME, "device"))?;
        let site = device
            .scope
            .strip_prefix("site:")
            .and_then(|uid| self.sites.get(uid));
        if map::device_deleted(&found) || site.is_some_and(|site| site.deleted_devices) {
            return Ok(Lookup::Gone);
        }
        Ok(Lookup::Present(Box::new(device)))
    }
}
