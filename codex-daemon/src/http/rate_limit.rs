//! How many calls one caller may make: high, so that only an endless loop reaches it (consumers 0 #15).

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};

use crate::{
    app::App,
    auth::{CallerCache, cached_caller},
    health::is_health,
    http::{connections::Overloaded, forwarded::PeerAddress, problem::Problem},
};

/// After how many callers those who have been quiet are forgotten.
const MANY: usize = 10_000;

/// Calls by caller; `None` counts none.
type Limiter = Option<DefaultKeyedRateLimiter<String>>;

/// Counts calls by caller.
#[derive(Debug)]
pub struct Limits(RwLock<(u32, Arc<Limiter>)>);

impl Limits {
    /// At most so many calls a minute for each caller; 0 lets everybody do as they like.
    pub fn new(per_minute: u32) -> Self {
        Self(RwLock::new((per_minute, limiter(per_minute))))
    }

    /// Sets another limit; calls are counted anew.
    pub fn set(&self, per_minute: u32) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.0 != per_minute {
            *held = (per_minute, limiter(per_minute));
        }
    }

    fn limiter(&self) -> Arc<Limiter> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.1.clone()
    }

    /// Counts a call; the seconds to wait when it is one too many.
    fn wait(&self, caller: &String) -> Option<u64> {
        let limiter = self.limiter();
        let limiter = limiter.as_ref().as_ref()?;
        if limiter.len() > MANY {
            limiter.retain_recent();
        }
        let refused = limiter.check_key(caller).err()?;
        let wait = refused.wait_time_from(governor::clock::DefaultClock::default().now());
        Some(wait.as_secs() + 1)
    }
}

fn limiter(per_minute: u32) -> Arc<Limiter> {
    let quota = NonZeroU32::new(per_minute).map(Quota::per_minute);
    Arc::new(quota.map(RateLimiter::keyed))
}

/// Refuses a call too many with 429. Each caller has its own limit, by what its token proves; without a valid one, by
/// address.
pub async fn layer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(CallerCache::default());
    if request.extensions().get::<Overloaded>().is_some() {
        let detail = "Too many calls are being answered; `Retry-After` says how long to wait.";
        return Problem::unavailable(detail).retry_after(1).into_response();
    }
    if is_health(request.uri().path()) || app.limits().limiter().is_none() {
        return next.run(request).await;
    }
    let caller = cached_caller(&app, request.headers(), request.extensions()).await;
    let caller = if let Ok(caller) = caller {
        caller.actor()
    } else {
        let address = request
            .extensions()
            .get::<PeerAddress>()
            .map(|peer| peer.caller(request.headers()));
        address.map_or_else(
            || "nobody".to_owned(),
            |address: IpAddr| address.to_string(),
        )
    };
    match app.limits().wait(&caller) {
        None => next.run(request).await,
        Some(seconds) => {
            let detail = "Too many calls; `Retry-After` says how long to wait.";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
                .retry_after(seconds)
                .into_response()
        }
    }
}
