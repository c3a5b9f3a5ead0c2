//! `Idempotency-Key`: a POST that is sent twice is made once, and answered alike
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).
//!
//! A form of our pages needs no header: its token is made for one rendering of its page, so the same values from the same
//! rendering are the same call. A page that is loaded again has other tokens: its forms are other calls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use codex_core::{
    IdempotencyState, KeptAnswer,
    panics::{self, Panicked},
};
use tokio::sync::OwnedMutexGuard;

use crate::{
    app::App,
    auth::{Caller, CallerKind, cached_caller},
    http::{
        body_limit,
        digest::hex,
        headers::single,
        problem::Problem,
        request_id::{self, Route},
    },
    pages,
};

const HEADER: &str = "idempotency-key";
/// The longest key.
const LONGEST: usize = 200;
/// The largest answer that is kept.
const LARGEST: usize = 4 * 1024 * 1024;
/// What is kept in place of a larger one.
const TOO_LARGE: &[u8] = b"too large";

/// Forms that are being answered, by owner and key. A button that is pressed twice sends two requests at once, and the
/// browser shows only the answer to the second. Both reach the same process.
#[derive(Debug, Default)]
pub struct Forms(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Forms {
    /// Waits while the same form is being answered; the second value is whether it was.
    async fn turn(&self, form: String) -> (OwnedMutexGuard<()>, bool) {
        let (lock, is_known) = {
            let mut forms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            forms.retain(|_, lock| lock.strong_count() > 0);
            let known = forms.get(&form).and_then(Weak::upgrade);
            let is_known = known.is_some();
            let lock = known.unwrap_or_else(|| {
                let lock = Arc::default();
                forms.insert(form, Arc::downgrade(&lock));
                lock
            });
            (lock, is_known)
        };
        (lock.lock_owned().await, is_known)
    }
}

/// Makes a call with a key once per caller.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let has_key = request.headers().contains_key(HEADER) || is_form(&request);
    if request.method() != Method::POST || !has_key {
        return next.run(request).await;
    }
    // A caller that hangs up must find the answer when it comes again: the call goes on without it.
    let call = async move { once(&app, request, next).await };
    let call = panics::spawn("request", request_id::keep(call)).await;
    let answer = call.unwrap_or(Err(Panicked { place: "request" }));
    let answer = answer.unwrap_or_else(|_| Err(Problem::internal()));
    answer.unwrap_or_else(Problem::into_response)
}

async fn once(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let is_form = !request.headers().contains_key(HEADER);
    let key = single(request.headers(), HEADER);
    let key = key.filter(|key| !key.is_empty() && key.len() <= LONGEST);
    let key = key.map(str::to_owned);
    if key.is_none() && !is_form {
        let message = format!("Idempotency-Key: must be of 1 to {LONGEST} visible characters");
        return Err(Problem::bad_request(message));
    }
    // The route refuses callers without the right to call it.
    let Ok(caller) = cached_caller(app, request.headers(), request.extensions()).await else {
        return Ok(next.run(request).await);
    };
    let owner = owner(&caller)?;
    let (parts, body) = request.into_parts();
    let limit = app.config().server.body_limit;
    let body = to_bytes(body, limit).await;
    let body = body.map_err(|error| body_limit::unreadable(&error, limit))?;
    let what = hex(&[parts.uri.to_string().as_bytes(), &body]);
    let Some(key) = key.or_else(|| key_of_form(&body, &what)) else {
        return Ok(next.run(Request::from_parts(parts, Body::from(body))).await);
    };
    let (_turn, is_double_click) = if is_form {
        let (turn, is_known) = app.forms().turn(format!("{owner} {key}")).await;
        (Some(turn), is_known)
    } else {
        (None, false)
    };
    let call = match app.codex().keyed_call(&owner, &key, &what).await? {
        IdempotencyState::New(call) => call,
        IdempotencyState::Made(answer) if answer.body == TOO_LARGE => {
            let detail = "Idempotency-Key: the call was made; its answer was too large to be kept";
            return Err(Problem::new(StatusCode::CONFLICT, detail));
        }
        // Whoever sends a form again later takes the old answer for a new one, unless its page says what it is.
        IdempotencyState::Made(mut answer) => {
            if is_form && !is_double_click {
                answer.location = answer.location.as_deref().map(pages::marked);
            }
            return Ok(repeated(answer));
        }
        IdempotencyState::OtherRequest => {
            let detail = "Idempotency-Key: was used for another call already";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
    };
    let response = next.run(Request::from_parts(parts, Body::from(body)));
    let response = panics::guarded("request", response);
    // A form may make several calls of the library, whose steps would be taken for one another's.
    let response = if is_form {
        response.await
    } else {
        call.run(response).await
    };
    let response = response.unwrap_or_else(|_| Problem::internal().into_response());
    if call.has_rival() {
        let detail = "Idempotency-Key: a call with it is being made; send it again for its answer";
        return Err(Problem::new(StatusCode::CONFLICT, detail).retry_after(1));
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Problem::internal())?;
    // What failed or was refused has no answer to keep: sent again, the call goes on behind what was made of it. A
    // dry run (202) makes nothing. A form that has done something leads to another page; a page in its place may hold
    // what must not be kept, such as a secret.
    let is_made = if is_form {
        parts.status.is_redirection()
    } else {
        parts.status.is_success() && parts.status != StatusCode::ACCEPTED
    };
    if is_made {
        let answer = KeptAnswer {
            status: parts.status.as_u16(),
            content_type: text(&parts.headers, CONTENT_TYPE),
            location: text(&parts.headers, LOCATION),
            body: if body.len() > LARGEST {
                TOO_LARGE.to_vec()
            } else {
                body.to_vec()
            },
        };
        if let Err(error) = app.codex().keep_answer(&call, answer).await {
            tracing::error!(
                error = error.chain(),
                "The answer of a call with a key could not be kept"
            );
        }
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Whether a request may be a form of our pages.
fn is_form(request: &Request) -> bool {
    let kind = single(request.headers(), CONTENT_TYPE);
    let is_encoded = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    is_encoded && pages::is_page(request.uri().path())
}

/// The key of a form: the random part of its token, and its values. The same page sent again with other values is
/// another call.
fn key_of_form(body: &[u8], what: &str) -> Option<String> {
    let mut members = url::form_urlencoded::parse(body);
    let (_, token) = members.find(|(name, _)| name == pages::TOKEN)?;
    let (word, _) = token.split_once('.')?;
    let key = format!("form {word} {what}");
    (key.len() <= LONGEST).then_some(key)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.to_owned())
}

/// Whose a key is: an answer is never repeated to somebody else, or to the same person in another role.
fn owner(caller: &Caller) -> Result<String, Problem> {
    let (kind, name) = match &caller.kind {
        CallerKind::User(_) => ("user", &caller.sub),
        CallerKind::Service(name) => ("service", name),
    };
    if caller.sub.is_empty() || name.is_empty() {
        let detail = "Idempotency-Key: the token has no `sub`, so nobody can own the key";
        return Err(Problem::bad_request(detail));
    }
    Ok(format!("{kind} {:?} {name}", caller.role()))
}

fn repeated(answer: KeptAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    let kept = [
        (CONTENT_TYPE, answer.content_type),
        (LOCATION, answer.location),
    ];
    for (name, text) in kept {
        if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    response.extensions_mut().insert(Route::REPLAYED);
    response
}
