//! Reads a page the way a browser does, as far as the rules of pages need it.

use std::cell::RefCell;

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

/// Elements without an end.
const VOID: [&str; 6] = ["br", "hr", "img", "input", "link", "meta"];

/// An element as it was opened.
#[derive(Debug)]
pub(super) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// The elements around it, the outermost first.
    pub within: Vec<String>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub elements: Vec<Element>,
    /// Its texts, one behind the other.
    pub text: String,
    /// What is not well formed.
    pub faults: Vec<String>,
    open: Vec<String>,
}

impl Document {
    /// Reads a page.
    pub fn read(html: &str) -> Self {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let options = TokenizerOpts {
            exact_errors: true,
            ..TokenizerOpts::default()
        };
        let tokenizer = Tokenizer::new(Sink::default(), options);
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        let mut document = tokenizer.sink.0.into_inner();
        let open = std::mem::take(&mut document.open);
        let unclosed = open
            .into_iter()
            .map(|name| format!("<{name}> is not closed"));
        document.faults.extend(unclosed);
        document
    }

    fn tag(&mut self, tag: &Tag) {
        let name = tag.name.to_string();
        if tag.kind == TagKind::EndTag {
            let opened = self.open.pop();
            if opened.as_ref() != Some(&name) {
                self.faults.push(format!("</{name}> closes {opened:?}"));
            }
            return;
        }
        let attributes = tag.attrs.iter();
        self.elements.push(Element {
            name: name.clone(),
            attributes: attributes
                .map(|one| (one.name.local.to_string(), one.value.to_string()))
                .collect(),
            within: self.open.clone(),
        });
        if !VOID.contains(&name.as_str()) {
            self.open.push(name);
        }
    }
}

#[derive(Default)]
struct Sink(RefCell<Document>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut document = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => {
                document.tag(&tag);
                // Tags in these are text.
                let is_text = ["title", "textarea"].contains(&&*tag.name);
                if is_text && tag.kind == TagKind::StartTag {
                    return TokenSinkResult::RawData(RawKind::Rcdata);
                }
            }
            Token::CharacterTokens(text) => {
                let is_bare = document.open.last().is_some_and(|name| name == "body");
                if is_bare && !text.trim().is_empty() {
                    document
                        .faults
                        .push(format!("line {line}: text directly under the body"));
                }
                document.text.push_str(&text);
            }
            Token::ParseError(what) => document.faults.push(format!("line {line}: {what}")),
            Token::CommentToken(_) => document.faults.push(format!("line {line}: a comment")),
            Token::NullCharacterToken => document.faults.push(format!("line {line}: NUL")),
            Token::DoctypeToken(_) | Token::EOFToken => {}
        }
        TokenSinkResult::Continue
    }
}
