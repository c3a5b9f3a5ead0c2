//! Proof that a form was sent from one of our pages.
//!
//! Each form carries a token: a random word, and the word's HMAC with the caller's own bearer token as the key. Nobody
//! else has that key: Nexus keeps it in a cookie that scripts cannot read, and sets it as `Authorization`. So the proof
//! is bound to caller and session, needs no cookie of ours and no stored key, and is valid in every process. Each
//! answer has a new token, because an attacker could guess a repeated one from the length of compressed answers.

use aws_lc_rs::{constant_time, hmac};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use uuid::Uuid;

use crate::http::{digest::hex, headers::single, problem::Problem};

/// The member of a form with the token.
pub(crate) const FIELD: &str = "csrf_token";

/// Makes and checks the tokens of one caller.
#[derive(Debug, Clone)]
pub(crate) struct Csrf(hmac::Key);

impl Csrf {
    /// For the caller of a request, whose bearer token is verified elsewhere.
    pub fn of(headers: &HeaderMap) -> Self {
        let bearer = single(headers, AUTHORIZATION).unwrap_or_default();
        Self(hmac::Key::new(hmac::HMAC_SHA256, bearer.as_bytes()))
    }

    /// A token for a form.
    pub fn token(&self) -> String {
        let word = Uuid::new_v4().simple().to_string();
        let proof = self.proof(&word);
        format!("{word}.{proof}")
    }

    /// A text in its place that shows whether it is still the same, and nothing else of it: for secrets in forms.
    pub fn seal(&self, text: &str) -> String {
        let tag = hmac::sign(&self.0, format!("codex seal {text}").as_bytes());
        hex(&[tag.as_ref()])
    }

    /// Refuses a form that did not come from a page of this caller.
    ///
    /// # Errors
    /// 403 that says what to do.
    pub fn check(&self, headers: &HeaderMap, token: &str) -> Result<(), Problem> {
        // Browsers say where a form comes from, and scripts cannot change it.
        let is_foreign = single(headers, "sec-fetch-site") == Some("cross-site");
        if !is_foreign && self.is_valid(token) {
            return Ok(());
        }
        let detail = "The form was not sent from a page of this session. Nothing was changed. \
            Open the page again and send the form once more.";
        Err(Problem::forbidden(detail))
    }

    fn is_valid(&self, token: &str) -> bool {
        let Some((word, proof)) = token.split_once('.') else {
            return false;
        };
        let wanted = self.proof(word);
        constant_time::verify_slices_are_equal(wanted.as_bytes(), proof.as_bytes()).is_ok()
    }

    fn proof(&self, word: &str) -> String {
        let tag = hmac::sign(&self.0, format!("codex form {word}").as_bytes());
        hex(&[tag.as_ref()])
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(bearer: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(bearer))])
    }

    #[test]
    fn tokens_hold_for_their_caller_alone() {
        let (ann, ben) = (headers("Bearer ann"), headers("Bearer ben"));
        let token = Csrf::of(&ann).token();
        assert!(Csrf::of(&ann).check(&ann, &token).is_ok());
        assert!(Csrf::of(&ben).check(&ben, &token).is_err());
        for bad in ["", ".", "x", "x.y", &token[1..], &format!("{token}0")] {
            assert!(Csrf::of(&ann).check(&ann, bad).is_err(), "{bad}");
        }
        assert_ne!(Csrf::of(&ann).token(), token);
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        let mut ann = headers("Bearer ann");
        let token = Csrf::of(&ann).token();
        for (site, allowed) in [("same-origin", true), ("none", true), ("cross-site", false)] {
            ann.insert("sec-fetch-site", HeaderValue::from_static(site));
            assert_eq!(
                Csrf::of(&ann).check(&ann, &token).is_ok(),
                allowed,
                "{site}"
            );
        }
    }
}
