//! What is read beside the lists, a few calls at a time: gone sites, site variables.

use std::{future::Future, sync::Arc};

use chrono::Duration;
use futures::{Stream, StreamExt, stream};
use serde_json::{Map, Value};
use tokio_util::task::AbortOnDropHandle;

use super::{
    NAME, Options, VARIABLES,
    client::{Client, List},
    map,
};
use crate::{
    Result,
    panics::{Panicked, joined, spawn},
    records::SourceRecord,
    site_links::{SiteLink, query},
    sync::{
        Run, UpstreamError,
        engine::{
            crawl::{Lister as _, Page},
            decode,
            optional::OptionalList,
        },
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
}

/// The sites that have been confirmed gone.
pub(super) async fn gone_sites(run: &Run) -> Result<Vec<String>> {
    run.db().query(GONE_SITES).bind(NAME).scalars().await
}

/// Asks for several things, a few at a time; the answers come in the order of the items.
///
/// Each call is a task of its own: one that was only polled between answers would keep the database connection that it
/// counts itself with, while the task that writes the answers waits for that connection.
pub(super) fn ask_each<I, T, F>(
    place: &'static str,
    items: Vec<I>,
    mut ask: impl FnMut(I) -> F + Send,
) -> impl Stream<Item = Result<T, Panicked>> + Unpin + Send
where
    I: Send,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    stream::iter(items)
        .map(move |item| AbortOnDropHandle::new(spawn(place, ask(item))))
        .buffered(AT_ONCE)
        .map(move |ended| joined(place, ended))
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
    let known = Arc::new(OptionalList::new("site variables"));
    let ask = |(id, uid): (i64, String)| {
        let (client, known) = (client.clone(), known.clone());
        async move {
            let list = List::SiteVariables(uid.clone());
            let answer = whole_unless_lacking(&client, &known, &uid, list).await;
            (id, answer, uid)
        }
    };
    let mut answers = ask_each("site variables", sites, ask).chunks(50);
    while let Some(answers) = answers.next().await {
        run.calls(client.calls());
        let (mut read, mut items) = (Vec::new(), Vec::new());
        for answer in answers {
            let (id, answer, uid) = answer?;
            let variables = match answer {
                Ok(Some(variables)) => variables,
                Ok(None) => continue,
                // A failure is not absence: the site keeps its company (trap 46).
                Err(error) if !error.stops_everything() => {
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
                // One that could not be read may have been the number: the site keeps its company.
                _ if variables.iter().any(|item| decode::fault(item).is_some()) => {
                    run.issue(format!("site {uid}: a variable could not be read"));
                    continue;
                }
                map::Variable::Empty | map::Variable::Missing => Value::Null,
            };
            read.push(id);
            let fields = Map::from_iter([("account_number".to_owned(), number)]);
            items.push(Ok(SourceRecord::part(uid, "sites", fields)));
        }
        run.page::<SiteLink>(VARIABLES, items).await?;
        let mut tx = run.begin().await?;
        query::variables_read(&mut tx, &read, now).await?;
        run.end(tx).await?;
    }
    known.report(run, "sites keep their companies");
    Ok(())
}

/// All items of a short list of one site; `None` when it is refused, which `known` reports.
pub(super) async fn whole_unless_lacking(
    client: &Client,
    known: &OptionalList,
    site: &str,
    list: List,
) -> Result<Option<Vec<Value>>, UpstreamError> {
    if known.lacking().is_some() {
        return Ok(None);
    }
    let answer = whole(client, list).await;
    if known.note(&format!("site {site}"), &answer) {
        return Ok(None);
    }
    answer.map(Some)
}

/// All items of a short list.
pub(super) async fn whole(client: &Client, list: List) -> Result<Vec<Value>, UpstreamError> {
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
