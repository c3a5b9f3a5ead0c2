//! Money as fixed point with four decimals.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

// Contract 1.2.F.
/// An amount with exactly four decimals, stored as a whole number of ten-thousandths.
///
/// `SQLite` has no decimal type, and sums of floats are inexact, so the database holds an integer. In JSON the amount
/// is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, utoipa::ToSchema)]
#[cfg_attr(feature = "store", derive(sqlx::Type), sqlx(transparent))]
#[schema(value_type = f64)]
pub struct Money(i64);

/// Ten-thousandths in one unit.
const SCALE: i64 = 10_000;
/// Beyond this an `f64` no longer holds four decimals exactly.
const MAX_UNITS: i64 = 900_000_000_000;

/// Why a number is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a number, or infinite.
    #[error("is not a finite number")]
    NotFinite,
    /// More than four decimals.
    #[error("has more than four decimals")]
    TooPrecise,
    /// Larger than can be kept exactly.
    #[error("is too large")]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount from ten-thousandths.
    pub const fn from_ten_thousandths(value: i64) -> Self {
        Self(value)
    }

    /// The amount in ten-thousandths.
    pub const fn ten_thousandths(self) -> i64 {
        self.0
    }
}

impl TryFrom<f64> for Money {
    type Error = MoneyError;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "bounds checked"
    )]
    fn try_from(value: f64) -> Result<Self, MoneyError> {
        if !value.is_finite() {
            return Err(MoneyError::NotFinite);
        }
        if value.abs() > MAX_UNITS as f64 {
            return Err(MoneyError::TooLarge);
        }
        let rounded = (value * SCALE as f64).round();
        // The shortest text of a float with at most four decimals reads back as the same float.
        if (rounded / SCALE as f64 - value).abs() > f64::EPSILON * value.abs().max(1.0) {
            return Err(MoneyError::TooPrecise);
        }
        Ok(Self(rounded as i64))
    }
}

impl From<Money> for f64 {
    #[expect(clippy::cast_precision_loss, reason = "amounts are bounded below 2^53")]
    fn from(money: Money) -> Self {
        money.0 as f64 / SCALE as f64
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (units, rest) = (
            self.0.unsigned_abs() / SCALE.unsigned_abs(),
            self.0.unsigned_abs() % SCALE.unsigned_abs(),
        );
        if rest % 100 == 0 {
            write!(f, "{sign}{units}.{:02}", rest / 100)
        } else {
            write!(f, "{sign}{units}.{rest:04}")
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64((*self).into())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::try_from(value).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_four_decimals_and_refuses_a_fifth() {
        assert_eq!(
            Money::try_from(12.3456).map(Money::ten_thousandths),
            Ok(123_456)
        );
        assert_eq!(Money::try_from(0.000_01), Err(MoneyError::TooPrecise));
        assert_eq!(Money::try_from(f64::NAN), Err(MoneyError::NotFinite));
        assert_eq!(Money::try_from(1e18), Err(MoneyError::TooLarge));
    }

    #[test]
    fn money_text_has_two_or_four_decimals() {
        assert_eq!(Money::from_ten_thousandths(-15_000).to_string(), "-1.50");
        assert_eq!(Money::from_ten_thousandths(125).to_string(), "0.0125");
    }
}
