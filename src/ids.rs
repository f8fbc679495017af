//! Identifiers: one type per kind of thing, so that a review's id can never be passed where a
//! program's is meant.
//!
//! Each is a UUID, stored as 16 bytes (`BLOB` / `BYTEA`) and written as the canonical lower-case
//! hyphenated text. Only that form is read: a second spelling of one id would be a second URL of
//! one thing. Reviews and reports use random version 4, so that an id carries no time; everything
//! else uses version 7.

use uuid::Uuid;

use crate::time::Timestamp;

/// The text is not a UUID in canonical form (36 characters, lower case, hyphens).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID in canonical form")]
pub struct InvalidId;

fn parse_canonical(text: &str) -> Result<Uuid, InvalidId> {
    let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if !canonical {
        return Err(InvalidId);
    }
    Uuid::try_parse(text).map_err(|_| InvalidId)
}

/// Declares an id type: `id_type! { /// doc  pub struct Name; "Description for the API document."
/// }`.
macro_rules! id_type {
    ($(#[$meta:meta])* $vis:vis struct $name:ident; $description:literal) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            ::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = ::diesel::sql_types::Binary)]
        $vis struct $name(::uuid::Uuid);

        impl $name {
            /// Wraps a UUID of any version.
            #[must_use]
            pub const fn from_uuid(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID inside.
            #[must_use]
            pub const fn as_uuid(&self) -> &::uuid::Uuid {
                &self.0
            }

            /// A random id (version 4) from 16 random bytes; carries no time.
            #[must_use]
            pub const fn new_v4(random: [u8; 16]) -> Self {
                Self(::uuid::Builder::from_random_bytes(random).into_uuid())
            }

            /// A time-ordered id (version 7) from a moment and 10 random bytes. Moments before 1970
            /// count as 1970.
            #[must_use]
            pub fn new_v7(at: $crate::time::Timestamp, random: [u8; 10]) -> Self {
                let millis = $crate::ids::unix_millis(at);
                Self(::uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0.hyphenated(), f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ids::InvalidId;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                $crate::ids::parse_canonical(text).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::schema::Schema> {
                use ::utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::Custom("uuid".to_owned())))
                    .max_length(Some(36))
                    .description(Some($description))
                    .into()
            }
        }

        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }
        }

        impl<DB> ::diesel::serialize::ToSql<::diesel::sql_types::Binary, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            [u8]: ::diesel::serialize::ToSql<::diesel::sql_types::Binary, DB>,
        {
            fn to_sql<'b>(
                &'b self,
                out: &mut ::diesel::serialize::Output<'b, '_, DB>,
            ) -> ::diesel::serialize::Result {
                <[u8] as ::diesel::serialize::ToSql<::diesel::sql_types::Binary, DB>>::to_sql(
                    self.0.as_bytes().as_slice(),
                    out,
                )
            }
        }

        impl<DB> ::diesel::deserialize::FromSql<::diesel::sql_types::Binary, DB> for $name
        where
            DB: ::diesel::backend::Backend,
            Vec<u8>: ::diesel::deserialize::FromSql<::diesel::sql_types::Binary, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> ::diesel::deserialize::Result<Self> {
                let bytes = <Vec<u8> as ::diesel::deserialize::FromSql<::diesel::sql_types::Binary, DB>>::from_sql(bytes)?;
                Ok(Self(::uuid::Uuid::from_slice(&bytes)?))
            }
        }
    };
}

id_type! {
    /// A principal: anyone or anything that can hold a token.
    pub struct PrincipalId; "Identifier of a principal."
}
id_type! {
    /// A provider: the organisation that runs programs.
    pub struct ProviderId; "Identifier of a provider."
}
id_type! {
    /// A program: one listing.
    pub struct ProgramId; "Identifier of a program."
}
id_type! {
    /// A review; random, so that it carries no time.
    pub struct ReviewId; "Identifier of a review. Random: it carries no time."
}
id_type! {
    /// A flag on a review; random, so that it carries no time.
    pub struct ReviewFlagId; "Identifier of a flag. Random: it carries no time."
}
id_type! {
    /// What moderators look at when a review is flagged; random, so that it carries no time.
    pub struct ReviewCaseId; "Identifier of a case. Random: it carries no time."
}
id_type! {
    /// A red-flag report; random, so that it carries no time.
    pub struct ReportId; "Identifier of a red-flag report. Random: it carries no time."
}
id_type! {
    /// A decision: one act that changed a state, with its reasons.
    pub struct DecisionId; "Identifier of a decision."
}
id_type! {
    /// A notice: a letter that is to be sent.
    pub struct NoticeId; "Identifier of a notice."
}
id_type! {
    /// An appeal; random, so that it carries no time.
    pub struct AppealId; "Identifier of an appeal. Random: it carries no time."
}
id_type! {
    /// An OAuth 2 client.
    pub struct ClientId; "Identifier of a client: its `client_id`."
}
id_type! {
    /// A secret of a client.
    pub struct SecretId; "Identifier of a client's secret; not the secret."
}
id_type! {
    /// A session: what a sign-in opens.
    pub struct SessionId; "Identifier of a session."
}
id_type! {
    /// A cohort: the participants of one program in one period.
    pub struct CohortId; "Identifier of a cohort."
}
id_type! {
    /// What a participant asks a university to confirm; random, so that it carries no time.
    pub struct ConfirmationId; "Identifier of a request for confirmation. Random: it carries no time."
}
id_type! {
    /// A link of a moderator or assessor to a provider or university.
    pub struct ConflictId; "Identifier of a conflict of interest."
}
id_type! {
    /// An assessment: all criteria of one program at one time.
    pub struct AssessmentId; "Identifier of an assessment."
}
id_type! {
    /// A piece of evidence for or against a criterion.
    pub struct EvidenceId; "Identifier of a piece of evidence."
}
id_type! {
    /// Something that waits for a moderator: the id of the thing itself, whatever its kind.
    pub struct QueueItemId; "Identifier of what waits for a moderator."
}
id_type! {
    /// What moderators do about one kind of critical signal on one program.
    pub struct TriageEntryId; "Identifier of a triage entry."
}
id_type! {
    /// A university.
    pub struct UniversityId; "Identifier of a university."
}

/// Milliseconds since 1970 for a version 7 id; 0 for earlier moments.
fn unix_millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_micros() / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0195f8a0-1c2d-7abc-8def-0123456789ab";

    #[test]
    fn only_the_canonical_form_is_read() {
        assert_eq!(TEXT.parse::<ProgramId>().unwrap().to_string(), TEXT);
        let simple = TEXT.replace('-', "");
        for other in [
            TEXT.to_uppercase(),
            simple,
            format!("{{{TEXT}}}"),
            format!("urn:uuid:{TEXT}"),
            format!(" {TEXT}"),
            String::new(),
        ] {
            assert_eq!(other.parse::<ProgramId>(), Err(InvalidId), "{other}");
            assert!(serde_json::from_value::<ProgramId>(serde_json::Value::from(other)).is_err());
        }
    }

    #[test]
    fn json_form_survives_a_round_trip() {
        let id: ReviewId = TEXT.parse().unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<ReviewId>(&json).unwrap(), id);
    }

    #[test]
    fn version_7_ids_sort_by_time_and_version_4_ids_carry_none() {
        let early = Timestamp::from_micros(1_700_000_000_000_000).unwrap();
        let late = Timestamp::from_micros(1_700_000_000_001_000).unwrap();
        assert!(DecisionId::new_v7(early, [255; 10]) < DecisionId::new_v7(late, [0; 10]));
        assert_eq!(DecisionId::new_v7(early, [7; 10]).as_uuid().get_version_num(), 7);
        assert_eq!(ReviewId::new_v4([7; 16]).as_uuid().get_version_num(), 4);
        assert_eq!(ReviewId::new_v4([7; 16]).as_uuid().get_timestamp(), None);
    }

    #[test]
    fn the_database_form_is_16_bytes() {
        use diesel::prelude::*;
        let id: UniversityId = TEXT.parse().unwrap();
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let bytes: Vec<u8> = diesel::select(id.into_sql::<diesel::sql_types::Binary>()).get_result(&mut conn).unwrap();
        assert_eq!(bytes, id.as_uuid().as_bytes());
        let back: UniversityId =
            diesel::select(id.into_sql::<diesel::sql_types::Binary>()).get_result(&mut conn).unwrap();
        assert_eq!(back, id);
        let short: QueryResult<UniversityId> =
            diesel::select(vec![1u8, 2].into_sql::<diesel::sql_types::Binary>()).get_result(&mut conn);
        assert!(short.is_err());
    }
}
