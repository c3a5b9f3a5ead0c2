//! The gateway's stand-in for the stylesheet that HiveMatrix Nexus adds to every page.

/// The stylesheet. Classes are those of `vocabulary.txt` and no others; a test compares. Later parts win over earlier
/// ones.
pub const STYLE: &str = concat!(
    include_str!("style/tokens.css"),
    include_str!("style/elements.css"),
    include_str!("style/frame.css"),
    include_str!("style/buttons.css"),
    include_str!("style/cards.css"),
    include_str!("style/facts.css"),
    include_str!("style/tables.css"),
    include_str!("style/badges.css"),
    include_str!("style/messages.css"),
    include_str!("style/forms.css"),
    include_str!("style/utilities.css"),
    include_str!("style/media.css"),
);
