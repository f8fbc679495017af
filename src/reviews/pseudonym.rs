//! The name that others see in place of a review's author.

use aws_lc_rs::hmac;

use crate::ids::{PrincipalId, ProgramId};

/// The key that pseudonyms are made with. Whoever lacks it can neither tell whose a pseudonym is
/// nor that two of them in different programs belong to one person.
#[derive(Clone)]
pub struct PseudonymKey(hmac::Key);

impl PseudonymKey {
    /// Derives the key from the service's secret; two hash computations, so it may be made anew
    /// for each use.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&secret, b"preceptor pseudonym v1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The pseudonym of a participant in the reviews of one program: the same for all of them,
    /// another one in every other program.
    #[must_use]
    pub fn pseudonym(&self, participant: PrincipalId, program: ProgramId) -> String {
        format!("participant-{:08x}", self.number(b"", participant, program))
    }

    /// The pseudonym of a participant in the red-flag reports about one program. Computed under a
    /// label of its own, so that it cannot be matched with the pseudonym of the person's reviews.
    #[must_use]
    pub fn reporter(&self, participant: PrincipalId, program: ProgramId) -> String {
        format!("reporter-{:08x}", self.number(b"reporter", participant, program))
    }

    fn number(&self, label: &[u8], participant: PrincipalId, program: ProgramId) -> u32 {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(label);
        signing.update(participant.as_uuid().as_bytes());
        signing.update(program.as_uuid().as_bytes());
        let tag = signing.sign();
        let tag = tag.as_ref();
        u32::from_be_bytes([tag[0], tag[1], tag[2], tag[3]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_person_program_and_secret_only() {
        let person = |n| PrincipalId::new_v4([n; 16]);
        let program = |n| ProgramId::new_v4([n; 16]);
        let key = PseudonymKey::derive(b"secret");
        let name = key.pseudonym(person(1), program(1));
        let hex = name.strip_prefix("participant-").unwrap();
        assert!(hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_eq!(PseudonymKey::derive(b"secret").pseudonym(person(1), program(1)), name);
        assert_ne!(key.pseudonym(person(2), program(1)), name);
        assert_ne!(key.pseudonym(person(1), program(2)), name);
        assert_ne!(PseudonymKey::derive(b"other").pseudonym(person(1), program(1)), name);
    }

    #[test]
    fn the_reporter_of_a_program_cannot_be_matched_with_its_reviewer() {
        let key = PseudonymKey::derive(b"secret");
        let (person, program) = (PrincipalId::new_v4([1; 16]), ProgramId::new_v4([1; 16]));
        let reporter = key.reporter(person, program);
        let review = key.pseudonym(person, program);
        assert_ne!(reporter.strip_prefix("reporter-"), review.strip_prefix("participant-"));
        assert_eq!(key.reporter(person, program), reporter);
        assert_ne!(key.reporter(PrincipalId::new_v4([2; 16]), program), reporter);
    }
}
