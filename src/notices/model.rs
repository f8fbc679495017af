//! Who gets notices, of what, and what stands in them.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    auth::{Caller, PurposeKey},
    ids::{DecisionId, PrincipalId, ProviderId},
    moderation::{Act, OwnAct, SubjectKind},
    sign_in::model::{Address, CODE_LIFETIME, address, canonical},
    text_enum::text_enum,
    time::Timestamp,
};

/// Seconds between attempts to send one letter. The first must be longer than an attempt can take.
const PAUSES: [i64; 6] = [60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600];

/// Seconds until a letter is due again when it is tried now and was tried `attempts` times before; `None` when it has
/// been tried often enough. The last attempt has a pause too: it is the time that the attempt may take.
#[must_use]
pub fn pause(attempts: i32) -> Option<i64> {
    let attempts = usize::try_from(attempts).ok()?;
    if attempts == PAUSES.len() { Some(PAUSES[0]) } else { PAUSES.get(attempts).copied() }
}

text_enum! {
    /// Whose notices they are.
    pub enum RecipientKind {
        /// A participant's.
        Participant = "participant",
        /// A provider's.
        Provider = "provider",
    }
}

/// Whom a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// A participant.
    Participant(PrincipalId),
    /// A provider.
    Provider(ProviderId),
}

impl Recipient {
    /// Of which kind.
    #[must_use]
    pub const fn kind(&self) -> RecipientKind {
        match self {
            Self::Participant(_) => RecipientKind::Participant,
            Self::Provider(_) => RecipientKind::Provider,
        }
    }

    /// The id's bytes, as they are stored.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Participant(id) => id.as_uuid().as_bytes().to_vec(),
            Self::Provider(id) => id.as_uuid().as_bytes().to_vec(),
        }
    }
}

text_enum! {
    /// What happened.
    pub enum NoticeKind {
        /// Somebody ruled on something of the recipient's.
        Decision = "decision",
        /// The other side answered.
        Reply = "reply",
        /// A moderator asks the reporter.
        NeedsInfo = "needs_info",
        /// A moderator asks the provider about a report.
        AnswerRequest = "answer_request",
    }
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The kind of thing.
    pub kind: SubjectKind,
    /// Its id.
    pub id: Uuid,
}

impl About {
    /// A thing with its id.
    #[must_use]
    pub const fn new(kind: SubjectKind, id: &Uuid) -> Self {
        Self { kind, id: *id }
    }
}

/// A decision, as far as it matters who is told of it.
#[derive(Debug, Clone, Copy)]
pub struct Decided<'a> {
    /// Its id, which becomes that of the notice.
    pub id: DecisionId,
    /// Who decided; `None` for the service.
    pub by: Option<Caller>,
    /// What was done.
    pub action: &'a str,
    /// The state before; empty where the act made the thing.
    pub from: &'a str,
    /// The state after.
    pub to: &'a str,
    /// When.
    pub at: Timestamp,
}

impl<'a> From<&Act<'a>> for Decided<'a> {
    fn from(act: &Act<'a>) -> Self {
        Self { id: act.id, by: Some(act.by), action: act.action, from: act.from, to: act.to, at: act.at }
    }
}

impl<'a> From<&OwnAct<'a>> for Decided<'a> {
    fn from(act: &OwnAct<'a>) -> Self {
        Self { id: act.id, by: None, action: act.action, from: act.from, to: act.to, at: act.at }
    }
}

/// A notice without its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct What {
    /// Whose it is.
    pub to: RecipientKind,
    /// The recipient's id.
    pub owner: Uuid,
    /// What happened.
    pub kind: NoticeKind,
    /// To what.
    pub about: About,
}

/// The line above a letter, and its text: what happened in one sentence, where to read it, and how to get no more.
#[must_use]
pub fn letter(what: &What, base: &str) -> (&'static str, String) {
    use NoticeKind as N;
    use SubjectKind as S;

    let provider = what.to == RecipientKind::Provider;
    let (subject, sentence) = match (what.kind, what.about.kind) {
        (N::Decision, S::Review) => ("A decision about your review", "A decision was taken about your review."),
        (N::Decision, S::ReviewReply) => {
            ("A decision about your reply", "A decision was taken about your reply to a review.")
        }
        (N::Decision, S::ReviewAnswer) => {
            ("A decision about your answer", "A decision was taken about your answer to the reply to your review.")
        }
        (N::Decision, S::RedFlagReport) if provider => {
            ("A decision about a report", "A decision was taken about a red-flag report about which you were asked.")
        }
        (N::Decision, S::RedFlagReport) => {
            ("A decision about your report", "A decision was taken about your red-flag report.")
        }
        (N::Decision, S::Program) => ("A decision about your program", "A decision was taken about your program."),
        (N::Decision, S::Appeal) => ("A decision about your appeal", "A decision was taken about your appeal."),
        (N::Decision, _) => ("A decision", "A decision was taken about something of yours."),
        (N::Reply, _) if provider => {
            ("An answer to your reply", "The author of a review has answered your reply to it.")
        }
        (N::Reply, _) => ("A reply to your review", "The provider has replied to your review."),
        (N::NeedsInfo, _) => {
            ("A question about your report", "A moderator asks for more information about your red-flag report.")
        }
        (N::AnswerRequest, _) => {
            ("A question about a program of yours", "You are asked to answer to a red-flag report, within 14 days.")
        }
    };
    let end = if provider { format!("/v1/providers/{}/notices", what.owner) } else { "/v1/me/notices".to_owned() };
    let text = format!(
        "{sentence}\n\nYou can read it, signed in, at\n\n    {base}{}\n\nThis address was given for notices. To end them and erase \
         the address:\n\n    DELETE {base}{end}\n\nNobody reads answers to this letter.\n",
        path(what)
    );
    (subject, text)
}

/// Where the recipient reads of it.
fn path(What { to, about: About { kind, id }, .. }: &What) -> String {
    match (kind, to) {
        (SubjectKind::Review, _) => format!("/v1/reviews/{id}"),
        (SubjectKind::ReviewReply | SubjectKind::ReviewAnswer, _) => format!("/v1/reviews/{id}/reply"),
        (SubjectKind::RedFlagReport, RecipientKind::Provider) => "/v1/providers/me/red-flag-reports".to_owned(),
        (SubjectKind::RedFlagReport, RecipientKind::Participant) => format!("/v1/red-flag-reports/{id}"),
        (SubjectKind::Program, _) => format!("/v1/programs/{id}"),
        (SubjectKind::Assessment, _) => format!("/v1/assessments/{id}"),
        (SubjectKind::Appeal, _) => format!("/v1/appeals/{id}"),
        (SubjectKind::TriageEntry, _) => "/v1".to_owned(),
    }
}

/// The line above the letter with the code.
pub const CODE_SUBJECT: &str = "Confirm this address for notices";

/// The text of the letter with the code.
#[must_use]
pub fn code_letter(code: &str) -> String {
    let (first, second) = code.split_at(code.len() / 2);
    format!(
        "Somebody gave this address to get notices from Preceptor. The code that confirms it:\n\n    {first}-{second}\n\n\
         It holds for {} minutes and can be used once.\nIf it was not you, you need not do anything: without the code \
         nothing is sent here.\n",
        CODE_LIFETIME / 60
    )
}

/// The keys under which addresses for notices and their codes are stored; none of them is one of sign-in, so that
/// nothing tells whose address is whose, and no code for notices opens a session.
pub struct NoticeKeys {
    hash: PurposeKey,
    seal: PurposeKey,
    code: PurposeKey,
}

/// Never the keys.
impl fmt::Debug for NoticeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoticeKeys")
    }
}

impl NoticeKeys {
    /// Derives the keys from the service's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        Self {
            hash: PurposeKey::derive(secret, "notice address hash v1"),
            seal: PurposeKey::derive(secret, "notice address v1"),
            code: PurposeKey::derive(secret, "notice code v1"),
        }
    }

    /// Under what codes for an address are counted: the same for every spelling of one mailbox.
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

    /// What is stored of a code: it holds for one address, as it was typed, of one recipient.
    #[must_use]
    pub fn code_hash(&self, to: &Recipient, address: &str, code: &str) -> [u8; 32] {
        self.code.hash(&[&to.bytes(), address.as_bytes(), canonical(code).as_bytes()])
    }
}

/// An address of which nobody learns more than its owner needs to know it again: the first letter and the domain.
#[must_use]
pub fn masked(address: &str) -> String {
    let (local, domain) = address.split_once('@').unwrap_or((address, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}

text_enum! {
    /// Whether notices are sent.
    pub enum NoticeStatus {
        /// No address was given.
        None = "none",
        /// The code that was sent has not come back: nothing else is sent.
        Unconfirmed = "unconfirmed",
        /// Notices are sent.
        Confirmed = "confirmed",
    }
}

/// Where notices are to go.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NoticeAddressInput {
    /// The address. Letters beyond ASCII in the domain are typed in their `xn--` form.
    #[schema(
        min_length = 3,
        max_length = 254,
        pattern = "^[!-?A-~]+@[A-Za-z0-9.-]+$",
        example = "student@example.edu"
    )]
    #[validate(custom(function = "address"))]
    pub address: String,
}

/// The code that was sent.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct NoticeCodeInput {
    /// The code; capitals, blanks and hyphens make no difference.
    #[schema(min_length = 8, max_length = 20, pattern = "^[0-9A-Za-z -]+$", example = "0000-0000")]
    pub code: String,
}

/// Where notices go.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoticeAddress {
    /// Whether they are sent.
    pub status: NoticeStatus,
    /// The address's first letter and its domain; null without one.
    #[schema(max_length = 260, example = "s***@example.edu")]
    pub address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_tried_seven_times_within_a_day() {
        let pauses: Vec<_> = (0..).map_while(pause).collect();
        assert_eq!(pauses, [60, 300, 1800, 7200, 18_000, 36_000, 60]);
        assert_eq!(pause(7), None);
    }

    #[test]
    fn a_letter_says_where_to_read_and_how_to_end_it_and_nothing_else() {
        let id = Uuid::from_u128(7);
        for kind in NoticeKind::ALL {
            for about in SubjectKind::ALL {
                for to in RecipientKind::ALL {
                    let what = What { to: *to, owner: Uuid::from_u128(8), kind: *kind, about: About::new(*about, &id) };
                    let (subject, text) = letter(&what, "https://vet.example");
                    assert!(subject.len() < 60 && !subject.is_empty());
                    assert!(text.contains("https://vet.example/v1") && text.contains("DELETE "), "{text}");
                }
            }
        }
        // What a provider was asked about, it finds in its list: the letter does not name the report.
        let asked = About::new(SubjectKind::RedFlagReport, &id);
        let to = RecipientKind::Provider;
        let what = What { to, owner: Uuid::from_u128(8), kind: NoticeKind::AnswerRequest, about: asked };
        assert!(!letter(&what, "").1.contains(&id.to_string()));
    }

    #[test]
    fn an_address_is_shown_masked() {
        assert_eq!(masked("mira.okafor+walk@mail.example.edu"), "m***@mail.example.edu");
    }

    #[test]
    fn a_code_holds_for_one_recipient_and_one_spelling() {
        let keys = NoticeKeys::derive(b"secret");
        let of = |n: u8| Recipient::Participant(PrincipalId::new_v4([n; 16]));
        let one = keys.code_hash(&of(1), "a@example.edu", "0000-0000");
        assert_eq!(one, keys.code_hash(&of(1), "a@example.edu", "oooo0000"));
        assert_ne!(one, keys.code_hash(&of(2), "a@example.edu", "0000-0000"));
        assert_ne!(one, keys.code_hash(&of(1), "a+b@example.edu", "0000-0000"));
    }
}
