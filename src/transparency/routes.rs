//! The handler of the figures.

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{MONTHS_MAX, percentile, share, shown},
    store::{self, Count, Range},
};
use crate::{
    app::State,
    db::Conn,
    http::{Error, FaultCode, Found, FromParams, Params, Query},
    moderation::SubjectKind,
    text_enum::text_enum,
    time::Month,
};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(read);
}

/// What came in of a kind, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct KindFigures {
    /// The kind of thing.
    pub subject_kind: SubjectKind,
    /// How many came in: programs handed in, triage entries opened, everything else when it was made; null below 3.
    #[schema(format = "int64", minimum = 3, maximum = 9_007_199_254_740_991_i64)]
    pub received: Option<i64>,
    /// How many had their first ruling by a person; null below 3.
    #[schema(format = "int64", minimum = 3, maximum = 9_007_199_254_740_991_i64)]
    pub decided: Option<i64>,
    /// Days from coming in to that ruling: the median; null below 3 rulings.
    #[schema(minimum = 0, maximum = 100_000, example = 4.5)]
    pub median_days: Option<f64>,
    /// The same: 90 of 100 took no longer.
    #[schema(minimum = 0, maximum = 100_000, example = 11.0)]
    pub p90_days: Option<f64>,
    /// Share of all rulings that the automatic checks took; null where a part of it is below 3.
    #[schema(minimum = 0, maximum = 1, example = 0.25)]
    pub automated_share: Option<f64>,
}

/// What came in of appeals, and what became of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppealFigures {
    /// How many came in; null below 3.
    #[schema(format = "int64", minimum = 3, maximum = 9_007_199_254_740_991_i64)]
    pub received: Option<i64>,
    /// How many were upheld; null below 3.
    #[schema(format = "int64", minimum = 3, maximum = 9_007_199_254_740_991_i64)]
    pub upheld: Option<i64>,
    /// How many were denied; null below 3.
    #[schema(format = "int64", minimum = 3, maximum = 9_007_199_254_740_991_i64)]
    pub denied: Option<i64>,
}

text_enum! {
    /// What is known of those who report.
    pub enum ReporterClass {
        /// That they took part in the program, by a participation code.
        VerifiedParticipant = "verified_participant",
        /// Nothing.
        Other = "other",
    }
}

/// What became of reports.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportFigures {
    /// What is known of those who made them.
    pub reporter: ReporterClass,
    /// How many were found true or not; null below 3.
    #[schema(format = "int64", minimum = 3, maximum = 9_007_199_254_740_991_i64)]
    pub decided: Option<i64>,
    /// Share of them that was found true; null where a part of it is below 3.
    #[schema(minimum = 0, maximum = 1, example = 0.75)]
    pub precision: Option<f64>,
}

/// Figures about moderation. Those below 3 are null, because a small count could tell of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Transparency {
    /// The first month.
    pub from: Month,
    /// The last month.
    pub to: Month,
    /// By kind of thing.
    #[schema(max_items = 20)]
    pub kinds: Vec<KindFigures>,
    /// Appeals.
    pub appeals: AppealFigures,
    /// Reports, by what is known of those who made them.
    #[schema(max_items = 2)]
    pub reports: Vec<ReportFigures>,
    /// Share of all rulings that the automatic checks took; null where a part of it is below 3.
    #[schema(minimum = 0, maximum = 1, example = 0.25)]
    pub automated_share: Option<f64>,
}

fn counted(counts: &[Count], of: &str) -> (i64, i64) {
    counts.iter().find(|count| count.of == of).map_or((0, 0), |count| (count.part, count.count))
}

fn gather(conn: &mut Conn, range: Range) -> Result<Transparency, Error> {
    let (waits, rulings, outcomes) =
        (store::waits(conn, range)?, store::rulings(conn, range)?, store::outcomes(conn, range)?);
    let mut kinds = Vec::new();
    for kind in SubjectKind::ALL {
        let of_kind = waits.iter().filter(|wait| wait.kind == kind.as_str());
        let decided = i64::try_from(of_kind.clone().count()).unwrap_or(i64::MAX);
        let waited: Vec<_> = of_kind.filter_map(|wait| wait.waited).collect();
        let (automated, all) = counted(&rulings, kind.as_str());
        kinds.push(KindFigures {
            subject_kind: *kind,
            received: shown(store::received(conn, *kind, range)?),
            decided: shown(decided),
            median_days: percentile(&waited, 50),
            p90_days: percentile(&waited, 90),
            automated_share: share(automated, all),
        });
    }
    let appeals = store::appeals(conn, range)?;
    let reports = ReporterClass::ALL.iter().map(|class| {
        let (found_true, decided) = counted(&outcomes, class.as_str());
        ReportFigures { reporter: *class, decided: shown(decided), precision: share(found_true, decided) }
    });
    let (automated, all) = rulings.iter().fold((0, 0), |(part, all), count| (part + count.part, all + count.count));
    Ok(Transparency {
        from: range.from,
        to: range.to,
        appeals: AppealFigures {
            received: shown(store::received(conn, SubjectKind::Appeal, range)?),
            upheld: shown(appeals.part),
            denied: shown(appeals.count - appeals.part),
        },
        reports: reports.collect(),
        automated_share: share(automated, all),
        kinds,
    })
}

/// The query of the figures.
#[derive(Debug)]
pub struct RangeQuery(Option<Range>);

impl FromParams for RangeQuery {
    fn from_params(params: &mut Params) -> Self {
        let [from, to]: [Option<Month>; 2] = ["from", "to"].map(|name| {
            let Some(text) = params.text(name) else {
                params.fault(name, FaultCode::Required, "A month, such as 2026-01.");
                return None;
            };
            let month = text.parse().ok();
            if month.is_none() {
                params.fault(name, FaultCode::BadFormat, "A month, such as 2026-01.");
            }
            month
        });
        let (Some(from), Some(to)) = (from, to) else { return Self(None) };
        if to < from {
            params.fault("to", FaultCode::RangeReversed, "Not before `from`.");
        } else if to.number() - from.number() >= MONTHS_MAX {
            params.fault("to", FaultCode::TooMany, &format!("At most {MONTHS_MAX} months."));
        }
        Self(Some(Range { from, to }))
    }
}

/// Read figures about moderation
///
/// For the months from `from` to `to`, at most 36: what came in and what was decided, how long it took, what became of
/// appeals, how far the automatic checks decided, and which share of reports was found true. Figures below 3 are null,
/// because a small count could tell of a person.
#[utoipa::path(
    tag = "transparency",
    operation_id = "get_transparency",
    params(
        ("from" = Month, Query, description = "The first month.", example = "2026-01"),
        ("to" = Month, Query, description = "The last month.", example = "2026-06"),
    ),
    responses((status = 200, description = "The figures.", body = Transparency)),
    security(())
)]
#[get("/v1/transparency")]
pub async fn read(
    state: Data<State>,
    Query(RangeQuery(range)): Query<RangeQuery>,
) -> Result<Found<Transparency>, Error> {
    let range = range.ok_or_else(|| Error::internal("a query without a range passed its check"))?;
    let body = state.db.scan(move |conn| gather(conn, range)).await?;
    Ok(Found::computed(body))
}
