//! Handlers of the reference lists that are compiled in: each answer is made once, and its entity tag changes with
//! the release only. Those that follow from the rubric are in [`crate::vetting::rubric_routes`].

use std::sync::LazyLock;

use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{CodeInfo, CurrencyInfo, RedFlagKindInfo};
use crate::http::{Found, NoQuery};

/// Registers the routes.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_red_flag_kinds)
        .service(list_specialties)
        .service(list_tracks)
        .service(list_training_levels)
        .service(list_countries)
        .service(list_currencies)
        .service(list_languages);
}

/// Declares the body of a list and the one value of it.
macro_rules! whole_list {
    ($(#[$doc:meta])* $name:ident of $item:ty = $items:expr) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $name {
            /// The whole list.
            #[schema(max_items = 300)]
            pub data: Vec<$item>,
        }

        impl $name {
            fn answer() -> Found<&'static Self> {
                static LIST: LazyLock<$name> = LazyLock::new(|| $name { data: $items });
                Found::computed(&LIST)
            }
        }
    };
}

whole_list! {
    /// Every kind of red flag.
    RedFlagKindList of RedFlagKindInfo = super::red_flag_kinds().to_vec()
}
whole_list! {
    /// Every specialty.
    SpecialtyList of CodeInfo = super::specialties()
}
whole_list! {
    /// Every track.
    TrackList of CodeInfo = super::tracks()
}
whole_list! {
    /// Every training level.
    TrainingLevelList of CodeInfo = super::training_levels()
}
whole_list! {
    /// Every country.
    CountryList of CodeInfo = super::countries().to_vec()
}
whole_list! {
    /// Every currency.
    CurrencyList of CurrencyInfo = super::currencies().to_vec()
}
whole_list! {
    /// Every language with a code of two letters.
    LanguageList of CodeInfo = super::languages().to_vec()
}

/// List the kinds of red flag
///
/// The 35 kinds with severity, who can observe them, how the severity depends on the training level, and what they
/// rest on. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_red_flag_kinds",
    responses((status = 200, description = "Every kind.", body = RedFlagKindList)),
    security(())
)]
#[get("/v1/reference/red-flag-kinds")]
pub async fn list_red_flag_kinds(_: NoQuery) -> Found<&'static RedFlagKindList> {
    RedFlagKindList::answer()
}

/// List the specialties
///
/// What a program can be about. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_specialties",
    responses((status = 200, description = "Every specialty.", body = SpecialtyList)),
    security(())
)]
#[get("/v1/reference/specialties")]
pub async fn list_specialties(_: NoQuery) -> Found<&'static SpecialtyList> {
    SpecialtyList::answer()
}

/// List the tracks
///
/// The kinds of work that a program can consist of. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_tracks",
    responses((status = 200, description = "Every track.", body = TrackList)),
    security(())
)]
#[get("/v1/reference/tracks")]
pub async fn list_tracks(_: NoQuery) -> Found<&'static TrackList> {
    TrackList::answer()
}

/// List the training levels
///
/// How far a participant has got in training, lowest first. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_training_levels",
    responses((status = 200, description = "Every training level.", body = TrainingLevelList)),
    security(())
)]
#[get("/v1/reference/training-levels")]
pub async fn list_training_levels(_: NoQuery) -> Found<&'static TrainingLevelList> {
    TrainingLevelList::answer()
}

/// List the countries
///
/// ISO 3166-1 alpha-2 codes and XK for Kosovo, by code. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_countries",
    responses((status = 200, description = "Every country.", body = CountryList)),
    security(())
)]
#[get("/v1/reference/countries")]
pub async fn list_countries(_: NoQuery) -> Found<&'static CountryList> {
    CountryList::answer()
}

/// List the currencies
///
/// ISO 4217 codes of the money that fees can be stated in, with the digits of the minor unit, by code. The whole list;
/// it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_currencies",
    responses((status = 200, description = "Every currency.", body = CurrencyList)),
    security(())
)]
#[get("/v1/reference/currencies")]
pub async fn list_currencies(_: NoQuery) -> Found<&'static CurrencyList> {
    CurrencyList::answer()
}

/// List the languages
///
/// ISO 639-1 codes, by code: the beginning of most language tags (BCP 47). A program may name languages of three
/// letters too. The whole list; it has no pages.
#[utoipa::path(
    tag = "reference",
    operation_id = "list_languages",
    responses((status = 200, description = "Every language with a code of two letters.", body = LanguageList)),
    security(())
)]
#[get("/v1/reference/languages")]
pub async fn list_languages(_: NoQuery) -> Found<&'static LanguageList> {
    LanguageList::answer()
}
