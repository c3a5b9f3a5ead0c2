//! Servers that do the least: the same bytes from memory; or, where the token is good, the library's reads and
//! nothing else, without cache and checks; or one row written.

use std::convert::Infallible;

use anyhow::Context as _;
use codex_core::{
    Codex, Result, Scope,
    assets::wire::AssetOut,
    companies::wire::CompanyOut,
    list::PageRequest,
    tickets::{
        query::TicketFilter,
        wire::{TicketDetailOut, TicketOut},
    },
};
use codex_tests::sim::core::Core;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header::AUTHORIZATION,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

use super::Body;

/// What a least server does.
#[derive(Debug, Clone)]
pub enum BaselineServer {
    /// A company.
    Company(String),
    /// All companies.
    Companies,
    /// The assets of a company.
    Assets(String),
    /// Fifty tickets, of a status or of all, from a place on, and how many there are.
    Tickets(Option<&'static str>, i64),
    /// A ticket with everything said on it.
    Ticket(i64),
    /// What a term finds, of a kind or of all.
    Search(&'static str, Option<&'static str>),
    /// A note on the ticket with a number: a row, in a transaction.
    Note(i64),
}

impl BaselineServer {
    async fn answer(&self, codex: &Codex) -> Result<Vec<u8>> {
        let scope = Scope::system();
        Ok(match self {
            Self::Company(account) => json(
                &codex
                    .company(&scope, account)
                    .await?
                    .as_ref()
                    .map(CompanyOut::from),
            ),
            Self::Companies => {
                let all = codex.companies(&scope).await?;
                json(&all.iter().map(CompanyOut::from).collect::<Vec<_>>())
            }
            Self::Assets(account) => {
                let Some(company) = codex.company(&scope, account).await? else {
                    return Ok(Vec::new());
                };
                let level = company.compliance_level();
                let assets = codex.company_assets(&scope, company.id).await?;
                let out = assets.iter().map(|asset| AssetOut::new(asset, level));
                json(&out.collect::<Vec<_>>())
            }
            Self::Tickets(status, offset) => {
                let mut filter = TicketFilter::default();
                if let Some(status) = status {
                    filter.statuses = Some(codex.status_filter(status).await?);
                }
                let page = PageRequest {
                    limit: Some(50),
                    offset: Some(*offset),
                    total: true,
                    ..PageRequest::default()
                };
                let part = codex.tickets_page(&scope, &filter, &page).await?;
                let statuses = codex.ticket_statuses().await?;
                let out = part.items.iter();
                let out = out.map(|ticket| TicketOut::new(ticket, &statuses));
                json(&(out.collect::<Vec<_>>(), part.total))
            }
            Self::Ticket(number) => {
                let statuses = codex.ticket_statuses().await?;
                let found = codex.ticket(&scope, *number).await?;
                json(&found.map(|(ticket, said)| TicketDetailOut::new(&ticket, said, &statuses)))
            }
            Self::Search(term, kind) => {
                let kinds: Vec<String> = kind.iter().map(|&kind| kind.to_owned()).collect();
                json(&codex.search(&scope, term, &kinds, 20).await?)
            }
            Self::Note(number) => {
                let mut tx = codex.db().begin().await?;
                let note = "insert into conversations \
                    (ticket_id, source, to_emails, attachments, body, created_at) \
                    select id, 'manual', '[]', '[]', 'Called back.', newest_at \
                    from tickets where number = $1 and deleted_at is null";
                let written = tx.query(note).bind(*number).execute().await?;
                tx.commit().await?;
                json(&written)
            }
        })
    }
}

fn json(out: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(out).unwrap_or_default()
}

/// A server that checks the token of each call, answers and does nothing else.
pub async fn serve_least(
    core: &Core,
    codex: Codex,
    what: BaselineServer,
) -> anyhow::Result<String> {
    let jwk = serde_json::from_value(core.key.jwk.clone())?;
    let key = DecodingKey::from_jwk(&jwk).context("no key")?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_aud = false;
    serve(move |request: Request<Incoming>| {
        let token = request.headers().get(AUTHORIZATION);
        let token = token.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        let good = token.is_some_and(|token| decode::<Value>(token, &key, &validation).is_ok());
        let (codex, what) = (codex.clone(), what.clone());
        async move {
            let answer = if good {
                what.answer(&codex).await.ok()
            } else {
                None
            };
            let status = if answer.is_some() { 200 } else { 500 };
            (status, Bytes::from(answer.unwrap_or_default()))
        }
    })
    .await
}

/// A server that answers the same bytes whatever it is asked.
pub async fn serve_static(body: Bytes) -> anyhow::Result<String> {
    serve(move |_| {
        let body = body.clone();
        async move { (200, body) }
    })
    .await
}

async fn serve<F, A>(answer: F) -> anyhow::Result<String>
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = (u16, Bytes)> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            drop(stream.set_nodelay(true));
            let service = service_fn(move |request| {
                let answer = answer(request);
                async move {
                    let (status, body) = answer.await;
                    let mut response = Response::new(Body::new(body));
                    *response.status_mut() = status.try_into().unwrap_or_default();
                    Ok::<_, Infallible>(response)
                }
            });
            let served = hyper::server::conn::http1::Builder::new();
            tokio::spawn(served.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(url)
}
