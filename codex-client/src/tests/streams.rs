//! Lists that are read page after page.

use futures::TryStreamExt as _;
use serde_json::{Map, Value};

use super::{Answer, Stub, ok, status};
use crate::{ListOptions, Op, TicketOptions};

const NEXT: &str = "link: </api/contacts?cursor=7a>; rel=\"next\"\r\n";

fn page(body: &str) -> Answer {
    Answer::Full("200 OK", NEXT, body.to_owned())
}

#[tokio::test]
async fn a_page_is_fetched_when_the_one_before_is_used_up() {
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
async fn an_error_takes_the_place_of_its_page_and_is_the_end() {
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
async fn tickets_go_on_behind_the_cursor_of_the_page_before() {
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
