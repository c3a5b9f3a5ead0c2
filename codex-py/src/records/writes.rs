//! Writing records that are named by an id.

/// The methods of [`super::Api`] that create, update and delete records with an id.
///
/// Each line has the call of the library and that of the client; behind `=>` is how the id of the new record is taken
/// from what they give. The names in bars are those that the calls use. So
///
/// ```text
/// writes_by_id! { |store, client, author, id, body: TagIn|
///     create store.codex.create_tag(&store.scope, author, body) => |(tag, _)| tag.id.0,
///         client.tags().create(body) => |tag| tag.id;
///     update store.codex.update_tag(&store.scope, author, TagId(id), body), client.tags().update(id, body);
///     delete store.codex.delete::<Tag>(&store.scope, author, id), client.tags().delete(id);
/// }
/// ```
///
/// becomes `fn create`, `fn update` and `fn delete`, which read the body as `TagIn`.
macro_rules! writes_by_id {
    (
        |$store:ident, $client:ident, $author:ident, $id:ident, $body:ident: $type:ty|
        create $created:expr => $created_id:expr, $create:expr => $answered_id:expr;
        update $updated:expr, $update:expr;
        delete $deleted:expr, $delete:expr;
    ) => {
        fn create<'a>(
            &'a self,
            backend: &'a $crate::backend::Backend,
            change: $crate::backend::Change,
            body: serde_json::Map<String, serde_json::Value>,
        ) -> $crate::records::Answer<'a, $crate::backend::Changed<$crate::records::Key>> {
            use codex_core::records::{Intent, RecordBody};

            use $crate::backend::{Backend, Changed};

            Box::pin(async move {
                let body = <$type as RecordBody>::read(body, Intent::Create)?;
                let $body = &body;
                let id = match backend {
                    Backend::Store($store) => {
                        let author = $store.author(&change)?;
                        let $author = &author;
                        Changed::of($created.await?).map($created_id)
                    }
                    Backend::Http($client) => {
                        $crate::backend::send!($create, change).map($answered_id)
                    }
                };
                Ok(id.map(|id: i64| vec![id.to_string()]))
            })
        }

        fn update<'a>(
            &'a self,
            backend: &'a $crate::backend::Backend,
            change: $crate::backend::Change,
            key: $crate::records::Key,
            body: serde_json::Map<String, serde_json::Value>,
        ) -> $crate::records::Answer<'a, Option<$crate::backend::Changed<()>>> {
            use codex_core::records::{Intent, RecordBody};

            use $crate::backend::{Backend, Changed};

            Box::pin(async move {
                let $id = $crate::records::id(&key)?;
                let body = <$type as RecordBody>::read(body, Intent::Update)?;
                let $body = &body;
                match backend {
                    Backend::Store($store) => {
                        let author = $store.author(&change)?;
                        let $author = &author;
                        let updated = $updated.await?;
                        Ok(updated.map(|outcome| Changed::of(outcome).without_value()))
                    }
                    Backend::Http($client) => {
                        let sent = async {
                            Ok($crate::backend::send_if!($update, change).without_value())
                        };
                        $crate::resource::there(sent).await
                    }
                }
            })
        }

        fn delete<'a>(
            &'a self,
            backend: &'a $crate::backend::Backend,
            change: $crate::backend::Change,
            key: $crate::records::Key,
        ) -> $crate::records::Answer<'a, Option<$crate::backend::Changed<()>>> {
            use $crate::backend::{Backend, Changed};

            Box::pin(async move {
                let $id = $crate::records::id(&key)?;
                match backend {
                    Backend::Store($store) => {
                        let author = $store.author(&change)?;
                        let $author = &author;
                        Ok($deleted.await?.map(Changed::of))
                    }
                    Backend::Http($client) => {
                        let sent = async { Ok($crate::backend::send_if!($delete, change)) };
                        $crate::resource::there(sent).await
                    }
                }
            })
        }
    };
}
pub(crate) use writes_by_id;
