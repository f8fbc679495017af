//! What a program looks like on the wire.

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use crate::{
    http::Error,
    ids::{ProgramId, ProviderId},
    programs::{
        detail_store::Detail,
        model::{ProgramInput, ProgramStatus},
    },
    reference::RedFlagKind,
    score::Score,
    time::{Day, Timestamp},
    verdict::{Notice, Verdict},
    vetting::standing_store::Standing,
};

/// The provider of a program.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProviderRef {
    /// Its id.
    pub id: ProviderId,
    /// Its slug.
    #[schema(
        min_length = 3,
        max_length = 80,
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*$",
        example = "himal-health-placements"
    )]
    pub slug: String,
    /// Its name.
    #[schema(max_length = 140, example = "Himal Health Placements")]
    pub name: String,
}

/// The verdict without its reasons, which are at `/v1/programs/{program}/verdict`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VerdictShort {
    /// The conclusion.
    pub verdict: Verdict,
    /// What a reader must know besides.
    #[schema(max_items = 10)]
    pub notices: Vec<Notice>,
}

impl VerdictShort {
    /// The verdict of a program on a day.
    #[must_use]
    pub fn of(standing: &Standing, status: ProgramStatus, today: Day) -> Self {
        Self { verdict: standing.verdict_on(today), notices: standing.notices_on(today, status) }
    }
}

/// Red-flag reports that were found true and are not remediated.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReportCounts {
    /// How many.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub substantiated: i32,
    /// How many of them are critical.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub critical: i32,
    /// What they are about, each kind once.
    #[schema(max_items = 35)]
    pub kinds: Vec<RedFlagKind>,
}

/// What the service says about a program, besides its listing.
#[derive(Debug, Serialize, ToSchema)]
struct Head {
    /// Its id.
    id: ProgramId,
    /// Its state.
    status: ProgramStatus,
    /// Why it is suspended, was handed back or was ended; null otherwise.
    #[schema(max_length = 2000)]
    status_reason: Option<String>,
    /// Who runs it.
    provider: ProviderRef,
    /// How many listings it has had: every edit makes one.
    #[schema(format = "int32", minimum = 1, maximum = 2_147_483_647)]
    listing_version: i32,
    /// What is concluded about it.
    verdict: VerdictShort,
    /// How satisfied participants were.
    score: Score,
    /// Red-flag reports that stand.
    reports: ReportCounts,
    /// Published reviews.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    review_count: i32,
    /// When the draft was made.
    created_at: Timestamp,
    /// When the listing or the status last changed.
    updated_at: Timestamp,
    /// When it first became public; null before.
    listed_at: Option<Timestamp>,
}

/// A program: its listing, and what the service says about it. All members are always present.
#[derive(Debug, Serialize)]
pub struct ProgramBody {
    #[serde(flatten)]
    head: Head,
    #[serde(flatten)]
    listing: ProgramInput,
}

impl ProgramBody {
    /// The wire form of a program.
    pub fn of(detail: Detail, today: Day) -> Result<Self, Error> {
        let listing = detail.input()?;
        let score = detail.score()?;
        let row = detail.row;
        let provider = ProviderRef { id: row.provider_id, slug: detail.provider_slug, name: detail.provider_name };
        let reports = ReportCounts {
            substantiated: row.report_count,
            critical: row.critical_report_count,
            kinds: detail.red_flags,
        };
        let head = Head {
            id: row.id,
            status: row.status,
            status_reason: row.status_reason,
            provider,
            listing_version: row.listing_version,
            verdict: VerdictShort::of(&row.standing, row.status, today),
            score,
            reports,
            review_count: row.review_count,
            created_at: row.created_at,
            updated_at: row.updated_at,
            listed_at: Some(row.listed_at).filter(|at| *at != Timestamp::EPOCH),
        };
        Ok(Self { head, listing })
    }
}

/// One plain object with the members of both parts, so that generated clients get one type and the members of the
/// listing are written once, on the input type.
impl PartialSchema for ProgramBody {
    fn schema() -> RefOr<Schema> {
        let (RefOr::T(Schema::Object(mut object)), RefOr::T(Schema::Object(listing))) =
            (Head::schema(), ProgramInput::schema())
        else {
            return Head::schema();
        };
        object.description =
            Some("A program: its listing, and what the service says about it. All members are always present.".into());
        object.properties.extend(listing.properties);
        if let Some(RefOr::T(Schema::Object(slug))) = object.properties.get_mut("slug") {
            slug.schema_type = SchemaType::new(Type::String);
            slug.description = Some("Readable name in URLs.".into());
        }
        object.required = object.properties.keys().cloned().collect();
        RefOr::T(Schema::Object(object))
    }
}

impl ToSchema for ProgramBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Head::schemas(schemas);
        ProgramInput::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_schema_is_one_object_with_every_member() {
        let schema = serde_json::to_value(ProgramBody::schema()).unwrap();
        assert_eq!(schema["type"], "object");
        assert_eq!(schema["properties"]["slug"]["type"], "string");
        let members = schema["properties"].as_object().unwrap();
        for name in ["id", "status", "score", "title", "places", "support", "website"] {
            assert!(members.contains_key(name), "{name}");
        }
        assert_eq!(schema["required"].as_array().unwrap().len(), members.len());
        let mut parts = Vec::new();
        ProgramBody::schemas(&mut parts);
        for name in ["ProviderRef", "Score", "Place", "Supervision"] {
            assert!(parts.iter().any(|(known, _)| known == name), "{name}");
        }
    }

    #[test]
    fn a_suspension_is_a_notice() {
        let today = "2025-03-01".parse().unwrap();
        let short = |status| serde_json::to_value(VerdictShort::of(&Standing::unknown(), status, today)).unwrap();
        assert_eq!(short(ProgramStatus::Listed)["notices"], Value::Array(Vec::new()));
        assert_eq!(short(ProgramStatus::Suspended)["notices"], serde_json::json!(["suspended"]));
    }
}
