//! Codes, and what they make of a review.

use serde::Deserialize;
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use crate::{
    auth::{
        PurposeKey,
        secrets::{RANDOM_BYTES, SecretKind},
    },
    ids::ProgramId,
    reviews::model::Verification,
    rules::fault,
    text_enum::text_enum,
    time::Month,
};

text_enum! {
    /// State of a participation code.
    pub enum CodeStatus {
        /// It can be redeemed until it expires.
        Open = "open",
        /// It was redeemed; the row does not say when, nor by whom.
        Redeemed = "redeemed",
        /// It was taken back.
        Revoked = "revoked",
    }
}

/// For so many seconds after its redemption a code gives the same session again, as long as that was not refreshed: the
/// answer may have been lost.
pub const AGAIN: i64 = 600;

/// The key from which the first refresh token of a redemption is computed.
///
/// Whoever has the code, this key and the database finds the session; the database alone joins the two nowhere.
pub struct RedemptionKey(PurposeKey);

impl RedemptionKey {
    /// Derives the key from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self(PurposeKey::derive(secret, "redemption v1"))
    }

    /// The refresh token that redeeming `code` gives: the same one each time.
    #[must_use]
    pub fn refresh_token(&self, code: &str) -> String {
        let tag = self.0.hash(&[code.as_bytes()]);
        let mut random = [0; RANDOM_BYTES];
        random.copy_from_slice(&tag[..RANDOM_BYTES]);
        SecretKind::Refresh.format(&random)
    }
}

/// The participants of one program in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohort {
    /// The program.
    pub program: ProgramId,
    /// First month.
    pub period_start: Month,
    /// Last month.
    pub period_end: Month,
}

text_enum! {
    /// Who says that somebody took part. A provider vouches for its own programs, which is weaker than what others say.
    pub enum Voucher {
        /// A university.
        University = "university",
        /// The program's own provider.
        Provider = "provider",
        /// Whoever runs this service.
        Service = "service",
    }
}

/// That somebody said so, without saying who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    /// In which role.
    pub by: Voucher,
    /// In which month: that in which the cohort was made or the confirmation given.
    pub month: Month,
}

/// What the service knows of an author and a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// A code was redeemed for a cohort of the program whose period overlaps that of the review: the one that says most.
    pub code: Option<Vouched>,
    /// A university confirmed it of a period that overlaps that of the review: when it first did.
    pub confirmed: Option<Month>,
    /// The author's address has the mail domain of one university.
    pub at_university: bool,
}

impl Evidence {
    /// How it is known that the author took part: by the strongest evidence.
    #[must_use]
    pub const fn verification(self) -> Verification {
        if self.code.is_some() {
            Verification::ParticipationCode
        } else if self.confirmed.is_some() {
            Verification::UniversityConfirmed
        } else if self.at_university {
            Verification::UniversityEmail
        } else {
            Verification::None
        }
    }

    /// Who vouches for [`Self::verification`]; nobody does for an address.
    #[must_use]
    pub fn vouched(self) -> Option<Vouched> {
        self.code.or_else(|| self.confirmed.map(|month| Vouched { by: Voucher::University, month }))
    }
}

fn checksum(code: &str) -> Result<(), ValidationError> {
    let sound = SecretKind::Participation.fits(code);
    sound.then_some(()).ok_or_else(|| fault("bad_format", "There is a typing error in the code."))
}

/// A code that is to be redeemed.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RedemptionInput {
    /// The participation code.
    #[schema(
        min_length = 45,
        max_length = 45,
        pattern = "^pct_pc_[0-9a-hjkmnp-tv-z]{38}$",
        example = "pct_pc_000000000000000000000000000000002a93qr"
    )]
    #[validate(custom(function = "checksum"))]
    pub code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_proves_more_than_a_confirmation_and_that_more_than_an_address() {
        use Verification as V;
        let month: Month = "2025-06".parse().unwrap();
        let by_provider = Vouched { by: Voucher::Provider, month };
        let by_university = Vouched { by: Voucher::University, month };
        for (code, confirmed, at_university, expected, vouched) in [
            (true, true, true, V::ParticipationCode, Some(by_provider)),
            (true, false, false, V::ParticipationCode, Some(by_provider)),
            (false, true, true, V::UniversityConfirmed, Some(by_university)),
            (false, true, false, V::UniversityConfirmed, Some(by_university)),
            (false, false, true, V::UniversityEmail, None),
            (false, false, false, V::None, None),
        ] {
            let (code, confirmed) = (code.then_some(by_provider), confirmed.then_some(month));
            let evidence = Evidence { code, confirmed, at_university };
            assert_eq!((evidence.verification(), evidence.vouched()), (expected, vouched));
        }
    }

    #[test]
    fn a_code_gives_one_refresh_token_that_only_the_key_tells() {
        let (key, code) = (RedemptionKey::derive(b"secret"), SecretKind::Participation.format(&[3; RANDOM_BYTES]));
        let token = key.refresh_token(&code);
        assert_eq!(token, key.refresh_token(&code));
        assert!(SecretKind::Refresh.fits(&token));
        assert_ne!(token, RedemptionKey::derive(b"other").refresh_token(&code));
        assert_ne!(token, key.refresh_token(&SecretKind::Participation.format(&[4; RANDOM_BYTES])));
    }

    #[test]
    fn a_typing_error_is_told_from_a_wrong_code() {
        let code = SecretKind::Participation.format(&[0; 20]);
        assert!(RedemptionInput { code: code.clone() }.validate().is_ok());
        let typed = code.replacen('0', "1", 1);
        assert_eq!(
            RedemptionInput { code: typed }.validate().unwrap_err().field_errors()["code"][0].code,
            "bad_format"
        );
        assert!(RedemptionInput { code: SecretKind::Refresh.format(&[0; 20]) }.validate().is_err());
    }
}
