//! What tests stand on: databases of both engines, the daemon, claims about answers.

pub mod app;
pub mod bench;
pub mod child;
pub mod clock;
pub mod database;
pub mod duplicates;
pub mod process;
pub mod spec;
pub mod state;

/// What a test returns: any error fails it.
pub type TestResult<T = ()> = anyhow::Result<T>;

/// Makes one test per engine: a module `name` with the tests `sqlite` and `postgres`.
///
/// ```text
/// on_each_engine! { async fn a_claim(db: TestDatabase) -> TestResult { ... } }
/// ```
/// A missing `PostgreSQL` is said aloud and skipped, unless `CODEX_REQUIRE_POSTGRES` is set.
#[macro_export]
macro_rules! on_each_engine {
    ($($(#[$meta:meta])* async fn $name:ident($arg:ident: $type:ty) -> TestResult $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($arg: $type) -> $crate::harness::TestResult $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() -> $crate::harness::TestResult {
                check(<$type>::on($crate::harness::database::sqlite()?).await?).await
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() -> $crate::harness::TestResult {
                match $crate::harness::database::postgres().await? {
                    Some(database) => check(<$type>::on(database).await?).await,
                    None => Ok(()),
                }
            }
        }
    )+};
}

/// Makes one test on `SQLite` alone: a module `name` with the test `sqlite`. It is for rules that hold before a
/// statement is made, such as headers, parameters, bodies and tokens; whatever depends on records belongs to
/// [`crate::on_each_engine`].
///
/// ```text
/// on_sqlite! { async fn a_claim(app: TestApp) -> TestResult { ... } }
/// ```
#[macro_export]
macro_rules! on_sqlite {
    ($($(#[$meta:meta])* async fn $name:ident($arg:ident: $type:ty) -> TestResult $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($arg: $type) -> $crate::harness::TestResult $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() -> $crate::harness::TestResult {
                check(<$type>::on($crate::harness::database::sqlite()?).await?).await
            }
        }
    )+};
}

/// Names of an object's members; none of anything else.
pub fn keys(object: &serde_json::Value) -> Vec<&str> {
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, _)| name.as_str()).collect()
}

/// A text as a value in a query.
pub fn urlencode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Letters and digits that no database makes shorter.
pub fn random_text(length: usize) -> String {
    let words = (0..=length / 32).map(|_| uuid::Uuid::new_v4().simple().to_string());
    let mut text: String = words.collect();
    text.truncate(length);
    text
}
