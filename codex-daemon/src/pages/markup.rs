//! Markup that others wrote, as markup that is safe on our pages.
//!
//! It is read as a browser reads it and written anew. Only a few elements pass, and of attributes nothing but the
//! address of a link. So no script, style, image, id or class of others gets into a page, and what is written is well
//! formed: each element that is opened is closed.

use std::cell::RefCell;

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

/// Elements inside of which nothing else is opened.
const DEEPEST: usize = 30;
/// Elements whose content is no text for people, and how a browser reads it.
const DROPPED: [(&str, RawKind); 9] = [
    ("script", RawKind::ScriptData),
    ("style", RawKind::Rawtext),
    ("title", RawKind::Rcdata),
    ("textarea", RawKind::Rcdata),
    ("iframe", RawKind::Rawtext),
    ("noembed", RawKind::Rawtext),
    ("noframes", RawKind::Rawtext),
    ("noscript", RawKind::Rawtext),
    ("xmp", RawKind::Rawtext),
];
/// Elements that pass inside of a line, by what they are written as.
const INLINE: [(&str, &str); 8] = [
    ("a", "a"),
    ("b", "strong"),
    ("strong", "strong"),
    ("em", "em"),
    ("i", "em"),
    ("code", "code"),
    ("tt", "code"),
    ("s", "s"),
];
/// Elements that pass as blocks, by what they are written as. Headings are none of our page's.
const BLOCKS: [(&str, &str); 19] = [
    ("p", "p"),
    ("h1", "p"),
    ("h2", "p"),
    ("h3", "p"),
    ("h4", "p"),
    ("h5", "p"),
    ("h6", "p"),
    ("div", "div"),
    ("section", "div"),
    ("article", "div"),
    ("center", "div"),
    ("blockquote", "blockquote"),
    ("pre", "pre"),
    ("ul", "ul"),
    ("ol", "ol"),
    ("li", "li"),
    ("table", "div"),
    ("tr", "div"),
    ("address", "div"),
];
const LISTS: [&str; 2] = ["ul", "ol"];
/// Addresses that a link may have.
const SCHEMES: [&str; 4] = ["https://", "http://", "mailto:", "tel:"];

/// Safe markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Markup {
    /// It may be written into a page as it is.
    pub html: String,
    /// Whether something was left out because it is too long.
    pub is_cut: bool,
}

impl Markup {
    /// Markup that others wrote, cut behind about `most` bytes; `None` when it shows nothing.
    pub fn of(html: &str, most: usize) -> Option<Self> {
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let writer = Writer {
            most,
            ..Writer::default()
        };
        let tokenizer = Tokenizer::new(Sink(RefCell::new(writer)), TokenizerOpts::default());
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        tokenizer.sink.0.into_inner().finish()
    }

    /// A text without markup, cut behind about `most` bytes; `None` when it is empty.
    pub fn of_text(text: &str, most: usize) -> Option<Self> {
        let text = text.trim();
        let mut writer = Writer {
            most,
            ..Writer::default()
        };
        for (at, line) in text.lines().enumerate() {
            if at > 0 {
                writer.put("<br>");
            }
            writer.text(line);
        }
        writer.finish()
    }
}

/// Writes what passes.
#[derive(Debug, Default)]
struct Writer {
    html: String,
    /// The elements that are open, as they are written.
    open: Vec<&'static str>,
    /// The element whose content is dropped.
    dropped: Option<String>,
    /// Whether there is anything to see.
    has_text: bool,
    most: usize,
    is_cut: bool,
}

impl Writer {
    fn put(&mut self, markup: &str) {
        if self.html.len() + markup.len() > self.most {
            self.is_cut = true;
        }
        if !self.is_cut {
            self.html.push_str(markup);
        }
    }

    fn text(&mut self, text: &str) {
        if self.dropped.is_some() || self.is_cut {
            return;
        }
        self.has_text |= !text.trim().is_empty();
        // A list holds items alone.
        if self.open.last().is_some_and(|top| LISTS.contains(top)) {
            if text.trim().is_empty() {
                return;
            }
            self.start("li");
        }
        for letter in text.chars().filter(|letter| !is_hidden(*letter)) {
            match reference(letter) {
                Some(reference) => self.put(reference),
                None => self.put(letter.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Opens an element, where there is room for it.
    fn start(&mut self, name: &'static str) {
        if self.is_cut || self.open.len() >= DEEPEST {
            return;
        }
        self.put(&format!("<{name}>"));
        if !self.is_cut {
            self.open.push(name);
        }
    }

    /// Closes elements until so many are open. What was opened has its end, also in what is cut.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth
            && let Some(name) = self.open.pop()
        {
            self.html.push_str("</");
            self.html.push_str(name);
            self.html.push('>');
        }
    }

    /// Ends the line: inline elements and paragraphs hold no blocks.
    fn end_line(&mut self) {
        while self.open.last().is_some_and(|top| is_line(top)) {
            self.close_to(self.open.len() - 1);
        }
    }

    fn start_block(&mut self, name: &'static str) {
        self.end_line();
        let list = self.open.iter().rposition(|one| LISTS.contains(one));
        match (name, list) {
            ("li", None) => self.start("div"),
            ("li", Some(list)) => {
                self.close_to(list + 1);
                self.start("li");
            }
            _ => {
                if self.open.last().is_some_and(|top| LISTS.contains(top)) {
                    self.start("li");
                }
                self.start(name);
            }
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(depth) = self.open.iter().rposition(|one| *one == name) {
            self.close_to(depth);
        }
    }

    fn start_link(&mut self, tag: &Tag) {
        self.end("a");
        let mut attributes = tag.attrs.iter();
        let href = attributes.find(|one| &*one.name.local == "href");
        let href = href
            .map(|one| one.value.trim().to_owned())
            .unwrap_or_default();
        let lower = href.to_ascii_lowercase();
        let is_known = SCHEMES.iter().any(|scheme| lower.starts_with(scheme));
        if !is_known || href.chars().any(char::is_control) || self.open.len() >= DEEPEST {
            return;
        }
        let mut escaped = String::with_capacity(href.len());
        for letter in href.chars() {
            match reference(letter) {
                Some(reference) => escaped.push_str(reference),
                None => escaped.push(letter),
            }
        }
        self.put(&format!(
            "<a href=\"{escaped}\" rel=\"noopener noreferrer nofollow\">"
        ));
        if !self.is_cut {
            self.open.push("a");
        }
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        let is_start = tag.kind == TagKind::StartTag;
        if let Some(dropped) = &self.dropped {
            if !is_start && dropped == name {
                self.dropped = None;
            }
            return TokenSinkResult::Continue;
        }
        if let Some((_, kind)) = DROPPED.iter().find(|(known, _)| *known == name) {
            if is_start {
                self.dropped = Some(name.to_owned());
                return TokenSinkResult::RawData(*kind);
            }
            return TokenSinkResult::Continue;
        }
        let written = |known: &[(&str, &'static str)]| {
            let found = known.iter().find(|(from, _)| *from == name);
            found.map(|(_, written)| *written)
        };
        match (name, is_start) {
            ("br", _) => self.put("<br>"),
            ("hr", true) => {
                self.end_line();
                self.put("<hr>");
            }
            ("td" | "th", true) => self.text(" "),
            ("img", true) => {
                let mut attributes = tag.attrs.iter();
                let alt = attributes.find(|one| &*one.name.local == "alt");
                if let Some(alt) = alt.filter(|alt| !alt.value.trim().is_empty()) {
                    self.text(&format!("[image: {}]", alt.value.trim()));
                }
            }
            ("a", true) => self.start_link(tag),
            _ => {
                let (inline, block) = (written(&INLINE), written(&BLOCKS));
                match (inline, block, is_start) {
                    (Some(name), _, true) => self.start(name),
                    (None, Some(name), true) => self.start_block(name),
                    (Some(name), _, false) | (None, Some(name), false) => self.end(name),
                    (None, None, _) => {}
                }
            }
        }
        TokenSinkResult::Continue
    }

    fn finish(mut self) -> Option<Markup> {
        self.close_to(0);
        self.has_text.then_some(Markup {
            html: self.html,
            is_cut: self.is_cut,
        })
    }
}

/// How a letter is written that means something in markup.
fn reference(letter: char) -> Option<&'static str> {
    match letter {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Whether a letter is left out: control characters, and marks that would turn the text of our page round.
fn is_hidden(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (letter.is_control() && !letter.is_whitespace())
}

/// Whether an element holds a line alone.
fn is_line(name: &str) -> bool {
    name == "p" || INLINE.iter().any(|(_, written)| *written == name)
}

struct Sink(RefCell<Writer>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut writer = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => return writer.tag(&tag),
            Token::CharacterTokens(text) => writer.text(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Texts that begin what a mail quotes below its own words.
const QUOTES: [&str; 9] = [
    "<blockquote",
    "class=\"gmail_quote",
    "class=\"freshdesk_quote",
    "class=\"freshservice_quote",
    "class=\"moz-cite-prefix",
    "class=\"yahoo_quoted",
    "id=\"divrplyfwdmsg",
    "id=\"appendonsend",
    "-----original message-----",
];

/// Splits HTML before the history that it quotes: its own words, and the history.
pub(crate) fn split_quote(html: &str) -> (&str, Option<&str>) {
    let lower = html.to_ascii_lowercase();
    let places = QUOTES.iter().filter_map(|quote| lower.find(quote));
    let Some(place) = places.min() else {
        return (html, None);
    };
    // An attribute belongs to the tag before it.
    let place = match lower.as_bytes()[place] {
        b'<' | b'-' => place,
        _ => lower[..place].rfind('<').unwrap_or(place),
    };
    split(html, place)
}

/// Splits a text before the history that it quotes.
pub(crate) fn split_quoted_text(text: &str) -> (&str, Option<&str>) {
    let mut place = 0;
    for line in text.split_inclusive('\n') {
        let start = line.trim().to_lowercase();
        let introduces = (start.starts_with("on ") && start.ends_with("wrote:"))
            || (start.starts_with("am ") && start.ends_with("schrieb:"))
            || start.starts_with("-----original message");
        if introduces || start.starts_with('>') {
            return split(text, place);
        }
        place += line.len();
    }
    (text, None)
}

/// A message that is nothing but a quote is not folded.
fn split(text: &str, place: usize) -> (&str, Option<&str>) {
    let (own, quoted) = text.split_at(place);
    if own.trim().is_empty() {
        (text, None)
    } else {
        (own, Some(quoted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(html: &str) -> String {
        Markup::of(html, 10_000)
            .map(|markup| markup.html)
            .unwrap_or_default()
    }

    #[test]
    fn only_known_elements_pass_and_without_attributes() {
        for (sent, wanted) in [
            (
                "<p class=x onclick=y>Hi <b>you</b></p>",
                "<p>Hi <strong>you</strong></p>",
            ),
            ("a<script>alert(1)</script>b", "ab"),
            ("a<style>p{}</style><!-- c -->b", "ab"),
            ("<img src=x onerror=y alt='A cat'>", "[image: A cat]"),
            ("x<img src=//track.test/1.gif>", "x"),
            ("<svg><script>x</script></svg>y", "y"),
            ("<h1 id=content>Big</h1>", "<p>Big</p>"),
            ("1 < 2 & \"3\"", "1 &lt; 2 &amp; &quot;3&quot;"),
            ("&lt;script&gt;", "&lt;script&gt;"),
            (
                "<form action=/x><input name=y><button>go</button></form>",
                "go",
            ),
            ("<math><mi>x</math>", "x"),
            ("<textarea><b>x</b></textarea>y", "y"),
            ("", ""),
            ("<p> </p>", ""),
            ("<script>never closed", ""),
        ] {
            assert_eq!(safe(sent), wanted, "{sent}");
        }
    }

    #[test]
    fn links_lead_to_known_schemes_only() {
        let rel = "rel=\"noopener noreferrer nofollow\"";
        assert_eq!(
            safe("<a href=\"https://a.test/?x=1&y='2\" style=x>go</a>"),
            format!("<a href=\"https://a.test/?x=1&amp;y=&#39;2\" {rel}>go</a>")
        );
        for bad in [
            "<a href=javascript:alert(1)>go</a>",
            "<a href=\" java\nscript:alert(1)\">go</a>",
            "<a href=/admin/>go</a>",
            "<a href=data:text/html,x>go</a>",
            "<a>go</a>",
        ] {
            assert_eq!(safe(bad), "go", "{bad}");
        }
    }

    #[test]
    fn written_markup_is_well_formed() {
        for (sent, wanted) in [
            ("<p>a<p>b", "<p>a</p><p>b</p>"),
            ("<b><div>a</b></div>c", "<strong></strong><div>a</div>c"),
            ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
            ("<ul>a</ul>", "<ul><li>a</li></ul>"),
            ("<li>a", "<div>a</div>"),
            ("</div></p>a", "a"),
            (
                "<table><tr><td>a<td>b</table>",
                "<div><div> a b</div></div>",
            ),
            (
                "<a href=https://a.test>x<a href=https://b.test>y",
                "<a href=\"https://a.test\" \
              rel=\"noopener noreferrer nofollow\">x</a><a href=\"https://b.test\" rel=\"noopener noreferrer \
              nofollow\">y</a>",
            ),
        ] {
            assert_eq!(safe(sent), wanted, "{sent}");
        }
        let deep = safe(&("<div>".repeat(9_000) + "x"));
        assert_eq!(deep.matches("<div>").count(), DEEPEST);
        assert_eq!(deep.matches("</div>").count(), DEEPEST);
    }

    #[test]
    fn long_markup_is_cut_and_closed() {
        let markup = Markup::of(&format!("<p>{}</p>", "\u{e4}&".repeat(500)), 100).unwrap();
        assert!(markup.is_cut && markup.html.ends_with("</p>"), "{markup:?}");
        assert!(markup.html.len() <= 104, "{markup:?}");
        let text = Markup::of_text("a\n<b>", 100).unwrap();
        assert_eq!(text.html, "a<br>&lt;b&gt;");
        assert_eq!(Markup::of_text(" \n", 100), None);
    }

    #[test]
    fn quoted_history_is_split_off() {
        let (own, quoted) = split_quote("<p>Yes</p><DIV class=\"gmail_quote\">On Monday</div>");
        assert_eq!(
            (own, quoted),
            (
                "<p>Yes</p>",
                Some("<DIV class=\"gmail_quote\">On Monday</div>")
            )
        );
        assert_eq!(split_quote("<blockquote>all</blockquote>").1, None);
        let (own, quoted) = split_quoted_text("Yes\nOn Monday Ann wrote:\n> Well?");
        assert_eq!(
            (own, quoted),
            ("Yes\n", Some("On Monday Ann wrote:\n> Well?"))
        );
        assert_eq!(split_quoted_text("Yes"), ("Yes", None));
    }
}
