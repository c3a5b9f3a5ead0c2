//! What was said on a ticket, as a page shows it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use codex_core::{
    outbox::{OutboxEntry, OutboxKind, OutboxState},
    tickets::Conversation,
};
use serde_json::Value;

use crate::pages::{
    fields::{age, moment},
    markup::{self, Markup},
};

/// Messages of a page, the newest ones first of all.
pub(super) const MESSAGES: usize = 25;
/// The longest text of a message that is shown, in bytes of markup.
const LONGEST: usize = 8_000;
/// The longest quoted history, which is folded.
const LONGEST_QUOTE: usize = 2_000;
/// The most files that are listed of a message.
const FILES: usize = 20;

/// A text of others, safe to be shown.
#[derive(Debug, Default)]
pub(super) struct MessageText {
    /// Safe markup; empty when there is no text.
    pub html: String,
    /// What it quotes, safe too.
    pub quoted: Option<String>,
    /// Whether a part of it is left out.
    pub is_cut: bool,
}

impl MessageText {
    /// Of HTML where there is some, else of text.
    pub fn new(html: Option<&str>, text: Option<&str>) -> Self {
        let html = html.filter(|html| !html.trim().is_empty());
        let of_html = html.and_then(|html| {
            let (own, quoted) = markup::split_quote(html);
            let own = Markup::of(own, LONGEST)?;
            Some((
                own,
                quoted.and_then(|quoted| Markup::of(quoted, LONGEST_QUOTE)),
            ))
        });
        let shown = of_html.or_else(|| {
            let (own, quoted) = markup::split_quoted_text(text?);
            let own = Markup::of_text(own, LONGEST)?;
            Some((
                own,
                quoted.and_then(|quoted| Markup::of_text(quoted, LONGEST_QUOTE)),
            ))
        });
        let Some((own, quoted)) = shown else {
            return Self::default();
        };
        Self {
            html: own.html,
            is_cut: own.is_cut || quoted.as_ref().is_some_and(|quoted| quoted.is_cut),
            quoted: quoted.map(|quoted| quoted.html),
        }
    }
}

/// Something said on a ticket.
#[derive(Debug)]
pub(super) struct Message {
    /// Whether the client sees it, in words.
    pub kind: &'static str,
    /// The class of these words.
    pub colour: &'static str,
    pub author: String,
    pub age: String,
    pub at: String,
    pub said: MessageText,
    /// Attached files with their sizes.
    pub files: Vec<String>,
    /// Whether it has come since the person last looked.
    pub is_new: bool,
    /// Whether the PSA has it, of a note made here.
    pub state: Option<String>,
    /// The change on its way that can be sent again.
    pub retry: Option<i64>,
}

impl Message {
    /// For staff with the `agents` of the PSA and the `outbox`, for clients without both.
    pub fn new(
        item: &Conversation,
        agents: &HashMap<i64, String>,
        outbox: &[OutboxEntry],
        for_staff: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let agent = item.user_id.and_then(|id| agents.get(&id));
        let author = item.author.as_ref().or(agent).or(item.from_email.as_ref());
        let is_private = item.private == Some(true);
        let (kind, colour) = match (is_private, item.incoming == Some(true)) {
            (true, _) => ("Private: the client does not see it", "badge--warning"),
            (false, true) => ("Public: from the client", "badge--info"),
            (false, false) => ("Public: to the client", "badge--success"),
        };
        let is_ours = item.external_id.is_none() && for_staff;
        let entry = outbox.iter().find(|entry| is_ours && is_of(entry, item));
        Self {
            kind,
            colour,
            author: author.cloned().unwrap_or_else(|| "Unknown".to_owned()),
            age: item.created_at.map(|at| age(at, now)).unwrap_or_default(),
            at: item.created_at.map(moment).unwrap_or_default(),
            said: MessageText::new(item.body_html.as_deref(), item.body.as_deref()),
            files: files(&item.attachments.0),
            is_new: false,
            state: is_ours
                .then(|| entry.map_or_else(|| "kept here, not sent to the PSA".to_owned(), state)),
            retry: entry
                .filter(|entry| has_failed(entry))
                .map(|entry| entry.id),
        }
    }
}

/// Whether a change has ended without the PSA having it.
fn has_failed(entry: &OutboxEntry) -> bool {
    !matches!(entry.state, OutboxState::Pending | OutboxState::Done)
}

/// Whether a change on its way is a note: both are written in one transaction, at one time.
fn is_of(entry: &OutboxEntry, item: &Conversation) -> bool {
    entry.kind == OutboxKind::Note
        && Some(entry.created_at) == item.created_at
        && entry.note == item.body
}

/// How far a change is on its way to the PSA.
pub(super) fn state(entry: &OutboxEntry) -> String {
    let why = entry.last_error.as_deref().unwrap_or("no reason is known");
    match entry.state {
        OutboxState::Pending if entry.attempts == 0 => "waiting to be sent to the PSA".to_owned(),
        OutboxState::Pending => {
            let next = moment(entry.next_at);
            format!("waiting: the last try failed ({why}), the next is at {next}")
        }
        OutboxState::Done => "sent to the PSA".to_owned(),
        OutboxState::Superseded | OutboxState::Cancelled => format!("not sent: {why}"),
        OutboxState::Failed => format!("refused by the PSA: {why}"),
        OutboxState::Off => "not sent: writing to the PSA was off".to_owned(),
    }
}

/// Attached files by name and size.
pub(super) fn files(attachments: &[Value]) -> Vec<String> {
    let named = attachments.iter().map(|file| {
        let name = file["name"].as_str().filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or("a file without a name");
        match file["size"].as_u64() {
            Some(bytes) => format!("{name} ({})", size(bytes)),
            None => name.to_owned(),
        }
    });
    let mut files: Vec<String> = named.take(FILES).collect();
    if attachments.len() > FILES {
        files.push(format!("and {} more", attachments.len() - FILES));
    }
    files
}

fn size(bytes: u64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_listed_by_name_and_size() {
        let sent = [
            json!({"name": "a.pdf", "size": 12_345, "attachment_url": "https://secret.test/?sign=1"}),
            json!({"size": 3_250_000}),
            json!("odd"),
        ];
        let unnamed = "a file without a name";
        let wanted = ["a.pdf (12 kB)", &format!("{unnamed} (3.2 MB)"), unnamed];
        assert_eq!(files(&sent), wanted);
        assert_eq!(
            files(&vec![json!({"name": "x"}); 30]).last().unwrap(),
            "and 10 more"
        );
    }

    #[test]
    fn html_is_shown_and_text_stands_in_for_it() {
        let both = MessageText::new(
            Some("<p>a<script>x</script></p><blockquote>b</blockquote>"),
            Some("t"),
        );
        assert_eq!(both.html, "<p>a</p>");
        assert_eq!(both.quoted.as_deref(), Some("<blockquote>b</blockquote>"));
        for empty in [None, Some(" "), Some("<img src=x>")] {
            assert_eq!(MessageText::new(empty, Some("t")).html, "t", "{empty:?}");
        }
        assert!(MessageText::new(None, None).html.is_empty());
    }
}
