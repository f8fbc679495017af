//! Listings that are valid and that are not, the table of states, what is derived.

use super::*;
use serde_json::{Value, json};
use validator::{ValidationErrors, ValidationErrorsKind};

fn example() -> Value {
    json!({
        "title": "Observation in internal medicine", "summary": "Four weeks of observation on the wards.",
        "description": "Participants watch rounds with a licensed physician and take part in teaching.",
        "places": [{"country": "NP", "city": "Kathmandu"}], "specialties": ["internal_medicine"],
        "tracks": ["clinical_observation"], "training_levels": ["pre_health"], "minimum_age": 18,
        "weeks_min": 4, "weeks_max": 12, "start_months": [1, 9]
    })
}

fn with(member: &str, value: Value) -> ProgramInput {
    let mut document = example();
    document[member] = value;
    serde_json::from_value(document).unwrap()
}

fn fault_of(input: &ProgramInput) -> ValidationErrors {
    input.validate().unwrap_err()
}

fn field_code(errors: &ValidationErrors, field: &str) -> (String, Value) {
    match &errors.errors()[field] {
        ValidationErrorsKind::Field(faults) => {
            (faults[0].code.to_string(), faults[0].params.get("at").cloned().unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_small_listing_is_valid_and_defaults_are_empty() {
    let input: ProgramInput = serde_json::from_value(example()).unwrap();
    input.validate().unwrap();
    assert_eq!(input.supervision.licence_check.as_str(), "none");
    assert!(input.fees.is_empty() && input.scope.is_empty());
    let stored = serde_json::to_value(&input).unwrap();
    assert_eq!(serde_json::from_value::<ProgramInput>(stored).unwrap(), input);
}

#[test]
fn unknown_members_are_refused_at_every_depth() {
    let mut document = example();
    document["supervision"] = json!({"rolls": []});
    assert!(serde_json::from_value::<ProgramInput>(document).is_err());
}

#[test]
fn semantic_faults_are_reported_where_they_are() {
    let errors = fault_of(&with("weeks_max", json!(3)));
    assert_eq!(field_code(&errors, "__all__"), ("range_reversed".to_owned(), json!("/weeks_max")));

    let errors = fault_of(&with("start_months", json!([1, 2, 1])));
    assert_eq!(field_code(&errors, "start_months"), ("duplicate_item".to_owned(), json!("/2")));

    let entry = json!({"task": "vital_signs", "training_level": "clinical", "rule": "allowed"});
    let errors = fault_of(&with("scope", json!([entry, entry])));
    assert_eq!(field_code(&errors, "scope"), ("duplicate_item".to_owned(), json!("/1")));

    let errors = fault_of(&with(
        "fees",
        json!([{"amount_minor": 1, "currency": "EUR", "covers": "all"}, {"amount_minor": 1, "currency": "XTS", "covers": "all"}]),
    ));
    let ValidationErrorsKind::List(items) = &errors.errors()["fees"] else { panic!("{errors:?}") };
    assert_eq!(field_code(&items[&1], "currency").0, "unknown_currency");

    let errors = fault_of(&with("safety", json!({"vaccinations": ["rabies", "rabies"]})));
    let ValidationErrorsKind::Struct(safety) = &errors.errors()["safety"] else { panic!("{errors:?}") };
    assert_eq!(field_code(safety, "vaccinations").0, "duplicate_item");

    let errors = fault_of(&with("website", json!("https://")));
    assert_eq!(field_code(&errors, "website").0, "invalid_url");
}

#[test]
fn several_faults_are_reported_together() {
    let mut document = example();
    document["places"] = json!([{"country": "ZZ", "city": "x"}, {"country": "ZZ", "city": "x"}]);
    document["weeks_max"] = json!(1);
    document["languages_required"] = json!([{"language": "es", "level": "b1"}, {"language": "ES", "level": "b2"}]);
    let errors = serde_json::from_value::<ProgramInput>(document).unwrap().validate().unwrap_err();
    let faults = crate::http::schema::semantic_faults(&errors);
    let places: Vec<_> = faults.iter().filter_map(|fault| fault.pointer.as_deref()).collect();
    let wanted = ["#/languages_required/1", "#/places/0/country", "#/places/1", "#/places/1/country", "#/weeks_max"];
    assert_eq!(places, wanted);
}

#[test]
fn an_agreement_ends_after_it_begins() {
    let site = |from: &str, until: &str| {
        json!([{
            "name": "Bir Hospital", "setting": "hospital", "country": "NP", "city": "Kathmandu",
            "agreement_from": from, "agreement_until": until
        }])
    };
    assert!(with("host_sites", site("2024-01-01", "2024-01-01")).validate().is_ok());
    let errors = fault_of(&with("host_sites", site("2024-01-02", "2024-01-01")));
    let ValidationErrorsKind::List(items) = &errors.errors()["host_sites"] else { panic!("{errors:?}") };
    assert_eq!(field_code(&items[&0], "__all__").1, json!("/agreement_until"));
}

#[test]
fn every_pair_of_status_and_action_has_one_answer() {
    use ProgramAction as A;
    use ProgramStatus as S;
    let allowed = [
        (S::Draft, A::Submit, S::Submitted),
        (S::Draft, A::Archive, S::Archived),
        (S::Submitted, A::List, S::Listed),
        (S::Submitted, A::Reject, S::Draft),
        (S::Listed, A::Suspend, S::Suspended),
        (S::Listed, A::Archive, S::Archived),
        (S::Suspended, A::Reinstate, S::Listed),
        (S::Suspended, A::Archive, S::Archived),
    ];
    for status in S::ALL {
        for action in A::ALL {
            let expected = allowed.iter().find(|row| (row.0, row.1) == (*status, *action)).map(|row| row.2);
            assert_eq!(status.after(*action).ok(), expected, "{status} {action}");
        }
    }
    let refused = S::Archived.after(A::List).unwrap_err().to_string();
    assert_eq!(refused, "`list` is not possible while the status is `archived`");
}

#[test]
fn fees_add_up_in_one_currency_only() {
    let fee =
        |amount: i64, currency: &str| json!({"amount_minor": amount, "currency": currency, "covers": "all of it"});
    assert_eq!(with("fees", json!([])).fee_total(), None);
    assert_eq!(with("fees", json!([fee(100, "EUR"), fee(250, "EUR")])).fee_total(), Some(("EUR", 350)));
    assert_eq!(with("fees", json!([fee(100, "EUR"), fee(250, "USD")])).fee_total(), None);
}

#[test]
fn terms_and_search_body_come_from_the_listing() {
    let input = with("languages_required", json!([{"language": "pt-BR", "level": "b1"}]));
    let terms = input.terms();
    for (kind, term) in [
        (TermKind::Country, "NP"),
        (TermKind::City, "kathmandu"),
        (TermKind::Language, "pt"),
        (TermKind::StartMonth, "09"),
        (TermKind::Specialty, "internal_medicine"),
        (TermKind::TrainingLevel, "pre_health"),
        (TermKind::CountrySpecialty, "NP internal_medicine"),
    ] {
        assert!(terms.contains(&(kind, term.to_owned())), "{kind} {term}");
    }
    assert!(input.search_body("Himal Health").split(' ').any(|word| word == "himal"));
    assert_eq!(input.slug_or_derived(), "observation-in-internal-medicine");
}
