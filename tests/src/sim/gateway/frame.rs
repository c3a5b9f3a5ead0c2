//! The frame around a page: themes on `html`, styles and a script in `head`, the panel beside what was in `body`.
//!
//! Text is put in at the three tags. That needs no parser, because pages of Codex escape `<` in every value. A part
//! whose tag is missing is left out, as in Nexus, so that a fragment passes unchanged.

/// The brightness and colours that Nexus knows.
const BRIGHTNESS: [&str; 2] = ["light", "dark"];
pub(super) const COLOURS: [&str; 9] = [
    "purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee",
];

const HEAD: &str = r#"<link rel="stylesheet" href="/static/css/global.css?v=1"><link rel="stylesheet" href="/static/css/side-panel.css?v=1"><script src="/static/js/side-panel.js?v=1"></script>"#;

/// How a person's pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Theme {
    brightness: &'static str,
    colour: &'static str,
}

impl Default for Theme {
    fn default() -> Self {
        Self {
            brightness: BRIGHTNESS[0],
            colour: COLOURS[0],
        }
    }
}

impl Theme {
    /// A theme by its names; `None` unless both are known.
    pub(super) fn known(brightness: &str, colour: &str) -> Option<Self> {
        let known = |names: &'static [&'static str], wanted: &str| {
            names.iter().copied().find(|name| *name == wanted)
        };
        Some(Self {
            brightness: known(&BRIGHTNESS, brightness)?,
            colour: known(&COLOURS, colour)?,
        })
    }
}

/// A page with its frame.
pub(super) fn wrap(page: &str, theme: Theme, panel: &str) -> String {
    let Theme { brightness, colour } = theme;
    // Lower-case ASCII has the same places.
    let lower = page.to_ascii_lowercase();
    let html = tag(&lower, "<html").map(|(start, _)| start + "<html".len());
    let head = lower.find("</head>");
    let body = tag(&lower, "<body").map(|(_, end)| end);
    let body = body.and_then(|start| Some((start, lower.rfind("</body>")?)));
    let themes = format!(r#" data-theme="{brightness}" data-color-theme="{colour}""#);
    let open = format!(
        r#"<div class="hivematrix-layout"><div class="hivematrix-side-panel" id="side-panel">{panel}</div><div class="hivematrix-content">"#
    );
    let mut additions = Vec::new();
    additions.extend(html.map(|at| (at, themes.as_str())));
    additions.extend(head.map(|at| (at, HEAD)));
    if let Some((start, end)) = body {
        additions.extend([(start, open.as_str()), (end, "</div></div>")]);
    }
    additions.sort_by_key(|(at, _)| *at);
    let mut wrapped = String::with_capacity(page.len() + 4096);
    let mut from = 0;
    for (at, addition) in additions {
        wrapped.push_str(&page[from..at]);
        wrapped.push_str(addition);
        from = at;
    }
    wrapped.push_str(&page[from..]);
    wrapped
}

/// Where an opening tag starts and where what it opens does. A `>` in the value of an attribute does not end it.
fn tag(lower: &str, name: &str) -> Option<(usize, usize)> {
    let mut starts = lower.match_indices(name).map(|(at, _)| at);
    let is_whole = |at: &usize| {
        let next = lower[at + name.len()..].chars().next();
        next.is_some_and(|next| next == '>' || next.is_ascii_whitespace())
    };
    let start = starts.find(is_whole)?;
    let mut quote = None;
    for (at, sign) in lower[start..].char_indices() {
        match (quote, sign) {
            (None, '>') => return Some((start, start + at + 1)),
            (None, '"' | '\'') => quote = Some(sign),
            (Some(open), _) if open == sign => quote = None,
            _ => {}
        }
    }
    None
}
