//! Lists that are read page after page.

use futures::TryStreamExt as _;
use serde_json::{Map, Value, json};

use super::{Stub, StubAnswer, header, ok, status};
use crate::{Client, Error, ExportFormat, ListOptions, Op, TicketOptions, TokenSource};

const NEXT: &str = "link: </api/contacts?cursor=7a>; rel=\"next\"\r\n";

fn page(body: &str) -> StubAnswer {
    StubAnswer::Full("200 OK", NEXT, body.to_owned())
}

#[tokio::test]
async fn next_page_is_fetched_when_the_current_one_is_used_up() {
    let stub = Stub::new(vec![page(r#"[{"id":1},{"id":2}]"#), ok(r#"[{"id":3}]"#)]).await;
    let options = ListOptions {
        limit: Some(2),
        ..ListOptions::default()
    };
    let options = options.one_of("id", [1, 2, 3]).with("name", Op::Ne, "a b");
    let client = stub.client();
    let mut ids = client.contacts().select::<Value>(&["id"], &options);
    assert_eq!(stub.seen().len(), 0);
    for (id, pages) in [(1, 1), (2, 1), (3, 2)] {
        assert_eq!(ids.try_next().await.unwrap().unwrap()["id"], id);
        assert_eq!(stub.seen().len(), pages);
    }
    assert_eq!(ids.try_next().await.unwrap(), None);
    let query = "limit=2&id__in=1%2C2%2C3&name__ne=a+b&fields=id";
    assert_eq!(
        stub.lines(),
        [
            format!("GET /api/contacts?{query}"),
            format!("GET /api/contacts?{query}&cursor=7a")
        ]
    );
}

#[tokio::test]
async fn page_error_ends_the_stream() {
    let stub = Stub::new(vec![page(r#"[{"id":1}]"#), status("403 Forbidden")]).await;
    let options = ListOptions::default();
    let mut rows = stub
        .client()
        .assets()
        .select::<Map<String, Value>>(&["id"], &options);
    assert!(rows.try_next().await.unwrap().is_some());
    assert_eq!(rows.try_next().await.unwrap_err().status(), Some(403));
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(stub.seen().len(), 2);
}

#[tokio::test]
async fn ticket_stream_follows_the_cursor() {
    let part = r#"{"count":0,"limit":1,"offset":0,"tickets":[],"total":9}"#;
    let stub = Stub::new(vec![page(part), ok(part)]).await;
    let options = TicketOptions {
        limit: Some(1),
        ..TicketOptions::default()
    };
    let tickets = stub.client().tickets().stream(&options);
    assert_eq!(tickets.try_collect::<Vec<_>>().await.unwrap(), []);
    assert_eq!(
        stub.lines(),
        [
            "GET /api/tickets?limit=1",
            "GET /api/tickets?limit=1&cursor=7a"
        ]
    );
}

#[tokio::test]
async fn busy_downloads_are_retried() {
    for busy in ["503 Service Unavailable", "429 Too Many Requests"] {
        let stub = Stub::new(vec![status(busy), ok("{}\n")]).await;
        let lines = stub.client().export("contacts", ExportFormat::Ndjson).await;
        assert_eq!(lines.unwrap().text().await.unwrap(), "{}\n");
        assert_eq!(stub.seen().len(), 2);
    }
    let stub = Stub::new(vec![StubAnswer::Torn]).await;
    let torn = stub.client().sync().events("1").await.unwrap();
    assert!(matches!(torn.text().await, Err(Error::Transport { .. })));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn download_with_a_refused_token_renews_it() {
    let tokens = ["old", "new"].map(|t| ok(&format!(r#"{{"token":"{t}"}}"#)));
    let core = Stub::new(tokens.into()).await;
    let stub = Stub::new(vec![status("401 Unauthorized"), ok("data: {}\n\n")]).await;
    let source = TokenSource::core(&core.url, "ledger").unwrap();
    let client = Client::new(&stub.url, source).unwrap();
    let events = client.sync().events("1").await.unwrap();
    assert_eq!(events.text().await.unwrap(), "data: {}\n\n");
    let sent = stub.seen();
    let sent = sent.iter().map(|head| header(head, "authorization"));
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [Some("Bearer old"), Some("Bearer new")]
    );
}

#[tokio::test]
async fn bulk_companies_are_streamed_one_by_one() {
    let company = |number: &str| {
        let company = json!({"account_number": number, "name": "A", "billing_plan": "", "compliance_level": "standard"});
        json!({"company": company, "assets": [], "contacts": [], "locations": []}).to_string()
    };
    let all = format!("[{},{}", company("1"), company("2"));
    let stub = Stub::new(vec![
        status("503 Service Unavailable"),
        ok(&format!("{all}]\n")),
        ok(&all),
        ok("<html>"),
    ])
    .await;
    let client = stub.client();
    let companies = client.companies();
    assert_eq!(stub.seen().len(), 0);
    let found: Vec<_> = companies.bulk(None).try_collect().await.unwrap();
    let numbers = found.iter().map(|one| one.company.account_number.as_str());
    assert_eq!(numbers.collect::<Vec<_>>(), ["1", "2"]);

    let mut torn = companies.bulk(None);
    for _ in 0..2 {
        assert!(torn.try_next().await.unwrap().is_some());
    }
    assert!(matches!(torn.try_next().await, Err(Error::Decode { .. })));
    assert!(torn.try_next().await.unwrap().is_none());
    let strange = companies.bulk(None).try_next().await;
    assert!(matches!(strange, Err(Error::Decode { .. })), "{strange:?}");
    assert_eq!(stub.lines(), ["GET /api/companies/bulk"; 4]);
}
