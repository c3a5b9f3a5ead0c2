//! How many records a run may delete without a person.

/// How deletions are guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// More than this percentage of a scope at once is held for a person.
    pub max_delete_percent: u8,
    /// This many are always allowed.
    pub min_delete: usize,
    /// How many missing records are asked for by id in one run.
    pub max_asked: usize,
    /// How many days a held deletion waits for a person.
    pub hold_days: u32,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_delete_percent: 10,
            min_delete: 5,
            max_asked: 500,
            hold_days: 14,
        }
    }
}

impl Guard {
    /// Whether `missing` of `total` may go without a person.
    pub fn allows(self, missing: usize, total: usize) -> bool {
        missing
            <= self
                .min_delete
                .max(total * usize::from(self.max_delete_percent) / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::Guard;

    #[test]
    fn guard_allows_ten_percent_or_five_records() {
        let guard = Guard::default();
        assert!(guard.allows(5, 6));
        assert!(!guard.allows(6, 6));
        assert!(guard.allows(50, 500));
        assert!(!guard.allows(51, 500));
    }
}
