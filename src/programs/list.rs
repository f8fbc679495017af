//! The list of programs and its facets.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{get, web::Data};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    compare::compare_programs,
    list_query::{ListQuery, ProgramFilter, ProgramSort},
    list_store::{self, Counts, ListedProgram},
    model::TermKind,
    routes::ProviderRef,
};
use crate::{
    app::State,
    db::Conn,
    http::{Error, Found, Page, Query},
    ids::ProgramId,
    page_type,
    reference::{Specialty, TrainingLevel},
    text_enum::text_enum,
    time::{Day, Timestamp},
    verdict::{Notice, Verdict},
};

/// Registers the routes of lists; they stand before the addresses of single programs.
pub fn configure_lists(config: &mut ServiceConfig) {
    config.service(list_programs).service(get_program_facets).service(compare_programs);
}

/// All fees of a program together.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeeTotal {
    /// ISO 4217 code.
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: String,
    /// The sum in minor units of the currency: 125000 is 1250.00 EUR.
    #[schema(format = "int64", minimum = 0, maximum = 20_000_000_000_i64, example = 125_000)]
    pub total_minor: i64,
}

/// A program as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProgramSummary {
    /// Its id.
    pub id: ProgramId,
    /// Its readable name in URLs.
    #[schema(min_length = 3, max_length = 80, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "observation-kathmandu")]
    pub slug: String,
    /// Its name.
    #[schema(max_length = 140, example = "Observation in internal medicine, Kathmandu")]
    pub title: String,
    /// The program in a few sentences.
    #[schema(max_length = 300)]
    pub summary: String,
    /// Who runs it.
    pub provider: ProviderRef,
    /// ISO 3166-1 alpha-2 codes of the countries of its places and host sites.
    #[schema(max_items = 40, min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$")]
    pub countries: Vec<String>,
    /// What it is about.
    #[schema(max_items = 10)]
    pub specialties: Vec<Specialty>,
    /// Training levels accepted.
    #[schema(max_items = 5)]
    pub training_levels: Vec<TrainingLevel>,
    /// Shortest stay, in weeks.
    #[schema(format = "int32", minimum = 1, maximum = 104)]
    pub weeks_min: i32,
    /// Longest stay, in weeks.
    #[schema(format = "int32", minimum = 1, maximum = 104)]
    pub weeks_max: i32,
    /// All fees together; null without fees, and when they are in several currencies.
    pub fee: Option<FeeTotal>,
    /// Youngest age accepted, in years.
    #[schema(format = "int32", minimum = 14, maximum = 99)]
    pub minimum_age: i32,
    /// What is concluded about it.
    pub verdict: Verdict,
    /// What a reader must know besides.
    #[schema(max_items = 10)]
    pub notices: Vec<Notice>,
    /// Overall score, 1 to 5; null below three reviews.
    #[schema(minimum = 1, maximum = 5, example = 4.1)]
    pub score: Option<f64>,
    /// Published reviews.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub review_count: i32,
    /// Published reviews whose author was verified.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub verified_review_count: i32,
    /// Red-flag reports that were found true and are not remediated.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub report_count: i32,
    /// How many of those are critical.
    #[schema(format = "int32", minimum = 0, maximum = 2_147_483_647)]
    pub critical_report_count: i32,
    /// When it first became public.
    pub listed_at: Timestamp,
}

impl ProgramSummary {
    /// The wire form, on a day, of a row and what belongs to it.
    #[must_use]
    pub fn of(listed: ListedProgram, today: Day) -> Self {
        let countries = listed.terms(TermKind::Country);
        let specialties = listed.terms(TermKind::Specialty);
        let training_levels = listed.terms(TermKind::TrainingLevel);
        let ListedProgram { row, provider: (id, slug, name), .. } = listed;
        let fee = FeeTotal { currency: row.fee_currency, total_minor: row.fee_total_minor };
        Self {
            id: row.id,
            slug: row.slug,
            title: row.title,
            summary: row.summary,
            provider: ProviderRef { id, slug, name },
            countries,
            specialties,
            training_levels,
            weeks_min: row.weeks_min,
            weeks_max: row.weeks_max,
            fee: Some(fee).filter(|fee| !fee.currency.is_empty()),
            minimum_age: row.minimum_age,
            verdict: row.standing.verdict_on(today),
            notices: row.standing.notices_on(today, row.status),
            score: (row.score_key > 0).then(|| f64::from(row.score_key) / 10_000.0),
            review_count: row.review_count,
            verified_review_count: row.verified_review_count,
            report_count: row.report_count,
            critical_report_count: row.critical_report_count,
            listed_at: row.listed_at,
        }
    }
}

page_type! {
    /// A page of programs.
    ProgramPage of ProgramSummary
}

/// List programs
///
/// Listed programs that fulfil every condition given. A program without a score counts as the lowest one.
#[utoipa::path(
    tag = "programs",
    operation_id = "list_programs",
    params(
        ProgramFilter,
        ("sort" = inline(Option<ProgramSort>), Query, description = "The order: a key, with a minus sign for the highest \
            or newest first. `-score` when absent. `fee` needs `fee_currency`.", example = "-score"),
        ("limit" = Option<i32>, Query, description = "Items on a page; 20 when absent.", minimum = 1, maximum = 100,
            example = 20),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.", max_length = 1000,
            pattern = "^[A-Za-z0-9_-]+$")
    ),
    responses((status = 200, description = "A page of programs.", body = ProgramPage)),
    security(())
)]
#[get("/v1/programs")]
pub async fn list_programs(state: Data<State>, query: Query<ListQuery>) -> Result<Page<ProgramPage>, Error> {
    let Query(ListQuery { filter, sort, paging }) = query;
    let after = paging.position(&state.cursors)?;
    let (most, today) = (paging.fetch(), state.now().day());
    let simple = filter.is_simple();
    let known = Arc::clone(&state.frequencies);
    let list = move |conn: &mut Conn| list_store::page(conn, &filter, &known, today, (sort, after.as_ref(), most));
    // Conditions that have no index together may take many rows to fill a page.
    let rows = if simple { state.db.read(list).await? } else { state.db.scan(list).await? };
    let slice = paging.page(rows, &state.cursors, |listed| list_store::position(sort, &listed.row));
    Ok(ProgramPage::answer(slice, |listed| ProgramSummary::of(listed, today)))
}

text_enum! {
    /// What a facet counts by.
    pub enum FacetName {
        /// Countries.
        Country = "country",
        /// Specialties.
        Specialty = "specialty",
        /// Kinds of work.
        Track = "track",
        /// Training levels accepted.
        TrainingLevel = "training_level",
        /// Languages required.
        Language = "language",
        /// Months of start.
        StartMonth = "start_month",
        /// Kinds of red flag with a substantiated report.
        RedFlag = "red_flag",
        /// Verdicts.
        Verdict = "verdict",
    }
}

/// Most values of one facet.
const FACET_VALUES: usize = 250;

/// How many programs have one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FacetValue {
    /// The value, as the filter of the same name takes it.
    #[schema(max_length = 100, example = "NP")]
    pub value: String,
    /// How many of the programs have it.
    #[schema(format = "int64", minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 12)]
    pub count: i64,
}

/// How many programs have each value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Facet {
    /// What is counted by.
    pub name: FacetName,
    /// The values that occur, most frequent first, then by value; the first 250 of them.
    #[schema(max_items = 250)]
    pub values: Vec<FacetValue>,
}

/// Counts over the programs that match.
#[derive(Debug, Serialize, ToSchema)]
pub struct Facets {
    /// One entry for each facet, in fixed order.
    #[schema(min_items = 8, max_items = 8)]
    pub facets: Vec<Facet>,
    /// How many programs match.
    #[schema(format = "int64", minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 120)]
    pub total: i64,
}

impl Facets {
    fn of(counts: Counts) -> Self {
        let total = counts.verdicts.iter().map(|(_, count)| count).sum();
        let mut by_name: BTreeMap<FacetName, Vec<FacetValue>> =
            FacetName::ALL.iter().map(|name| (*name, Vec::new())).collect();
        let verdicts = counts
            .verdicts
            .into_iter()
            .map(|(verdict, count)| (FacetName::Verdict, FacetValue { value: verdict.as_str().to_owned(), count }));
        let terms = counts.terms.into_iter().filter_map(|(kind, term, count)| {
            let value = match kind {
                TermKind::StartMonth => term.trim_start_matches('0').to_owned(),
                _ => term,
            };
            // The facets of terms are named as their kinds are.
            Some((kind.as_str().parse().ok()?, FacetValue { value, count }))
        });
        for (name, value) in verdicts.chain(terms) {
            by_name.entry(name).or_default().push(value);
        }
        let facets = by_name.into_iter().map(|(name, mut values)| {
            // Months as numbers: "10" comes after "9".
            values.sort_by_cached_key(|value| {
                (std::cmp::Reverse(value.count), value.value.parse::<i32>().ok(), value.value.clone())
            });
            values.truncate(FACET_VALUES);
            Facet { name, values }
        });
        Self { facets: facets.collect(), total }
    }
}

/// Count programs by value
///
/// How many of the programs that fulfil every condition given have each country, specialty, track, training level,
/// language, month of start, kind of substantiated red flag and verdict.
#[utoipa::path(
    tag = "programs",
    operation_id = "get_program_facets",
    params(ProgramFilter),
    responses((status = 200, description = "The counts.", body = Facets)),
    security(())
)]
#[get("/v1/programs/facets")]
pub async fn get_program_facets(state: Data<State>, filter: Query<ProgramFilter>) -> Result<Found<Facets>, Error> {
    let known = Arc::clone(&state.frequencies);
    let today = state.now().day();
    let counts = state.db.scan(move |conn| list_store::counts(conn, &filter.0, &known, today)).await?;
    Ok(Found::computed(Facets::of(counts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facets_are_complete_and_their_values_in_order() {
        let month = |term: &str, count| (TermKind::StartMonth, term.to_owned(), count);
        let counts = Counts {
            terms: vec![
                month("10", 3),
                month("09", 3),
                month("01", 5),
                (TermKind::CountrySpecialty, "NP surgery".to_owned(), 3),
            ],
            verdicts: vec![(Verdict::NotRecommended, 1), (Verdict::InsufficientEvidence, 4)],
        };
        let Facets { facets, total } = Facets::of(counts);
        assert_eq!(total, 5);
        assert!(facets.iter().map(|facet| facet.name).eq(FacetName::ALL.iter().copied()));
        let values = |name| -> Vec<(&str, i64)> {
            let facet = facets.iter().find(|facet| facet.name == name).unwrap();
            facet.values.iter().map(|value| (value.value.as_str(), value.count)).collect()
        };
        assert_eq!(values(FacetName::StartMonth), [("1", 5), ("9", 3), ("10", 3)]);
        assert_eq!(values(FacetName::Verdict), [("insufficient_evidence", 4), ("not_recommended", 1)]);
        assert!(values(FacetName::Country).is_empty());
    }
}
