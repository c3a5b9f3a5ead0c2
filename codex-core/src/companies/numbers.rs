//! Account numbers: six digits, none given twice (contract 3.4).

use std::collections::HashSet;

use uuid::Uuid;

use crate::{Error, Result, store::Tx};

const FIRST: u32 = 100_000;
const COUNT: u32 = 900_000;

sql! {
    /// Every number that was ever given.
    GIVEN = "select account_number from companies where account_number is not null \
        union select account_number from account_aliases";
}

/// Numbers that are taken, and free ones.
#[derive(Debug)]
pub(crate) struct Numbers(HashSet<String>);

impl Numbers {
    /// All that were ever given here.
    pub async fn given(tx: &mut Tx) -> Result<Self> {
        let given: Vec<String> = tx.query(GIVEN).scalars().await?;
        Ok(Self(given.into_iter().collect()))
    }

    /// Takes further ones out of the free.
    pub fn take(&mut self, numbers: impl IntoIterator<Item = String>) {
        self.0.extend(numbers);
    }

    /// A free number, which is taken then. Where to begin is left to chance, so that two at once seldom meet.
    ///
    /// # Errors
    /// [`Error::Conflict`] when none is left.
    pub fn free(&mut self) -> Result<String> {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        let start = u32::try_from(random % u64::from(COUNT)).unwrap_or_default();
        let number = (0..COUNT)
            .map(|step| (FIRST + (start + step) % COUNT).to_string())
            .find(|number| !self.0.contains(number))
            .ok_or_else(|| Error::conflict("all six-digit numbers are assigned"))?;
        self.0.insert(number.clone());
        Ok(number)
    }
}
