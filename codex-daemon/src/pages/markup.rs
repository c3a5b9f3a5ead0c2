//! Markup that others wrote, as markup that is safe on our pages.
//!
//! Only a few elements pass, and of attributes nothing but the address of a link. So no script, style, image, id or
//! class of others gets into a page, and what is written is well formed.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};

/// Elements that pass. Headings are none of our page's.
const ELEMENTS: [&str; 23] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
/// Elements whose content is no text for people.
const DROPPED: [&str; 13] = [
    "iframe", "math", "noembed", "noframes", "noscript", "object", "script", "style", "svg",
    "template", "textarea", "title", "xmp",
];
/// Schemes of addresses that a link may have.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// The most bytes that are parsed. Style sheets and empty elements of mail programs come on top of what is shown.
const PARSED: usize = 100_000;
/// The most elements that markup may open: the time of the parser grows with the square of their depth.
const OPENED: usize = 3_000;
/// The most elements that the parser may add. It opens elements of [`STYLING`] that were left open anew in each block
/// that follows.
const ADDED: usize = 200_000;
/// Elements that style words, which the parser opens anew.
const STYLING: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut safe = Builder::default();
    safe.tags(HashSet::from(ELEMENTS))
        .clean_content_tags(HashSet::from(DROPPED))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer"));
    safe
});

/// Safe markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Markup {
    /// It may be written into a page as it is.
    pub html: String,
    /// Whether something was left out because it is too long.
    pub is_cut: bool,
}

impl Markup {
    /// Markup that others wrote, cut behind about `most` bytes; `None` when it shows nothing, or would take too long
    /// to read.
    pub fn of(html: &str, most: usize) -> Option<Self> {
        let read = &html[..html.floor_char_boundary(PARSED)];
        if !is_tame(read) {
            return None;
        }
        let mut safe = SAFE.clean(read).to_string();
        let mut is_cut = read.len() < html.len();
        if safe.contains(is_hidden) {
            safe.retain(|letter| !is_hidden(letter));
            safe = SAFE.clean(&safe).to_string();
        }
        if safe.len() > most {
            is_cut = true;
            // What is open there is closed.
            safe = SAFE.clean(cut(&safe, most)).to_string();
        }
        has_text(&safe).then_some(Self { html: safe, is_cut })
    }

    /// A text without markup, cut behind about `most` bytes; `None` when it is empty.
    pub fn of_text(text: &str, most: usize) -> Option<Self> {
        let text = text.trim();
        let shown = &text[..text.floor_char_boundary(most)];
        let mut html = String::with_capacity(shown.len());
        for (at, line) in shown.lines().enumerate() {
            if at > 0 {
                html.push_str("<br>");
            }
            for letter in line.chars().filter(|letter| !is_hidden(*letter)) {
                match reference(letter) {
                    Some(reference) => html.push_str(reference),
                    None => html.push(letter),
                }
            }
        }
        let is_cut = shown.len() < text.len();
        has_text(&html).then_some(Self { html, is_cut })
    }
}

/// Whether markup can be read in little time and space, whatever it holds.
fn is_tame(html: &str) -> bool {
    let opened = html.split('<').skip(1).filter_map(|tag| {
        let end = tag.find(|letter: char| !letter.is_ascii_alphanumeric());
        let name = &tag[..end.unwrap_or(tag.len())];
        (!name.is_empty()).then_some(name)
    });
    let (styling, others): (Vec<&str>, Vec<&str>) =
        opened.partition(|name| STYLING.iter().any(|one| name.eq_ignore_ascii_case(one)));
    styling.len() + others.len() <= OPENED && styling.len() * others.len() <= ADDED
}

/// The beginning of safe markup, up to a place that is inside of no tag and no reference.
fn cut(safe: &str, most: usize) -> &str {
    let mut end = safe.floor_char_boundary(most);
    for (start, stop) in [('<', '>'), ('&', ';')] {
        if let Some(open) = safe[..end].rfind(start)
            && !safe[open..end].contains(stop)
            && safe[open..].contains(stop)
        {
            end = open;
        }
    }
    &safe[..end]
}

/// Whether there is anything to see in safe markup, in which `<` begins a tag.
fn has_text(safe: &str) -> bool {
    let texts = safe.split('<').enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('>').map_or("", |(_, text)| text),
    });
    texts
        .map(|text| text.replace("&nbsp;", " "))
        .any(|text| !text.trim().is_empty())
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
                "<p class=x onclick=y>Hi <b style=z>you</b></p>",
                "<p>Hi <b>you</b></p>",
            ),
            ("a<script>alert(1)</script>b", "ab"),
            ("a<style>p{}</style><!-- c -->b", "ab"),
            ("x<img src=//track.test/1.gif onerror=y alt=cat>", "x"),
            ("<svg><script>x</script></svg>y", "y"),
            ("<h1 id=content>Big</h1>", "Big"),
            ("1 < 2 &amp; 3", "1 &lt; 2 &amp; 3"),
            ("&lt;script&gt;", "&lt;script&gt;"),
            (
                "<form action=/x><input name=y><button>go</button></form>",
                "go",
            ),
            ("<math><mi>x</mi></math>y", "y"),
            ("<textarea><b>x</b></textarea>y", "y"),
            ("a\u{202e}b&#x202e;c", "abc"),
            ("", ""),
            ("<p> &nbsp;</p>", ""),
            ("<script>never closed", ""),
        ] {
            assert_eq!(safe(sent), wanted, "{sent}");
        }
    }

    #[test]
    fn links_lead_to_known_schemes_only() {
        assert_eq!(
            safe("<a href=\"https://a.test/?x=1&y=2\" style=x target=_top>go</a>"),
            "<a href=\"https://a.test/?x=1&amp;y=2\" rel=\"noopener noreferrer\">go</a>"
        );
        for bad in [
            "<a href=javascript:alert(1)>go</a>",
            "<a href=\" java\nscript:alert(1)\">go</a>",
            "<a href=\"java&#x202e;script:alert(1)\">go</a>",
            "<a href=/admin/>go</a>",
            "<a href=//evil.test>go</a>",
            "<a href=data:text/html,x>go</a>",
            "<a>go</a>",
        ] {
            assert!(!safe(bad).contains("href"), "{bad}: {}", safe(bad));
            assert!(safe(bad).contains("go"), "{bad}");
        }
    }

    #[test]
    fn written_markup_is_well_formed() {
        for (sent, wanted) in [
            ("<p>a<p>b", "<p>a</p><p>b</p>"),
            ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
            ("</div></main></body>a", "a"),
            (
                "<table><tr><td width=9>a<td>b</table>",
                "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>",
            ),
        ] {
            assert_eq!(safe(sent), wanted, "{sent}");
        }
    }

    #[test]
    fn costly_markup_is_not_read() {
        let deep = "<div>".repeat(OPENED + 1) + "x";
        assert_eq!(Markup::of(&deep, 100), None);
        let styled = "<font color=red>".repeat(1_000) + &"<p>x".repeat(1_000);
        assert_eq!(Markup::of(&styled, 100), None);
    }

    #[test]
    fn long_markup_is_cut_and_closed() {
        let markup = Markup::of(&format!("<p>{}</p>", "\u{e4}&amp;".repeat(500)), 100).unwrap();
        assert!(markup.is_cut && markup.html.ends_with("</p>"), "{markup:?}");
        assert!(markup.html.len() <= 104, "{markup:?}");
        assert!(!markup.html.contains("&amp;a"), "{markup:?}");
        let long = format!("{}<b>end</b>", "x".repeat(PARSED));
        assert!(Markup::of(&long, 2 * PARSED).unwrap().is_cut);
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
