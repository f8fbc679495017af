//! What a list of programs can be asked for: filters and sorts, read from query parameters.

use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{Array, ArrayBuilder, ObjectBuilder, Ref, Type},
    },
};

use super::{
    model::{TermKind, country_specialty},
    store::{Key, ProgramKey},
};
use crate::{
    http::{FaultCode, FromParams, Paging, Params},
    ids::ProviderId,
    reference::{RedFlagKind, Specialty, Track, TrainingLevel, is_country, is_currency},
    search_text::{fold, query_tokens},
    text_enum::text_enum,
    verdict::Verdict,
};

/// Most values of a filter that takes several.
const VALUES: usize = 10;
/// How many programs can be compared at once.
pub const COMPARED: std::ops::RangeInclusive<usize> = 2..=5;

/// Which programs are meant: those that fulfil every condition given. Of several values of one
/// condition one is enough; none at all is no condition. The fields are the query parameters.
#[derive(Debug, Clone, Default, PartialEq, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProgramFilter {
    /// Takes place in one of these countries (ISO 3166-1 alpha-2), separated by commas.
    #[param(value_type = Countries, inline, required = false, style = Form, explode = false, example = json!(["NP", "KE"]))]
    pub country: Vec<String>,
    /// Takes place in this town; case and diacritics do not matter.
    #[param(
        value_type = String, required = false, min_length = 1, max_length = 80,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u0020\\u007F-\\u00A0][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example = "Kathmandu"
    )]
    pub city: Option<String>,
    /// Is about one of these specialties, separated by commas.
    #[param(value_type = Specialties, inline, required = false, style = Form, explode = false, example = json!(["surgery"]))]
    pub specialty: Vec<Specialty>,
    /// Consists of one of these kinds of work, separated by commas.
    #[param(value_type = Tracks, inline, required = false, style = Form, explode = false)]
    pub track: Vec<Track>,
    /// Accepts one of these training levels, separated by commas.
    #[param(value_type = TrainingLevels, inline, required = false, style = Form, explode = false)]
    pub training_level: Vec<TrainingLevel>,
    /// Requires one of these languages, separated by commas: BCP 47 without script and region.
    #[param(value_type = Languages, inline, required = false, style = Form, explode = false, example = json!(["es", "pt"]))]
    pub language: Vec<String>,
    /// Can be started in one of these months, separated by commas; 1 is January.
    #[param(value_type = Months, inline, required = false, style = Form, explode = false, example = json!([7, 8]))]
    pub start_month: Vec<i32>,
    /// Can be done in this many weeks.
    #[param(value_type = i32, required = false, minimum = 1, maximum = 104, example = 6)]
    pub weeks: Option<i32>,
    /// All its fees are in this currency (ISO 4217).
    #[param(
        value_type = String, required = false, min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$",
        example = "EUR"
    )]
    pub fee_currency: Option<String>,
    /// All its fees together are at most this much, in minor units of `fee_currency`, which must be given too.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 20_000_000_000_i64, example = 250_000)]
    pub fee_max_minor: Option<i64>,
    /// Has this verdict.
    #[param(value_type = Verdict, required = false)]
    pub verdict: Option<Verdict>,
    /// Has at least this overall score.
    #[param(value_type = f64, required = false, minimum = 1, maximum = 5, example = 3.5)]
    pub min_score: Option<f64>,
    /// Has at least this many published reviews.
    #[param(value_type = i32, required = false, minimum = 0, maximum = 1_000_000, example = 3)]
    pub min_reviews: Option<i32>,
    /// With `true`: has a review whose author was verified.
    #[param(value_type = bool, required = false)]
    pub verified_reviews: bool,
    /// Is run by this provider: its id or slug.
    #[param(
        value_type = String, required = false, min_length = 3, max_length = 80, pattern = "^[a-z0-9-]+$",
        example = "himal-health-placements"
    )]
    pub provider: Option<Key<ProviderId>>,
    /// Has no substantiated report of these kinds, separated by commas.
    #[param(value_type = RedFlagKinds, inline, required = false, style = Form, explode = false)]
    pub without_red_flag: Vec<RedFlagKind>,
    /// Accepts applicants of this age, in years.
    #[param(value_type = i32, required = false, minimum = 14, maximum = 99, example = 18)]
    pub minimum_age: Option<i32>,
    /// Has all these words, in any form, in its title, texts, places, specialties or the name of its provider.
    /// Finds nothing when it holds no word.
    #[param(
        value_type = String, required = false, min_length = 1, max_length = 200,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*[^\\u0000-\\u0020\\u007F-\\u00A0][^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example = "surgery kathmandu"
    )]
    pub q: Option<String>,
}

fn several(item: impl Into<RefOr<Schema>>) -> Array {
    let array = ArrayBuilder::new().items(item.into()).unique_items(true);
    array.min_items(Some(1)).max_items(Some(VALUES)).build()
}

fn several_of<T: ToSchema>() -> Array {
    several(Ref::from_schema_name(T::name()))
}

fn countries() -> Array {
    let code = ObjectBuilder::new().schema_type(Type::String);
    several(code.min_length(Some(2)).max_length(Some(2)).pattern(Some("^[A-Z]{2}$")))
}

fn languages() -> Array {
    let code = ObjectBuilder::new().schema_type(Type::String);
    several(code.min_length(Some(2)).max_length(Some(3)).pattern(Some("^[a-z]{2,3}$")))
}

fn months() -> Array {
    several(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(12)))
}

fn compared_ids() -> Array {
    let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(3)).max_length(Some(80));
    let keys = several(key.pattern(Some("^[a-z0-9-]+$")));
    ArrayBuilder::from(keys).min_items(Some(*COMPARED.start())).max_items(Some(*COMPARED.end())).build()
}

/// Declares the schema of a parameter. (`schema_with` would leave out description, style and example.)
macro_rules! parameter_schema {
    ($($name:ident = $schema:expr;)*) => {$(
        struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

parameter_schema! {
    Countries = countries();
    Specialties = several_of::<Specialty>();
    Tracks = several_of::<Track>();
    TrainingLevels = several_of::<TrainingLevel>();
    Languages = languages();
    Months = months();
    RedFlagKinds = several_of::<RedFlagKind>();
    ComparedKeys = compared_ids();
}

/// One of `terms` stands among the program's terms of this kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermFilter {
    /// What the terms are about.
    pub kind: TermKind,
    /// The terms; never empty.
    pub terms: Vec<String>,
}

impl ProgramFilter {
    /// The conditions on terms of the listing. One country and one specialty are one condition.
    #[must_use]
    pub fn terms(&self) -> Vec<TermFilter> {
        let texts = |values: &mut dyn Iterator<Item = &'static str>| values.map(str::to_owned).collect();
        let mut conditions = Vec::new();
        if let ([country], [specialty]) = (&self.country[..], &self.specialty[..]) {
            conditions.push((TermKind::CountrySpecialty, vec![country_specialty(country, *specialty)]));
        } else {
            conditions.push((TermKind::Country, self.country.clone()));
            conditions.push((TermKind::Specialty, texts(&mut self.specialty.iter().map(|value| value.as_str()))));
        }
        conditions.push((TermKind::City, self.city.iter().map(|city| fold(city)).collect()));
        conditions.push((TermKind::Language, self.language.clone()));
        conditions.push((TermKind::Track, texts(&mut self.track.iter().map(|value| value.as_str()))));
        let months = self.start_month.iter().map(|month| format!("{month:02}"));
        conditions.push((TermKind::StartMonth, months.collect()));
        let levels = &mut self.training_level.iter().map(|value| value.as_str());
        conditions.push((TermKind::TrainingLevel, texts(levels)));
        let conditions = conditions.into_iter().map(|(kind, terms)| TermFilter { kind, terms });
        conditions.filter(|condition| !condition.terms.is_empty()).collect()
    }

    /// Whether there is at most one condition, with one value. Such filters have few different queries, and these are
    /// quick: each of them has an index.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        let terms = self.terms();
        let others = [self.q.is_some(), self.provider.is_some()];
        let conditions = terms.len() + others.into_iter().filter(|given| *given).count();
        conditions <= 1 && terms.iter().all(|condition| condition.terms.len() == 1) && !self.has_column_conditions()
    }

    fn has_column_conditions(&self) -> bool {
        let numbers = [self.weeks, self.min_reviews, self.minimum_age].iter().any(Option::is_some);
        let money = self.fee_currency.is_some() || self.fee_max_minor.is_some();
        let judged = self.verdict.is_some() || self.min_score.is_some() || self.verified_reviews;
        numbers || money || judged || !self.without_red_flag.is_empty()
    }

    /// The words asked for, as they stand in the search index; `None` when there is no such condition.
    #[must_use]
    pub fn words(&self) -> Option<Vec<String>> {
        self.q.as_deref().map(query_tokens)
    }

    /// The least `score_key` asked for.
    #[must_use]
    pub fn min_score_key(&self) -> Option<i32> {
        #[expect(clippy::cast_possible_truncation, reason = "a score lies between 1 and 5")]
        self.min_score.map(|score| (score * 10_000.0).round() as i32)
    }
}

fn small(params: &mut Params, name: &str, range: std::ops::RangeInclusive<i64>) -> Option<i32> {
    params.integer(name, range).and_then(|value| i32::try_from(value).ok())
}

/// Codes separated by commas, each of which `is_known`.
fn codes(params: &mut Params, name: &str, is_known: fn(&str) -> bool, form: &str) -> Vec<String> {
    let codes: Vec<String> = params.list(name, VALUES, form);
    if !codes.iter().all(|code| is_known(code)) {
        params.fault(name, FaultCode::NotAllowed, form);
    }
    codes
}

fn is_language(code: &str) -> bool {
    (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase())
}

impl FromParams for ProgramFilter {
    fn from_params(params: &mut Params) -> Self {
        let country_form = "ISO 3166-1 alpha-2 codes, separated by commas; see /v1/reference/countries.";
        let month_form = "Months from 1 to 12, separated by commas.";
        let start_month: Vec<i32> = params.list("start_month", VALUES, month_form);
        if !start_month.iter().all(|month| (1..=12).contains(month)) {
            params.fault("start_month", FaultCode::NotAllowed, month_form);
        }
        let fee_currency = params.text("fee_currency");
        if !fee_currency.as_deref().is_none_or(is_currency) {
            let detail = "An ISO 4217 code; see /v1/reference/currencies.";
            params.fault("fee_currency", FaultCode::NotAllowed, detail);
        }
        let fee_max_minor = params.integer("fee_max_minor", 0..=20_000_000_000);
        if fee_max_minor.is_some() && fee_currency.is_none() {
            params.fault("fee_max_minor", FaultCode::Inconsistent, "Give fee_currency too: amounts are not converted.");
        }
        let min_score = params.parsed("min_score", "A number from 1 to 5.");
        if min_score.is_some_and(|score| !(1.0..=5.0).contains(&score)) {
            params.fault("min_score", FaultCode::BadFormat, "A number from 1 to 5.");
        }
        Self {
            country: codes(params, "country", is_country, country_form),
            city: params.bounded("city", 1..=80),
            specialty: params.list(
                "specialty",
                VALUES,
                "Specialties, separated by commas; see /v1/reference/specialties.",
            ),
            track: params.list("track", VALUES, "Tracks, separated by commas; see /v1/reference/tracks."),
            training_level: params.list(
                "training_level",
                VALUES,
                "Training levels, separated by commas; see /v1/reference/training-levels.",
            ),
            language: codes(params, "language", is_language, "Language codes such as es, separated by commas."),
            start_month,
            weeks: small(params, "weeks", 1..=104),
            fee_currency,
            fee_max_minor,
            verdict: params.parsed("verdict", "A verdict."),
            min_score,
            min_reviews: small(params, "min_reviews", 0..=1_000_000),
            verified_reviews: params.flag("verified_reviews").unwrap_or_default(),
            provider: params.parsed("provider", "The id or slug of a provider."),
            without_red_flag: params.list(
                "without_red_flag",
                VALUES,
                "Kinds of red flag, separated by commas; see /v1/reference/red-flag-kinds.",
            ),
            minimum_age: small(params, "minimum_age", 14..=99),
            q: params.bounded("q", 1..=200),
        }
    }
}

text_enum! {
    /// The order of a list of programs.
    #[derive(Default)]
    pub enum ProgramSort {
        /// Highest score first; programs without a score last.
        #[default]
        ScoreDown = "-score",
        /// Lowest score first; programs without a score before all others.
        Score = "score",
        /// Newest first.
        ListedAtDown = "-listed_at",
        /// Oldest first.
        ListedAt = "listed_at",
        /// By title.
        Title = "title",
        /// By title, backwards.
        TitleDown = "-title",
        /// Lowest sum of fees first, in the currency of `fee_currency`.
        Fee = "fee",
        /// Most reviewed first.
        ReviewCountDown = "-review_count",
    }
}

/// The parameters of the list.
#[derive(Debug)]
pub struct ListQuery {
    /// Which programs.
    pub filter: ProgramFilter,
    /// In which order.
    pub sort: ProgramSort,
    /// Which page.
    pub paging: Paging,
}

impl FromParams for ListQuery {
    fn from_params(params: &mut Params) -> Self {
        let filter = ProgramFilter::from_params(params);
        let sort = params.parsed("sort", "A sort named in the document.").unwrap_or_default();
        if sort == ProgramSort::Fee && filter.fee_currency.is_none() {
            params.fault("sort", FaultCode::Inconsistent, "Give fee_currency too: amounts are not converted.");
        }
        Self { filter, sort, paging: Paging::from_params(params) }
    }
}

/// The parameters of the comparison.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CompareQuery {
    /// Two to five programs by id or slug, separated by commas.
    #[param(
        value_type = ComparedKeys, inline, required = true, style = Form, explode = false,
        example = json!(["observation-kathmandu", "internal-medicine-kumasi"])
    )]
    pub ids: Vec<ProgramKey>,
}

impl FromParams for CompareQuery {
    fn from_params(params: &mut Params) -> Self {
        let form = "From 2 to 5 ids or slugs of programs, separated by commas.";
        let ids: Vec<ProgramKey> = params.list("ids", *COMPARED.end(), form);
        if ids.len() < *COMPARED.start() {
            params.fault("ids", FaultCode::TooFew, form);
        }
        Self { ids }
    }
}

#[cfg(test)]
mod tests;
