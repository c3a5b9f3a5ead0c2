//! Telephone numbers, which everybody spells differently.

/// The fewest digits of a number: shorter ones are extensions and account numbers.
const FEWEST: usize = 7;
/// The most (ITU-T E.164).
const MOST: usize = 15;
/// The most digits by which one spelling is longer than another: a country code and an area code, or one of them.
const MOST_AHEAD: usize = 4;

/// The digits of a text that is a telephone number, without zeros at its beginning: those stand for a country or for
/// long distance, and others write a country code there.
pub fn digits(text: &str) -> Option<String> {
    let text = text.replace("(0)", "");
    let is_sign = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-()/.".contains(c);
    if !text.chars().all(is_sign) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (FEWEST..=MOST)
        .contains(&digits.len())
        .then(|| digits.to_owned())
}

/// The digits of a stored number; words behind it, such as an extension, are left out.
pub fn stored(text: &str) -> Option<String> {
    digits(text.split(char::is_alphabetic).next()?)
}

/// The digits that every spelling of a number has.
pub fn ending(digits: &str) -> &str {
    digits
        .len()
        .checked_sub(FEWEST)
        .and_then(|start| digits.get(start..))
        .unwrap_or(digits)
}

/// Whether digits are of the same number: with and without the codes of country and area.
pub fn same(one: &str, other: &str) -> bool {
    let (long, short) = if one.len() < other.len() {
        (other, one)
    } else {
        (one, other)
    };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    short.len() >= FEWEST
        && long.len() - short.len() <= MOST_AHEAD
        && is_number(long)
        && long.ends_with(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_number_are_the_same() {
        let number = stored("+49 (0)89 1234-567 ext. 12").unwrap();
        assert_eq!(number, "49891234567");
        for spelling in [
            "+49891234567",
            "0049 89 1234567",
            "089/1234567",
            "(089) 123 45 67",
            "1234567",
            "89.1234.567",
        ] {
            let digits = digits(spelling).unwrap();
            assert!(
                same(&number, &digits) && same(&digits, &number),
                "{spelling}"
            );
            assert_eq!(ending(&digits), "1234567");
        }
        for other in ["089 1234568", "0891234567890", "+43 89 1234567"] {
            assert!(!same(&number, &digits(other).unwrap()), "{other}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in [
            "",
            "100001",
            "5CG1234XYZ",
            "ann@acme.test",
            "1234567890123456",
            "12 34 5a 67 89",
        ] {
            assert_eq!(digits(text), None, "{text}");
        }
        assert_eq!(stored("none"), None);
        assert!(!same("", "") && !same("123", "123"));
    }
}
