//! Servers that do the least: the same bytes from memory, or the library's reads alone, without token, cache and
//! checks.

use std::convert::Infallible;

use codex_core::{
    Codex, Result, Scope,
    assets::wire::AssetOut,
    companies::wire::CompanyOut,
    tickets::{
        query::TicketFilter,
        wire::{TicketDetailOut, TicketOut},
    },
};
use hyper::{Request, Response, body::Bytes, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpListener;

use super::Body;

/// What a least server reads.
#[derive(Debug, Clone)]
pub enum Least {
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
}

impl Least {
    async fn read(&self, codex: &Codex) -> Result<Vec<u8>> {
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
                let part = codex.tickets(&scope, &filter, 50, *offset).await?;
                let statuses = codex.ticket_statuses().await?;
                let out = part.items.iter();
                let out = out.map(|ticket| TicketOut::new(ticket, &statuses));
                json(&(out.collect::<Vec<_>>(), part.total))
            }
            Self::Ticket(number) => {
                let statuses = codex.ticket_statuses().await?;
                let found = codex.ticket(&scope, *number).await?;
                json(&found.map(|(ticket, said)| TicketDetailOut::new(&ticket, &said, &statuses)))
            }
            Self::Search(term, kind) => {
                let kinds: Vec<String> = kind.iter().map(|&kind| kind.to_owned()).collect();
                json(&codex.search(&scope, term, &kinds, 20).await?)
            }
        })
    }
}

fn json(out: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(out).unwrap_or_default()
}

/// A server that reads and does nothing else.
pub async fn serve_least(codex: Codex, what: Least) -> anyhow::Result<String> {
    serve(move || {
        let (codex, what) = (codex.clone(), what.clone());
        async move { Bytes::from(what.read(&codex).await.unwrap_or_default()) }
    })
    .await
}

/// A server that answers the same bytes whatever it is asked.
pub async fn serve_static(body: Bytes) -> anyhow::Result<String> {
    serve(move || {
        let body = body.clone();
        async move { body }
    })
    .await
}

async fn serve<F, A>(answer: F) -> anyhow::Result<String>
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = Bytes> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            drop(stream.set_nodelay(true));
            let service = service_fn(move |_: Request<hyper::body::Incoming>| {
                let answer = answer.clone();
                async move { Ok::<_, Infallible>(Response::new(Body::new(answer().await))) }
            });
            let served = hyper::server::conn::http1::Builder::new();
            tokio::spawn(served.serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(url)
}
