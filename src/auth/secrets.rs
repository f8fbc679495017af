//! Opaque secrets: client secrets, refresh tokens, participation codes.
//!
//! Each is a prefix that says what it is, 160 random bits, and a checksum, so that a scanner of public code can find
//! one that leaked and a typing error is told from a wrong secret: `pct_cs_` + 32 characters + 6 characters. Stored is
//! the SHA-256 alone, which at this entropy nobody can turn back.

use aws_lc_rs::digest;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A client's secret.
    Client,
    /// A refresh token.
    Refresh,
    /// A participation code.
    Participation,
}

/// Random bytes in a secret.
pub const RANDOM_BYTES: usize = 20;
/// Characters of a secret after its prefix: the random part and the checksum.
const BODY: usize = 38;
/// Bytes of the SHA-256 that make the checksum: six characters, the last of which carries two bits less.
const CHECK_BYTES: usize = 4;
/// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The pattern that finds every secret of this service in a text, for scanners.
pub const PATTERN: &str = "pct_(cs|rt|pc)_[0-9a-hjkmnp-tv-z]{38}";

impl SecretKind {
    /// How secrets of this kind begin.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Client => "pct_cs_",
            Self::Refresh => "pct_rt_",
            Self::Participation => "pct_pc_",
        }
    }

    /// The secret made of these random bytes.
    #[must_use]
    pub fn format(self, random: &[u8; RANDOM_BYTES]) -> String {
        let body = base32(random);
        let check = base32(&checksum(self.prefix(), &body));
        let check: String = check.chars().take(BODY - body.len()).collect();
        format!("{}{body}{check}", self.prefix())
    }

    /// Whether the text is a secret of this kind as far as its form tells.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(self.prefix()).filter(|rest| rest.len() == BODY && rest.is_ascii()) else {
            return false;
        };
        let (body, check) = rest.split_at(RANDOM_BYTES * 8 / 5);
        base32(&checksum(self.prefix(), body)).starts_with(check)
    }
}

/// What is stored of a secret: its SHA-256.
#[must_use]
pub fn hash(secret: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref());
    out
}

fn checksum(prefix: &str, body: &str) -> [u8; CHECK_BYTES] {
    let whole = hash(&format!("{prefix}{body}"));
    [whole[0], whole[1], whole[2], whole[3]]
}

/// Five bits to a character, the first bits first.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut buffer, mut bits) = (String::new(), 0u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_fits_its_kind_and_no_other_and_no_typing_error_passes() {
        let secret = SecretKind::Client.format(&[0xa5; RANDOM_BYTES]);
        assert_eq!(secret.len(), "pct_cs_".len() + BODY);
        assert!(SecretKind::Client.fits(&secret));
        assert!(!SecretKind::Refresh.fits(&secret));
        assert!(!SecretKind::Refresh.fits(&secret.replace("_cs_", "_rt_")));
        for at in 7..secret.len() {
            let mut typed = secret.clone().into_bytes();
            typed[at] = if typed[at] == b'7' { b'8' } else { b'7' };
            assert!(!SecretKind::Client.fits(std::str::from_utf8(&typed).unwrap()), "character {at}");
        }
        for other in ["", "pct_cs_", &secret[1..], &format!("{secret}0"), "pct_cs_ééééééééééééééééééé"]
        {
            assert!(!SecretKind::Client.fits(other), "{other}");
        }
    }

    #[test]
    fn different_bytes_make_different_secrets() {
        let of = |byte| SecretKind::Participation.format(&[byte; RANDOM_BYTES]);
        let all: std::collections::BTreeSet<_> = (0..=u8::MAX).map(of).collect();
        assert_eq!(all.len(), 256);
    }
}
