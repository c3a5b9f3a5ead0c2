//! Compares the clock of this host with those of Core and the vendors.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use codex_core::Codex;
use futures::future::join_all;
use reqwest::{Client, header::DATE, redirect::Policy};
use url::Url;

use super::{Finding, Neighbour, Status};
use crate::config::Config;

const CHECK: &str = "clock";
/// How long to wait for each.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// Smaller differences come from the time of an answer, and from dates in whole seconds.
const NOTABLE: TimeDelta = TimeDelta::seconds(5);
/// From this difference on, new tokens of Core are refused.
const WRONG: TimeDelta = TimeDelta::seconds(60);

/// How far a clock is ahead of this host's.
struct Lead {
    of: &'static str,
    by: TimeDelta,
}

/// Compares the `Date` of an answer of Core and of each configured vendor with the time.
pub(crate) async fn clock(codex: &Codex, config: &Config) -> Finding {
    let asked = Neighbour::ALL.into_iter().filter_map(|one| {
        let url = one.base_url(config)?;
        Some(async move { Some((one, lead(codex, one, url).await?)) })
    });
    let leads = join_all(asked).await.into_iter().flatten();
    let worst = leads
        .map(|(one, by)| Lead {
            of: one.title(),
            by,
        })
        .max_by_key(|lead| lead.by.abs());
    judged(worst.as_ref())
}

fn judged(worst: Option<&Lead>) -> Finding {
    let Some(&Lead { of, by }) = worst else {
        let message = "no system answered with a date to compare with";
        return Finding::bad(Status::Warning, CHECK, message, "see the checks above");
    };
    let apart = by.abs();
    if apart < NOTABLE {
        return Finding::ok(CHECK, "agrees with the systems around Codex");
    }
    let status = if apart < WRONG {
        Status::Warning
    } else {
        Status::Error
    };
    let direction = if by > TimeDelta::zero() {
        "behind"
    } else {
        "ahead of"
    };
    Finding::bad(
        status,
        CHECK,
        format!(
            "this host is {} s {direction} {of}: tokens count as expired or not valid yet",
            apart.num_seconds()
        ),
        "let both hosts follow a time server; `timedatectl` shows whether this one does",
    )
}

/// How far the clock of a neighbour is ahead of ours; `None` when it sends no date.
async fn lead(codex: &Codex, one: Neighbour, url: Url) -> Option<TimeDelta> {
    let client = Client::builder()
        .timeout(WAIT_TIMEOUT)
        .redirect(Policy::none());
    // Core is on the same network: no proxy.
    let client = match one {
        Neighbour::Core => client.no_proxy(),
        _ => client,
    };
    let before = codex.now();
    let answer = client.build().ok()?.head(url).send().await.ok()?;
    let after = codex.now();
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    let date = DateTime::parse_from_rfc2822(date).ok()?.to_utc();
    Some(date - middle(before, after))
}

/// Minus half a second, because a date has no fraction of a second.
fn middle(before: DateTime<Utc>, after: DateTime<Utc>) -> DateTime<Utc> {
    before + (after - before) / 2 - TimeDelta::milliseconds(500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_apart_are_named_with_a_remedy() {
        let judge = |seconds| {
            judged(Some(&Lead {
                of: "HiveMatrix Core",
                by: TimeDelta::seconds(seconds),
            }))
        };
        for seconds in [0, 4, -4] {
            assert_eq!(judge(seconds).status, Status::Ok, "{seconds}");
        }
        for (seconds, status, says) in [
            (5, Status::Warning, "5 s behind HiveMatrix Core"),
            (-59, Status::Warning, "59 s ahead of HiveMatrix Core"),
            (60, Status::Error, "60 s behind"),
            (-7_200, Status::Error, "7200 s ahead of"),
        ] {
            let found = judge(seconds);
            assert_eq!(found.status, status, "{found}");
            assert!(found.message.contains(says), "{found}");
            assert!(found.action.unwrap().contains("time server"));
        }
        assert_eq!(judged(None).status, Status::Warning);
    }
}
