//! Addresses and sign-in codes.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::{auth::PurposeKey, rules::fault, universities::domain::Domain};

/// A code holds for so many seconds.
pub const CODE_LIFETIME: i64 = 600;
/// A code may be tried so many times.
pub const TRIES: i32 = 5;
/// So many codes are sent to an address within [`WINDOW`].
pub const CODES: i32 = 3;
/// Seconds within which codes are counted.
pub const WINDOW: i64 = 900;

/// Characters of the part before the `@` (RFC 5321 section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// Characters of an address (RFC 5321 section 4.5.3.1.3, with erratum 1690).
const ADDRESS_MAX: usize = 254;
/// What an unquoted local part may hold beside letters and digits (RFC 5322 section 3.2.3).
const ATOM: &[u8] = b"!#$%&'*+/=?^_`{|}~-.";
/// Crockford's alphabet: no I, L, O, U, so that no two characters look alike.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Random bytes in a code: eight characters of five bits.
pub const CODE_BYTES: usize = 5;

/// The text is not an address that mail is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address in ASCII form")]
pub struct InvalidAddress;

/// An e-mail address in ASCII, the domain in lower case.
///
/// The part before the `@` stays as typed, capitals included: that is where mail goes. Who it is does not depend on the
/// spelling (`mailbox`).
/// Letters beyond ASCII are refused, not converted: two that look alike would be two people. An international domain
/// is typed in its `xn--` form. Quoted local parts and address literals are refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    local: String,
    domain: Domain,
}

impl Address {
    /// Where mail goes.
    #[must_use]
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }

    /// What all spellings of one mailbox share: the part before the `@` in lower case and without a `+tag`.
    ///
    /// Nearly every server delivers them to one person, who would else be as many participants as there are tags.
    pub(crate) fn mailbox(&self) -> String {
        let name = match self.local.split_once('+') {
            Some((name, _)) if !name.is_empty() => name,
            _ => &self.local,
        };
        format!("{}@{}", name.to_ascii_lowercase(), self.domain.as_str())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain.as_str())
    }
}

/// An address never gets into a log by mistake.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_matches([' ', '\t']);
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidAddress)?;
        let atoms = local.bytes().all(|byte| byte.is_ascii_alphanumeric() || ATOM.contains(&byte));
        let dots = local.split('.').all(|atom| !atom.is_empty());
        if text.len() > ADDRESS_MAX || local.len() > LOCAL_MAX || !atoms || !dots {
            return Err(InvalidAddress);
        }
        let domain = domain.parse().map_err(|_| InvalidAddress)?;
        Ok(Self { local: local.to_owned(), domain })
    }
}

/// The keys under which addresses and codes are stored.
pub struct AddressKeys {
    hash: PurposeKey,
    seal: PurposeKey,
    code: PurposeKey,
}

impl AddressKeys {
    /// Derives the keys from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self {
            hash: PurposeKey::derive(secret, "participant address hash v1"),
            seal: PurposeKey::derive(secret, "participant address v1"),
            code: PurposeKey::derive(secret, "sign-in code v1"),
        }
    }

    /// What an address is found by: the same for every spelling of one mailbox.
    #[must_use]
    pub fn hash(&self, address: &Address) -> [u8; 32] {
        self.hash.hash(&[address.mailbox().as_bytes()])
    }

    /// The address so that it can be read again; `None` when the system gives no randomness.
    #[must_use]
    pub fn seal(&self, address: &Address) -> Option<Vec<u8>> {
        self.seal.seal(address.to_string().as_bytes())
    }

    /// The address that was sealed; `None` for anything else, and under other keys.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<String> {
        String::from_utf8(self.seal.open(sealed)?).ok()
    }

    /// What is stored of a code for an address: keyed, because 40 random bits can be tried out.
    #[must_use]
    pub fn code_hash(&self, address: &Address, code: &str) -> [u8; 32] {
        self.code.hash(&[address.mailbox().as_bytes(), canonical(code).as_bytes()])
    }
}

/// The code made of these random bytes.
#[must_use]
pub fn code(random: [u8; CODE_BYTES]) -> String {
    let bits = random.iter().fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
    let character = |place: u32| {
        let five = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
        char::from(ALPHABET[five])
    };
    (0..8).rev().map(character).collect()
}

/// A code as it is read: in capitals, without blanks and hyphens, and with those letters that it has not taken for the
/// digits that they look like.
pub(crate) fn canonical(typed: &str) -> String {
    let characters = typed.chars().filter(|c| !matches!(c, ' ' | '-'));
    characters
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

/// The line above the letter.
pub const SUBJECT: &str = "Your sign-in code";

/// The letter's text.
#[must_use]
pub fn letter(code: &str) -> String {
    let (first, second) = code.split_at(code.len() / 2);
    format!(
        "Your code to sign in to Preceptor:\n\n    {first}-{second}\n\nIt holds for {} minutes and can be used once.\n\
         Nobody of ours will ever ask you for it.\nIf you did not want to sign in, you need not do anything.\n",
        CODE_LIFETIME / 60
    )
}

/// Refuses what is not an address, with a fault of its own.
pub(crate) fn address(text: &str) -> Result<(), ValidationError> {
    let parsed: Result<Address, _> = text.parse();
    parsed.map(drop).map_err(|_| fault("invalid_email", "Use a complete e-mail address in ASCII."))
}

/// A request for a code.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SignInInput {
    /// The address that the code is sent to. Letters beyond ASCII in the domain are typed in their `xn--` form.
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = "^[!-?A-~]+@[A-Za-z0-9.-]+$",
        example = "student@example.edu"
    )]
    #[validate(custom(function = "address"))]
    pub email: String,
}

/// A code that was sent.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SignInCodeInput {
    /// The address that the code was sent to.
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = "^[!-?A-~]+@[A-Za-z0-9.-]+$",
        example = "student@example.edu"
    )]
    #[validate(custom(function = "address"))]
    pub email: String,
    /// The code; capitals, blanks and hyphens make no difference.
    #[schema(min_length = 8, max_length = 20, pattern = "^[0-9A-Za-z -]+$", example = "0000-0000")]
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_one_form() {
        for (text, form) in [
            ("a@b.example", "a@b.example"),
            (" Anna.Lee+x@EXAMPLE.edu\t", "Anna.Lee+x@example.edu"),
            ("o'neil@mail.example.edu", "o'neil@mail.example.edu"),
            ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), form);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.edu", "a".repeat(65));
        let long = format!("a@{}.edu", ["a".repeat(62).as_str(); 4].join("."));
        for text in [
            "",
            "a",
            "a@",
            "@example.edu",
            "a@localhost",
            "a@b@example.edu",
            ".a@example.edu",
            "a.@example.edu",
            "a..b@example.edu",
            "\"a b\"@example.edu",
            "a b@example.edu",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@example.edu.",
            "Anna <a@example.edu>",
            "a@example.edu, b@example.edu",
            "a\r\nBcc: b@example.edu",
            "ä@example.edu",
            "a@bücher.example",
            "a@ｅxample.edu",
            "\u{430}@example.edu",
            "a@example.edu\u{a0}",
            &long_local,
            &long,
        ] {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress), "{text}");
        }
    }

    #[test]
    fn a_code_has_every_bit_and_is_read_as_people_type_it() {
        assert_eq!(code([0; 5]), "00000000");
        assert_eq!(code([255; 5]), "ZZZZZZZZ");
        assert_eq!(code([0, 0, 0, 0, 1]), "00000001");
        assert_eq!(code([0x08, 0x42, 0x10, 0x84, 0x21]), "11111111");
        for typed in ["1A0Z-00XK", "1a0z 00xk", "la0z-ooxk", "IAOZOOXK", " 1A0Z00XK "] {
            assert_eq!(canonical(typed), "1A0Z00XK", "{typed}");
        }
    }

    #[test]
    fn hashes_differ_by_address_code_and_secret() {
        let keys = AddressKeys::derive(b"secret");
        let of = |text: &str| text.parse::<Address>().unwrap();
        let (one, other) = (of("a@example.edu"), of("b@example.edu"));
        assert_ne!(keys.code_hash(&one, "00000000"), keys.code_hash(&other, "00000000"));
        assert_ne!(keys.code_hash(&one, "00000000"), keys.code_hash(&one, "00000001"));
        assert_eq!(keys.code_hash(&one, "o0OO-0000"), keys.code_hash(&one, "00000000"));
        assert_ne!(keys.hash(&one), AddressKeys::derive(b"other").hash(&one));
        assert_eq!(keys.hash(&one), keys.hash(&of("a@EXAMPLE.edu")));
    }

    #[test]
    fn spellings_of_one_mailbox_are_one_participant() {
        let keys = AddressKeys::derive(b"secret");
        let of = |text: &str| text.parse::<Address>().unwrap();
        let one = of("sam@example.edu");
        for same in
            ["Sam@example.edu", "SAM@EXAMPLE.edu", "sam+1@example.edu", "Sam+a+b@example.edu", "sam+@example.edu"]
        {
            assert_eq!(keys.hash(&of(same)), keys.hash(&one), "{same}");
            assert_eq!(keys.code_hash(&of(same), "00000000"), keys.code_hash(&one, "00000000"), "{same}");
        }
        for other in ["s.am@example.edu", "sam@mail.example.edu", "+sam@example.edu", "1+sam@example.edu"] {
            assert_ne!(keys.hash(&of(other)), keys.hash(&one), "{other}");
        }
        assert_ne!(keys.hash(&of("+a@example.edu")), keys.hash(&of("+b@example.edu")), "a tag needs a name before it");
    }

    #[test]
    fn the_letter_shows_the_code_in_two_parts() {
        assert!(letter("1A0Z00XK").contains("    1A0Z-00XK\n"));
    }
}
