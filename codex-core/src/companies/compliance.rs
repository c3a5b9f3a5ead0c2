//! How strictly data of a company is treated.

use std::fmt;

words! {
    /// How strictly data of a company is treated; the strictest last.
    #[derive(Default, PartialOrd, Ord)]
    pub enum ComplianceLevel {
        /// No special rule; also the level of a company of which nothing else is known (contract 1.2.B).
        #[default]
        Standard = "standard",
        /// Health data.
        Hipaa = "hipaa",
        /// Data of criminal justice.
        Cjis = "cjis",
    }
}

impl ComplianceLevel {
    /// The level that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == word)
    }

    /// The level of a company that has this word in its row, or none.
    pub(crate) fn of_stored(word: Option<&str>) -> Self {
        word.and_then(Self::parse).unwrap_or_default()
    }
}

impl fmt::Display for ComplianceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The strictest of several compliance levels: what Brainhair redacts by (consumers 7).
pub fn strictest(levels: impl IntoIterator<Item = ComplianceLevel>) -> ComplianceLevel {
    levels.into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_they_are_written() {
        for level in ComplianceLevel::ALL {
            assert_eq!(ComplianceLevel::parse(level.name()), Some(level));
            assert_eq!(
                serde_json::to_value(level).unwrap(),
                level.name(),
                "in JSON too"
            );
        }
        assert_eq!(ComplianceLevel::parse("HIPAA"), None);
        assert_eq!(ComplianceLevel::of_stored(None), ComplianceLevel::Standard);
    }

    #[test]
    fn cjis_is_the_strictest_level() {
        assert_eq!(strictest(ComplianceLevel::ALL), ComplianceLevel::Cjis);
        assert_eq!(strictest([]), ComplianceLevel::Standard);
    }
}
